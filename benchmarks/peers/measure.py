# The same models with the same weights through cvt, ONNX Runtime and PyTorch, in turn: benchmarks/peers/run is how to start it.
import argparse
import array
import resource
import sys

import prepare
import tables
from contestant import Contestant, wait_until_idle

# What is compared at a model and a size: (batch, threads) of each, all of them interleaved, and how many rounds.
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
    """Processor time the whole machine has spent, what its host took away included."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / 100


def own_seconds():
    times = resource.getrusage(resource.RUSAGE_SELF)
    return times.ru_utime + times.ru_stime


def difference(ours, theirs):
    """Largest of two results, which must be of one model for a comparison of times to mean anything."""
    differences = [abs(x - y) for x, y in zip(array.array("f", ours), array.array("f", theirs))]
    if len(ours) != len(theirs) or not all(d < 1e-3 for d in differences):  # a NaN is no less either
        raise RuntimeError(f"the logits are of another model: {len(ours)} and {len(theirs)} bytes, up to {max(differences)} apart")
    return max(differences)


def measure(variant, size, works, rounds):
    prepare.models(variant, sorted({(size, batch) for batch, _ in works}))
    contestants = []
    try:
        for batch, threads in works:
            for name in ("cvt", "ort", "torch", "native"):
                say(f"{variant} {size}: loading {name}, batch {batch}, {threads} thread(s)")
                c = Contestant(name, variant, size, batch, threads)
                contestants.append(c)
                c.run()  # plans and allocates
                c.warm = c.run()
                ours = next(o for o in contestants if (o.batch, o.threads) == (batch, threads))
                c.logits_off = difference(ours.logits(), c.logits())
        busy, own = busy_seconds(), own_seconds() + sum(c.processor_ns() for c in contestants) * 1e-9
        for done in range(rounds):
            say(f"{variant} {size}: round {done + 1} of {rounds}")
            for c in contestants if done % 2 == 0 else reversed(contestants):  # nobody always follows the same one
                wait_until_idle(contestants)
                if c.warm < 1000:  # the second of two in a row is timed: caches filled, threads awake
                    c.run()
                c.milliseconds.append(c.run())
                if (c.name, c.batch, c.threads) == ("cvt", 1, 1):
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
    parser.add_argument("--rounds", type=int, help="of every model, in place of its own number")
    parser.add_argument("--md", metavar="FILE", help="write the tables there too")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: expected at least 1")

    prepare.programs("peer_cvt", "peer_cvt_native")
    prepare.onnxruntime()
    chosen = [QUICK] if options.quick else [WORKS[name] for name in options.variant or WORKS]
    results = []
    try:
        for variant, size, works, rounds in chosen:
            results.append(measure(variant, size, works, options.rounds or rounds))
    except KeyboardInterrupt:
        say("interrupted: the tables have the models that were done")
    tables.publish(tables.report(results), options.md)


if __name__ == "__main__":
    main()
