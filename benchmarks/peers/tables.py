# Formats the measurements as Markdown tables, with the machine and the build.
import datetime
import os
import platform
import re
import shutil
import subprocess
import textwrap
from statistics import median

import prepare
from contestant import INT8, NAMES

LABELS = {"cvt-13": "CvT-13", "cvt-21": "CvT-21", "cvt-w24": "CvT-W24"}


class Result:
    """All contestants of one model at one size, and the share of busy processor time that other programs took."""

    def __init__(self, variant, size, contestants, others):
        self.variant, self.size, self.contestants, self.others = variant, size, contestants, others
        self.label = f"{LABELS[variant]} {size}"

    def find(self, name, batch, threads):
        found = [c for c in self.contestants if (c.name, c.batch, c.threads) == (name, batch, threads)]
        return found[0] if found else None


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def by_round(a, b):
    """Returns the median of a / b over the rounds: within a round both met the same state of the machine."""
    return median(x / y for x, y in zip(a.milliseconds, b.milliseconds))


def times(results):
    for r in results:
        for c in r.contestants:
            if c.name == "cvt" or c.name in INT8:
                continue
            ours = r.find("cvt", c.batch, c.threads)
            mine, theirs = ([x / c.batch for x in of.milliseconds] for of in (ours, c))
            yield (r.label, str(c.batch), str(c.threads), NAMES[c.name], f"{median(mine):.1f}", f"{median(theirs):.1f}",
                   f"**{median(mine) / median(theirs):.3f}**", f"{by_round(ours, c):.3f}", f"{min(mine):.1f}", f"{min(theirs):.1f}",
                   f"{min(mine) / min(theirs):.3f}", f"{c.logits_off:.1e}", str(len(mine)))


class PeakShare:
    """cvt's rate on one thread, in GFLOP/s, with the core's FMA peak and how much of it other programs left."""

    def __init__(self, contestant):
        operations = 2e-6 * contestant.about["multiply_adds"]  # over milliseconds: GFLOP/s
        self.rates = [operations / ms for ms in contestant.milliseconds]
        self.peaks, self.meanwhile = zip(*contestant.peaks)
        self.of_peak = median(rate / peak for rate, peak in zip(self.rates, self.peaks))
        self.of_best = max(self.rates) / max(self.peaks)
        self.of_what_was_left = median(rate / left for rate, left in zip(self.rates, self.meanwhile))


def peak_shares(results):
    for r in results:
        for c in filter(None, (r.find(name, 1, 1) for name in ("cvt", "avx2"))):
            s = PeakShare(c)
            yield (r.label, c.about["kernels"], f"{c.about['multiply_adds'] * 1e-9:.2f}", f"{median(s.rates):.1f}", f"{median(s.peaks):.1f}",
                   f"**{s.of_peak:.3f}**", f"{s.of_best:.3f}", f"{median(s.meanwhile):.1f}", f"{s.of_what_was_left:.3f}")


def scaling(results):
    pairs = (("2 threads instead of 1, batch 1", (1, 1), (1, 2)), ("2 threads instead of 1, batch 8", (8, 1), (8, 2)),
             ("batch 8 instead of 1, 1 thread", (1, 1), (8, 1)), ("batch 8 instead of 1, 2 threads", (1, 2), (8, 2)))
    for r in results:
        for what, slow, fast in pairs:
            if not r.find("cvt", *slow) or not r.find("cvt", *fast):
                continue
            gains = []
            for name in ("cvt", "ort", "torch"):
                a, b = r.find(name, *slow), r.find(name, *fast)
                gains.append(f"{by_round(a, b) * b.batch / a.batch:.2f}")
            yield r.label, what, *gains


def memory(results):
    for r in results:
        batch, threads = r.contestants[0].batch, r.contestants[0].threads
        for c in r.contestants:
            if c.name not in ("native", "avx2", "avx2-int8") and (c.batch, c.threads) == (batch, threads):
                yield r.label, NAMES[c.name], f"{c.memory / 1e6:.0f}", f"{c.about['bare_memory'] / 1e6:.0f}"


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=prepare.ROOT).stdout.partition("\n")[0]


def cached(name):
    with open(os.path.join(prepare.PROGRAMS, "CMakeCache.txt")) as cache:
        return next((line.split("=", 1)[1].strip() for line in cache if line.startswith(name + ":")), "")


