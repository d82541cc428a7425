"""Time the loading of a city, of all tables and of the national indicator table, cold and from the cache.

    python benchmarks/loading.py [MIRROR]

Works in a temporary folder. Each row is a process of its own, run twice: with nothing saved, and again. CPU seconds are
those of the whole process, interpreter and imports included; memory is its peak.
"""

import os
import subprocess
import sys
import tempfile

START = """
import sys
from pathlib import Path
import diagnosis as dg
work, mirror = sys.argv[1:]
settings = dg.default_settings(Path(work), mirror=Path(mirror) if mirror else None)
"""
ROWS = {
    "imports alone": "import geopandas, pyarrow.parquet",
    "territory of a city": "dg.load_territory('siracusa', settings).municipalities",
    "the same with flows and residents": (
        "place = dg.load_territory('siracusa', settings); place.flows, place.country.residents"
    ),
    "every table of the country": "list(dg.load_country(settings).tables.values())",
    "all tables and the national indicators": (
        "dg.load_national(dg.load_country(settings), settings).indicators()"
    ),
    "a question about the flows": "dg.query('select sum(commuters) from flows', settings=settings)",
    "a question about indicators and names": (
        "dg.query('select * from indicators join municipalities using (code)', settings=settings)"
    ),
}


def measure(code: str, work: str, mirror: str) -> tuple[float, float]:
    """Run a piece of code in a process of its own; return its CPU seconds and peak memory in MB."""
    process = subprocess.Popen([sys.executable, "-c", START + code, work, mirror])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{code} ended with {process.returncode}")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit


def main() -> None:
    """Print the table of benchmarks/README.md."""
    mirror = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DIAGNOSIS_MIRROR", "")
    print("| what | cold, CPU s | cold, peak MB | from the cache, CPU s | from the cache, peak MB |")
    print("| --- | --- | --- | --- | --- |")
    for name, code in ROWS.items():
        with tempfile.TemporaryDirectory() as work:
            cells = [f"{value:.{digits}f}" for _ in range(2)
                     for value, digits in zip(measure(code, work, mirror), (2, 0), strict=True)]  # fmt: skip
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
