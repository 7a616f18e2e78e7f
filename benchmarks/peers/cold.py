# Measures whole runs of classify with cached files: time beyond the forward pass, peak memory.
import argparse
import os
import re
import subprocess
import sys
import time
from statistics import median

import prepare
import tables

PHOTO = os.path.join(prepare.ROOT, "examples", "images", "berlin_cathedral.jpg")
RUNS = {"cvt-13": 15, "cvt-w24": 3}


def once(command):
    """Returns wall time in ms and peak memory in bytes. Linux never reports less than the 20 MB of the Python that starts it."""
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=silence)
    _, status, usage = os.wait4(pid, 0)
    wall = 1e3 * (time.perf_counter() - start)
    if status != 0:
        raise RuntimeError(f"{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")
    return wall, usage.ru_maxrss * 1024


def forward(command, repeats):
    """Returns the median time of warm runs in one process in ms, as classify reports it."""
    done = subprocess.run([*command, "--repeat", str(repeats)], capture_output=True, text=True)
    found = re.search(r"median ([\d.]+) ms", done.stderr)
    if done.returncode != 0 or not found:
        raise RuntimeError(f"{' '.join(command)} --repeat: status {done.returncode}: {done.stderr.strip()}")
    return float(found[1])


def measure(classify, variant, runs):
    model = prepare.models(variant)
    command = [classify, "--model", model, "--threads", "1", PHOTO]
    once(command)  # brings the files into the cache
    walls, beyonds, peaks, forwards = [], [], [], []
    for i in range(runs):
        print(f"{variant}: run {i + 1} of {runs}", file=sys.stderr, flush=True)
        wall, peak = once(command)
        forwards.append(forward(command, 5 if variant != "cvt-w24" else 3))
        walls.append(wall)
        beyonds.append(wall - forwards[-1])
        peaks.append(peak)
    size = os.path.getsize(model)
    return (tables.LABELS[variant], f"{size / 1e6:.1f}", f"{median(walls):.0f}", f"{median(forwards):.1f}", f"**{median(beyonds):.0f}**",
            f"{min(walls) - min(forwards):.0f}", f"**{median(peaks) / 1e6:.1f}**", f"{median(peaks) / size:.3f}", str(runs))


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/peers/cold", description="Times whole runs of classify, 1 thread.")
    parser.add_argument("--variant", action="append", choices=sorted(RUNS), help="only this one; may be repeated")
    parser.add_argument("--runs", type=int, help="of every model, in place of its own number")
    parser.add_argument("--md", metavar="FILE", help="write the table there too")
    options = parser.parse_args()
    if options.runs is not None and options.runs < 1:
        parser.error("--runs: expected at least 1")

    try:
        classify, = prepare.programs("classify")
        rows = [measure(classify, variant, options.runs or RUNS[variant]) for variant in options.variant or RUNS]
    except (RuntimeError, OSError) as problem:
        sys.exit(f"benchmarks/peers/cold: {problem}")
    head = ("model", "weights, MB", "wall, ms", "forward, ms", "beyond it, ms", "least of both, difference", "peak memory, MB", "over weights", "runs")
    tables.publish([
        f"* Machine: {tables.machine()}", *tables.build(), "",
        "One `classify --model FILE.safetensors --threads 1 PHOTO` from start to end, files cached; medians. The forward pass is the",
        "median of `--repeat`, which is warm; everything else, such as the first use of memory, counts as beyond it.", "",
        *tables.table(head, rows)], options.md)


if __name__ == "__main__":
    main()
