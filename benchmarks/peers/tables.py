# The measurements as Markdown tables, with what they were made on.
import datetime
import os
import platform
import re
import shutil
import subprocess
from statistics import median

import prepare
from contestant import NAMES

LABELS = {"cvt-13": "CvT-13", "cvt-21": "CvT-21", "cvt-w24": "CvT-W24"}


class Result:
    """All contestants of one model at one size, and the share of busy processor time that was somebody else's."""

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
    """Median of a / b round by round: both of a round met the same state of the machine."""
    return median(x / y for x, y in zip(a.milliseconds, b.milliseconds))


def times(results):
    for r in results:
        for c in r.contestants:
            if c.name == "cvt":
                continue
            ours = r.find("cvt", c.batch, c.threads)
            mine, theirs = ([x / c.batch for x in of.milliseconds] for of in (ours, c))
            yield (r.label, str(c.batch), str(c.threads), NAMES[c.name], f"{median(mine):.1f}", f"{median(theirs):.1f}",
                   f"**{median(mine) / median(theirs):.3f}**", f"{by_round(ours, c):.3f}", f"{min(mine):.1f}", f"{min(theirs):.1f}",
                   f"{min(mine) / min(theirs):.3f}", f"{c.logits_off:.1e}", str(len(mine)))


def peak_shares(results):
    for r in results:
        c = r.find("cvt", 1, 1)
        if c is None:
            continue
        operations = 2e-6 * c.about["multiply_adds"]  # over milliseconds: GFLOP/s
        peaks, meanwhile = zip(*c.peaks)
        rates = [operations / ms for ms in c.milliseconds]
        yield (r.label, f"{c.about['multiply_adds'] * 1e-9:.2f}", f"{median(rates):.1f}", f"{median(peaks):.1f}",
               f"**{median(rate / peak for rate, peak in zip(rates, peaks)):.3f}**", f"{max(rates) / max(peaks):.3f}",
               f"{median(meanwhile):.1f}", f"{median(rate / left for rate, left in zip(rates, meanwhile)):.3f}")


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
            if c.name != "native" and (c.batch, c.threads) == (batch, threads):
                yield r.label, NAMES[c.name], f"{c.memory / 1e6:.0f}", f"{c.about['load_ms']:.0f}"


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
    flags = [f for f in ("avx2", "fma", "avx512f", "avx512_vnni") if re.search(rf"^flags.*\b{f}\b", info, re.M)]
    return f"{name} (family {family}, model {model}; {' '.join(flags)}), {os.cpu_count()} cores visible, Linux {platform.release()}"


def build(version=""):
    commit = first_line("git", "describe", "--always", "--dirty") if shutil.which("git") else ""
    flags = " ".join(filter(None, (cached("CMAKE_CXX_FLAGS"), cached("CMAKE_CXX_FLAGS_RELEASE"))))
    compiler = first_line(cached("CMAKE_CXX_COMPILER"), "--version")
    yield f"* cvt{version and ' ' + version}{commit and ' at ' + commit}; {compiler}, `{flags}`, no -m flag; {datetime.date.today().isoformat()}"


def preamble(results):
    about = {c.name: c.about for c in results[0].contestants}
    others = ", ".join(f"{r.label} {100 * r.others:.1f} %" for r in results)
    if max(r.others for r in results) > 0.02:
        others += " **(the machine was not quiet)**"
    return [
        f"* Machine: {machine()}",
        *build(about["cvt"]["version"]),
        f"* Kernels {about['cvt']['kernels']}; float32, formula weights, QuickGELU; no thread is pinned to a core",
        f"* ONNX Runtime {about['ort']['version']} in node {about['ort']['node']}, all graph optimisations, fixed shapes",
        f"* PyTorch {about['torch']['version']} with {about['torch']['blas']}, traced and frozen, channels last",
        f"* Busy processor time that was neither ours nor the peers': {others}",
        "",
    ]


def report(results):
    gains = list(scaling(results))
    lines = [
        *preamble(results),
        "Medians of interleaved rounds, milliseconds an image; ratio = cvt / peer, lower is better.", "",
        *table(("model", "batch", "threads", "peer", "cvt, ms", "peer, ms", "ratio", "ratio by round", "cvt least", "peer least",
                "ratio of least", "logits differ by", "rounds"), times(results)),
        "Multiply-adds that were really done, the last block's for the class token alone, as a share of the FMA peak measured in the",
        "same process after each run (the best of its loops), and of what other programs left of it then (the loops' mean rate); batch 1,",
        "1 thread.", "",
        *table(("model", "GMAC done", "GFLOP/s", "FMA peak, GFLOP/s", "share", "share, best run", "left of it, GFLOP/s", "share of that"),
               peak_shares(results)),
    ]
    if gains:
        lines += ["Images a second gained, medians by round.", "", *table(("model", "by", "cvt", "ONNX Runtime", "PyTorch"), gains)]
    return lines + [
        "Peak memory of the whole process, node's and Python's own included, and the time to load the model; batch 1, 1 thread.", "",
        *table(("model", "contestant", "peak memory, MB", "load, ms"), memory(results))]


def publish(lines, path):
    """To standard output and, where there is a path, to that file."""
    text = "\n".join(lines)
    print(text, end="")
    if path:
        with open(path, "w") as file:
            file.write(text)
