# Contestant: a process that runs one model on request, with its processor time and peak memory.
import json
import os
import subprocess
import time

import prepare

NAMES = {"cvt": "cvt", "native": "cvt, -march=native", "avx2": "cvt, AVX2 kernels", "ort": "ONNX Runtime", "torch": "PyTorch",
         "cvt-int8": "cvt, int8", "avx2-int8": "cvt, AVX2 kernels, int8", "ort-int8": "ONNX Runtime, int8"}
INT8 = ("cvt-int8", "avx2-int8", "ort-int8")


def command(name, variant, size, batch, threads):
    stem = os.path.join(prepare.MODELS, variant)
    images = os.path.join(prepare.MODELS, f"images-{size}-b{batch}.f32")
    work = [str(size), str(batch), str(threads), images]
    if name in ("ort", "ort-int8"):
        model = f"{stem}-{size}-b{batch}{name.removeprefix('ort')}.onnx"
        return ["node", os.path.join(prepare.HERE, "peer_ort.js"), prepare.NODE_MODULES, model, *work]
    if name == "torch":
        return ["/usr/bin/python3", os.path.join(prepare.HERE, "peer_torch.py"), stem + ".pth", variant, *work]
    program = "peer_cvt_native" if name == "native" else "peer_cvt"
    return [os.path.join(prepare.PROGRAMS, program), stem + ".safetensors", *work, "int8" if name in INT8 else "f32"]


class Contestant:
    def __init__(self, name, variant, size, batch, threads):
        self.name, self.batch, self.threads = name, batch, threads
        environment = dict(os.environ)
        environment.update(OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
        if name in ("avx2", "avx2-int8"):
            environment.update(CVT_FORCE_KERNELS="avx2")
        if name == "torch":  # the system's default BLAS may be the slow reference implementation
            openblas = f"/usr/lib/{os.uname().machine}-linux-gnu/openblas-openmp"
            environment["LD_LIBRARY_PATH"] = openblas + ":" + environment.get("LD_LIBRARY_PATH", "")
            # keeps large buffers: by default glibc returns them, which costs thousands of page faults per forward pass
            environment.update(MALLOC_MMAP_THRESHOLD_=str(1 << 30), MALLOC_TRIM_THRESHOLD_=str(1 << 32))
            # requests huge pages for them, as cvt does
            environment.update(GLIBC_TUNABLES="glibc.malloc.hugetlb=1")
        self.process = subprocess.Popen(command(name, variant, size, batch, threads), env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = json.loads(self.answer())  # written when the model is loaded
        self.milliseconds, self.peaks = [], []  # of each round

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{NAMES[self.name]} ended with status {self.process.wait()}")
        return line

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() reports how it ended
        return self.answer()

    def run(self):
        return float(self.ask("run"))

    def peak(self):
        """Returns the FMA peak of a core, and how much of it other programs leave now, in GFLOP/s."""
        return json.loads(self.ask("peak"))

    def logits(self):
        """Returns the logits of the last run, as bytes of float32."""
        path = os.path.join(prepare.BUILD, f"logits-{self.name}.f32")
        self.ask("logits " + path)
        with open(path, "rb") as file:
            return file.read()

    def peak_memory(self):
        """Returns the largest amount of memory that the process has had so far, in bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    def processor_ns(self):
        """Returns the processor time of its running threads."""
        total, folder = 0, f"/proc/{self.process.pid}/task"
        try:
            threads = os.listdir(folder)
        except FileNotFoundError:
            threads = []  # it has ended; the next answer() reports that
        for thread in threads:
            try:
                with open(f"{folder}/{thread}/schedstat") as file:
                    total += int(file.read().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.wait()


def wait_until_idle(contestants, step=0.03, limit=2.0):
    """Waits until the contestants' threads sleep: they spin for a while after a run, and would slow the next one down."""
    end, before = time.monotonic() + limit, sum(c.processor_ns() for c in contestants)
    while time.monotonic() < end:
        time.sleep(step)
        now = sum(c.processor_ns() for c in contestants)
        if now - before < 0.01 * step * 1e9:
            return
        before = now
