"""Time the functional areas of Italy and compare them with ISTAT's.

    python benchmarks/areas.py MIRROR

CPU seconds of one thread; agreement with the official labour market areas (SLL 2021).
"""

import resource
import sys
import time
from pathlib import Path

from diagnosis.areas import FunctionalAreas, agreement, area_quality
from diagnosis.sources.istat import read_commuting, read_labour_areas

SETTINGS = ((1000, 0.60, 10000, 0.75), (1000, 0.6667, 10000, 0.75), (3500, 0.6667, 25000, 0.75))


def main() -> None:
    """Print the table of benchmarks/README.md."""
    mirror = Path(sys.argv[1])
    start = time.process_time()
    flows = read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip")
    print(f"reading {len(flows):,} flows: {time.process_time() - start:.2f} CPU s\n")
    official = read_labour_areas(mirror / "istat" / "sll_2021_composizione.json")["area"]
    print(
        "| setting | CPU s | areas | valid | internal commuters | adjusted Rand | adjusted mutual information |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for min_size, min_share, target_size, target_share in SETTINGS:
        model = FunctionalAreas(
            min_size=min_size,
            min_self_containment=min_share,
            target_size=target_size,
            target_self_containment=target_share,
        )
        start = time.process_time()
        model.fit(flows)
        seconds = time.process_time() - start
        quality = area_quality(model.labels_, flows, parameters=model.get_params())
        same = agreement(model.labels_, official)
        internal = quality["internal_commuters"].sum() / flows["commuters"].sum()
        print(
            f"| {min_size} / {min_share} / {target_size} / {target_share} | {seconds:.2f} | {len(quality)} "
            f"| {(quality['validity'] >= 1).mean():.3f} | {internal:.4f} | {same['adjusted_rand']:.4f} "
            f"| {same['adjusted_mutual_information']:.4f} |"
        )
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
