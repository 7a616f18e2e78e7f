# Times the same models with the same weights in cvt, ONNX Runtime and PyTorch, in turn. benchmarks/peers/run starts it.
import argparse
import array
import math
import os
import resource
import sys

import prepare
import tables
from contestant import INT8, Contestant, wait_until_idle

# For each model and size: the pairs (batch, threads) to compare, all of them interleaved, and the number of rounds.
WORKS = {
    "cvt-13-224": ("cvt-13", 224, [(1, 1), (1, 2), (8, 1), (8, 2)], 25),
    "cvt-21-224": ("cvt-21", 224, [(1, 1), (1, 2)], 15),
    "cvt-13-384": ("cvt-13", 384, [(1, 1), (1, 2)], 9),
    "cvt-w24-384": ("cvt-w24", 384, [(1, 1)], 7),
}
QUICK = ("cvt-13", 224, [(1, 1), (1, 2)], 5)


def say(text):
    print(text, file=sys.stderr, flush=True)


def busy_seconds():
    """Returns the processor time that the whole machine has used, including the time taken by its host."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / 100


def own_seconds():
    times = resource.getrusage(resource.RUSAGE_SELF)
    return times.ru_utime + times.ru_stime


def difference(ours, theirs):
    """Returns the largest difference of two results. Raises RuntimeError if they cannot come from the same model."""
    differences = [abs(x - y) for x, y in zip(array.array("f", ours), array.array("f", theirs))]
    if len(ours) != len(theirs) or not all(d < 1e-3 for d in differences):  # not any(d >= 1e-3), which is false for NaN
        raise RuntimeError(f"the logits are of another model: {len(ours)} and {len(theirs)} bytes, up to {max(differences)} apart")
    return max(differences)


def cosine(exact, quantised):
    """Returns the cosine of a float32 and an int8 result. Raises RuntimeError if they cannot come from the same model."""
    a, b = array.array("f", exact), array.array("f", quantised)
    product = sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    if len(a) != len(b) or not product > 0.999:
        raise RuntimeError(f"int8 logits are of another model: {len(a)} and {len(b)} of them, cosine {product}")
    return product


def names_of(int8_only, batch, threads, contestants):
    """Yields the contestants of one row. cvt comes first: when it runs, its kernel set is known, and whether AVX2 can be forced."""
    if int8_only and batch != 1:
        return
    yield "cvt"
    kernels = contestants[0].about["kernels"]
    avx2 = (batch, threads) == (1, 1) and kernels.startswith("avx") and kernels != "avx2"
    yield from ("ort",) if int8_only else ("ort", "torch", "native")
    yield from ("avx2",) if avx2 else ()
    yield from ("cvt-int8", "ort-int8") if batch == 1 else ()
    yield from ("avx2-int8",) if avx2 else ()


def measure(variant, size, works, rounds, int8_only):
    prepare.models(variant, sorted({(size, batch) for batch, _ in works}))
    contestants, slowest = [], {}
    try:
        for batch, threads in works:
            for name in names_of(int8_only, batch, threads, contestants):
                say(f"{variant} {size}: loading {name}, batch {batch}, {threads} thread(s)")
                c = Contestant(name, variant, size, batch, threads)
                contestants.append(c)
                c.run()  # plans and allocates
                slowest[batch, threads] = max(slowest.get((batch, threads), 0), c.run())
                ours = next(o for o in contestants if (o.batch, o.threads) == (batch, threads))
                if name in INT8:
                    c.cosine = cosine(ours.logits(), c.logits())
                else:
                    c.logits_off = difference(ours.logits(), c.logits())
        busy, own = busy_seconds(), own_seconds() + sum(c.processor_ns() for c in contestants) * 1e-9
        for done in range(rounds):
            say(f"{variant} {size}: round {done + 1} of {rounds}")
            first = done * 5 % len(contestants)  # so that the order of the contestants varies
            order = contestants[first:] + contestants[:first]
            for c in order if done % 2 == 0 else reversed(order):
                wait_until_idle(contestants)
                if slowest[c.batch, c.threads] < 1000:  # the second of two in a row is timed: caches filled, threads awake
                    c.run()
                c.milliseconds.append(c.run())
                if c.name in ("cvt", "avx2") and (c.batch, c.threads) == (1, 1):
                    c.peaks.append(c.peak())
        own = own_seconds() + sum(c.processor_ns() for c in contestants) * 1e-9 - own
        others = max(0.0, busy_seconds() - busy - own)
        for c in contestants:
            c.memory = c.peak_memory()
        return tables.Result(variant, size, contestants, others / (others + own))
    finally:
        for c in contestants:
            c.close()


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/peers/run", description="Times cvt beside ONNX Runtime and PyTorch.")
    parser.add_argument("--quick", action="store_true", help="CvT-13 at 224 only, few rounds")
    parser.add_argument("--variant", action="append", choices=sorted(WORKS), help="only this one; may be repeated")
    parser.add_argument("--int8", action="store_true",
                        help="only cvt, its AVX2 kernels and ONNX Runtime, each in float32 and int8, batch 1")
    parser.add_argument("--rounds", type=int, help="of every model, in place of its own number")
    parser.add_argument("--md", metavar="FILE", help="write the tables there too")
    parser.add_argument("--readme", action="store_true", help="put the short table into README.md")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: expected at least 1")

    if options.quick and options.variant:
        parser.error("--quick is CvT-13 at 224: leave --variant out")
    if options.int8 and options.readme:
        parser.error("--readme needs every contestant: leave --int8 out")
    chosen = [QUICK] if options.quick else [WORKS[name] for name in options.variant or WORKS]
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        say("one core: rows of two threads are left out")

    results, status = [], 0
    try:
        prepare.programs(*(("peer_cvt",) if options.int8 else ("peer_cvt", "peer_cvt_native")))
        prepare.onnxruntime()
        for variant, size, works, rounds in chosen:
            works = [w for w in works if w[1] <= cores and (w[0] == 1 or not options.int8)]
            results.append(measure(variant, size, works, options.rounds or rounds, options.int8))
    except KeyboardInterrupt:
        say("interrupted: the tables have the models that were done")
        status = 130
    except (RuntimeError, OSError) as problem:
        say(f"benchmarks/peers/run: {problem}")
        status = 1
    if results:
        tables.publish(tables.int8_report(results) if options.int8 else tables.report(results), options.md)
        if options.readme:
            tables.put_into_readme(results)
    return status


if __name__ == "__main__":
    sys.exit(main())
