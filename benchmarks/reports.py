"""Time a cold and a cached run of the reports of all pilot cities, and the peak memory of all processes together.

    python benchmarks/reports.py [MIRROR]

Works in a temporary folder. Cold: nothing saved. Cached: the same command again. CPU seconds are those of all
processes; memory is the proportional set size (pages shared by forked kernels count once), sampled ten times a second.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

import psutil


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a command; return its CPU seconds, wall seconds and peak memory in MB, children included."""
    peak = 0.0
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    def watch() -> None:
        nonlocal peak
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            total = 0
            try:
                for one in (parent, *parent.children(recursive=True)):
                    total += one.memory_full_info().pss
            except psutil.Error:
                continue
            peak = max(peak, total / 1e6)
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    watcher.join()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return cpu, time.perf_counter() - start, peak


def main() -> None:
    """Print the table of benchmarks/README.md."""
    environment = dict(os.environ)
    if len(sys.argv) > 1:
        environment["DIAGNOSIS_MIRROR"] = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "diagnosis", "report", "--all", "--work", work]
        print("| run | CPU s | wall s | peak MB |\n| --- | --- | --- | --- |")
        for name in ("cold", "cached"):
            cpu, wall, peak = measure(command, environment)
            print(f"| {name} | {cpu:.1f} | {wall:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