def machine():
    with open("/proc/cpuinfo") as file:
        info = file.read()
    field = {name: re.search(rf"^{name}\s*: (.*)$", info, re.M) for name in ("model name", "cpu family", "model")}
    name, family, model = (found[1] if found else "unknown" for found in field.values())
    flags = [f for f in ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8") if re.search(rf"^flags.*\b{f}\b", info, re.M)]
    return f"{name} (family {family}, model {model}; {' '.join(flags)}), {os.cpu_count()} cores visible, Linux {platform.release()}"


def build(version=""):
    commit = first_line("git", "describe", "--always", "--dirty") if shutil.which("git") else ""
    flags = " ".join(filter(None, (cached("CMAKE_CXX_FLAGS"), cached("CMAKE_CXX_FLAGS_RELEASE"))))
    compiler = first_line(cached("CMAKE_CXX_COMPILER"), "--version")
    yield f"* cvt{version and ' ' + version}{commit and ' at ' + commit}; {compiler}, `{flags}`{'' if re.search(r'(^| )-m', flags) else ', no -m flag'}; {datetime.date.today().isoformat()}"


def preamble(results):
    about = {c.name: c.about for c in results[0].contestants}
    others = ", ".join(f"{r.label} {100 * r.others:.1f} %" for r in results)
    if max(r.others for r in results) > 0.02:
        others += " **(the machine was not quiet)**"
    return [
        f"* Machine: {machine()}",
        *build(about["cvt"]["version"]),
        f"* Kernels {about['cvt']['kernels']}; float32, generated weights, QuickGELU; no thread is pinned to a core",
        f"* ONNX Runtime {about['ort']['version']} in node {about['ort']['node']}, all graph optimisations, fixed shapes",
        *([f"* PyTorch {about['torch']['version']} with {about['torch']['blas']}, traced and frozen, channels last"] if "torch" in about else []),
        f"* Busy processor time that was neither ours nor the peers': {others}",
        "",
    ]


def int8(results):
    for r in results:
        for threads in (1, 2):
            found = [r.find(name, 1, threads) for name in ("cvt", "cvt-int8", "ort", "ort-int8")]
            if None in found:
                continue
            ours, our_bytes, ort, ort_bytes = found
            yield (f"{LABELS[r.variant]} at {r.size}", str(threads), f"`{our_bytes.about['kernels']}`",
                   *(f"{median(c.milliseconds):.1f}" for c in found), f"**{by_round(our_bytes, ours):.2f}**",
                   f"**{by_round(our_bytes, ort_bytes):.2f}**", f"{by_round(ort_bytes, ort):.2f}",
                   f"{our_bytes.cosine:.5f}, {ort_bytes.cosine:.5f}")
            avx2, avx2_bytes = (r.find(name, 1, threads) for name in ("avx2", "avx2-int8"))
            if avx2 and avx2_bytes:  # not compared with ONNX Runtime, which uses the whole CPU
                yield (f"{LABELS[r.variant]} at {r.size}", str(threads), "`avx2`, forced",
                       *(f"{median(c.milliseconds):.1f}" for c in (avx2, avx2_bytes)), "", "", f"**{by_round(avx2_bytes, avx2):.2f}**",
                       "", "", f"{avx2_bytes.cosine:.5f}")


def int8_table(results):
    return [
        "int8: milliseconds per image, batch 1. Ratios are medians over the rounds. The cosine is that of the logits with cvt's float32.", "",
        *table(("model and input", "threads", "kernel set", "cvt, float32", "cvt, int8", "ONNX Runtime, float32", "ONNX Runtime, int8",
                "cvt int8 / float32", "cvt int8 / ONNX Runtime int8", "ONNX Runtime int8 / float32", "cosine: cvt, ONNX Runtime"),
               int8(results))]


def int8_report(results):
    return [*preamble(results), *int8_table(results), *memory_table(results)]


def memory_table(results):
    return [
        "Peak memory of the whole process, and the part of it before the model was loaded: the program, node with ONNX Runtime, Python",
        "with PyTorch (whose buffers glibc keeps here, for its speed); batch 1, 1 thread.", "",
        *table(("model", "contestant", "peak memory, MB", "before loading, MB"), memory(results))]


def report(results):
    gains = list(scaling(results))
    lines = [
        *preamble(results),
        "Medians of rounds that alternate between the programs, milliseconds per image; ratio = cvt / peer, lower is better.", "",
        *table(("model", "batch", "threads", "peer", "cvt, ms", "peer, ms", "ratio", "ratio by round", "cvt least", "peer least",
                "ratio of least", "logits differ by", "rounds"), times(results)),
        "Multiply-adds that were computed (in the last block for the class token alone), as a share of the FMA peak measured in the",
        "same process after each run (the best of its loops), and of the part that other programs left of it (the loops' mean rate);",
        "batch 1, 1 thread. The peak is that of the kernels' own multiply-adds.", "",
        *table(("model", "kernels", "GMAC done", "GFLOP/s", "FMA peak, GFLOP/s", "share", "share, best run", "left of it, GFLOP/s",
                "share of that"), peak_shares(results)),
    ]
    if gains:
        lines += ["Gain in images per second, medians by round.", "", *table(("model", "by", "cvt", "ONNX Runtime", "PyTorch"), gains)]
    return lines + int8_table(results) + memory_table(results)


def per_thread(results):
    """Yields the rows of the README's table, for batch 1."""
    for r in results:
        for threads in (1, 2):
            ours, rivals = r.find("cvt", 1, threads), [r.find(name, 1, threads) for name in ("ort", "torch")]
            if ours is None:
                continue
            cells = [f"{LABELS[r.variant]} at {r.size}", str(threads), f"{median(ours.milliseconds):.1f}"]
            for rival in rivals:
                cells += [f"{median(rival.milliseconds):.1f}", f"**{by_round(ours, rival):.2f}**"]
            yield cells


def span(values, form):
    """Formats the range of `values`."""
    low, high = (format(v, form) for v in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def percent(shares):
    return span([100 * s for s in shares], ".0f")


def fill(text):
    """Wraps text at 100 columns, as a test requires of the README."""
    return textwrap.fill(text, 100, break_on_hyphens=False, break_long_words=False)


def readme(results):
    about = {c.name: c.about for c in results[0].contestants}
    shares = [PeakShare(c) for r in results if (c := r.find("cvt", 1, 1))]
    memory_of = [f"{c.memory / 1e6:.0f} MB ({c.about['bare_memory'] / 1e6:.0f} before loading)"
                 for c in (results[0].find(name, 1, 1) for name in ("cvt", "ort", "torch"))]
    off = max(c.logits_off for r in results for c in r.contestants if c.name not in INT8)
    version = about["torch"]["version"].partition("+")[0].rpartition(".")[0]
    return [
        fill("Milliseconds per image, lower is better: float32, the same weights, batch 1; medians of rounds that alternate between the "
             "programs. A ratio is the median, over the rounds, of cvt's time divided by the other's. Logits differ by at most "
             f"{off:.1e}."), "",
        *table(("model and input", "threads", "cvt", f"ONNX Runtime {about['ort']['version'].rpartition('.')[0]}", "ratio",
                f"PyTorch {version}", "ratio"), per_thread(results)),
        fill(f"On one thread the {about['cvt']['kernels']} kernels reach {percent(s.of_peak for s in shares)} % of the core's peak rate of "
             f"multiply-adds, and {percent(s.of_what_was_left for s in shares)} % of what other tenants of the machine left of it. Peak "
             f"memory with {results[0].label}: cvt {memory_of[0]}, ONNX Runtime {memory_of[1]}, PyTorch {memory_of[2]}. Machine: "
             f"{machine().partition(', Linux')[0]}. {next(build()).removeprefix('* ')}. In {len(results[0].contestants[0].milliseconds)} "
             f"rounds other programs on it took {span([100 * r.others for r in results], '.1f')} % of the busy processor time."),
    ]


def put_into_readme(results):
    """Replaces the README's table, which two comments enclose."""
    path = os.path.join(prepare.ROOT, "README.md")
    block = "\n".join(readme(results)) + "\n"  # before the file is written, which makes the revision dirty
    with open(path) as file:
        before, begin, rest = file.read().partition("<!-- peers -->\n")
    _, end, after = rest.partition("<!-- /peers -->\n")
    with open(path, "w") as file:
        file.write(before + begin + block + end + after)


def publish(lines, path):
    """Writes the lines to standard output and, if `path` is given, to that file."""
    text = "\n".join(lines)
    print(text, end="")
    if path:
        with open(path, "w") as file:
            file.write(text)
