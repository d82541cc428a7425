"""The proposals people have saved for a city, measured on today's data beside the computed areas."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.errors import DiagnosisError, InputError
from diagnosis.governance.alternatives import internal_share, longest_ways, smallest_population
from diagnosis.governance.proposal_file import plain_text
from diagnosis.governance.proposals import Proposal, read_proposal
from diagnosis.governance.subject import AreaSubject, build_subject
from diagnosis.schema import Text
from diagnosis.sources.own.files import LARGEST_FILE, PROPOSALS, check_sound, show_name
from diagnosis.sources.own.problems import RefusedFileError
from diagnosis.sources.own.settings import LARGEST_YAML

if TYPE_CHECKING:
    from diagnosis.functions import Function
    from diagnosis.national.shared import National
    from diagnosis.territory import Territory

MOST_PROPOSALS, MOST_LISTED = 20, 100
UNKNOWN_FUNCTION = Text(
    it="la funzione per cui è stata disegnata non esiste più",
    en="the function it was drawn for does not exist any more",
)
UNREADABLE = Text(
    it="la tabella non si può leggere o non contiene proprio i comuni che possono far parte di questi ambiti",
    en="its table cannot be read, or does not hold just the municipalities that may be in these areas",
)
NO_NETWORK = Text(it="mancano le reti con cui misurarla", en="the networks to measure it by are missing")
UNSOUND = Text(
    it="uno dei suoi file è vuoto, troppo grande, un collegamento o una cartella",
    en="one of its files is empty, too large, a link or a folder",
)
UNREADABLE_NAME = Text(
    it="il nome del file contiene segni che non si possono stampare",
    en="the name of its file has signs that cannot be printed",
)
TOO_MANY = Text(it=f"se ne mostrano al massimo {MOST_PROPOSALS}", en=f"{MOST_PROPOSALS} are shown at most")
FIGURES = ("areas", "value", "internal_share", "smallest_population", "longest_minutes", "broken", "moved")


def list_saved(folder: Path) -> dict[Path, Text | None]:
    """List the tables of the proposals in a folder, by name, with the reason why one must not be read.

    A folder that is a link is not looked into.
    """
    if not folder.is_dir() or folder.is_symlink():
        return {}
    found: dict[Path, Text | None] = {}
    taken = 0
    tables = (path for path in sorted(folder.glob("*.csv")) if not path.name.startswith("."))
    for path in islice(tables, MOST_LISTED):
        found[path] = _refuse(path) or (TOO_MANY if taken == MOST_PROPOSALS else None)
        taken += found[path] is None
    return found


def _refuse(path: Path) -> Text | None:
    """Say why a table or its YAML must not be read."""
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in path.name):
        return UNREADABLE_NAME
    try:
        for file in (path, path.with_suffix(".yml")):
            if file.exists() or file.is_symlink():
                check_sound(file, LARGEST_FILE if file == path else LARGEST_YAML)
    except (RefusedFileError, OSError):
        return UNSOUND
    return None


def compare_saved(
    territory: Territory,
    national: National,
    functions: Mapping[str, Function],
    groups: Mapping[str, pd.Series],
    computed: pd.Series,
    main: str,
) -> dict[str, pd.DataFrame]:
    """Read the proposals saved for a city, and measure them as the computed areas were.

    Parameters
    ----------
    territory : Territory
    national : National
    functions : mapping of str to Function
    groups : mapping of str to pandas.Series
        Further co-operation, as in :func:`diagnosis.governance.layers.build_layers`.
    computed : pandas.Series
        Proposed areas of the main function, by code.
    main : str
        That function: what a table without a YAML is measured by.

    Returns
    -------
    dict of str to DataFrame
        Empty where nothing is saved; else ``governance_proposals``, one row a proposal, with `reason_it` and
        `reason_en` where it cannot be measured, and ``governance_proposal_areas``, their areas by code.
    """
    folder = None if territory.local is None else territory.local / PROPOSALS
    files = {} if folder is None else list_saved(folder)
    if not files:
        return {}
    subjects: dict[str, AreaSubject] = {}
    rows, labels = {}, {}
    unread = {"function": main, "date": "", "note": "", "edited": False, "moved_names": ""}
    for file, refusal in files.items():
        name = show_name(file).removesuffix(file.suffix)
        if refusal is not None:
            rows[name] = unread | _reason(refusal)
            continue
        row, areas = _measure(territory, national, functions, groups, computed, main, file, subjects)
        rows[name] = unread | row
        if areas is not None:
            labels[name] = areas
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("proposal")
    columns = ["function", "date", "note", "edited", *FIGURES, "moved_names", "reason_it", "reason_en"]
    counts = dict.fromkeys(("areas", "broken", "moved"), "Int64")
    return {
        "governance_proposals": table.reindex(columns=columns).astype(counts),
        "governance_proposal_areas": pd.DataFrame(labels).rename_axis("code"),
    }


def _measure(
    territory: Territory,
    national: National,
    functions: Mapping[str, Function],
    groups: Mapping[str, pd.Series],
    computed: pd.Series,
    main: str,
    file: Path,
    subjects: dict[str, AreaSubject],
) -> tuple[dict[str, Any], pd.Series | None]:
    row: dict[str, Any] = {}
    try:
        read = read_proposal(file)
    except (DiagnosisError, OSError):
        return _reason(UNREADABLE), None
    if read.about is not None:
        row = {"function": read.about.function, "date": str(read.about.date), "edited": read.edited}
        row["note"] = plain_text(read.about.note)
    function = row.get("function", main)
    if function not in functions:
        return row | _reason(UNKNOWN_FUNCTION), None
    if function not in subjects:
        try:
            subjects[function] = build_subject(territory, national, functions[function], groups)
        except InputError:
            return row | _reason(NO_NETWORK), None
    subject = subjects[function]
    try:
        read = read_proposal(file, subject.codes)
    except InputError:
        return row | _reason(UNREADABLE), None
    row |= _figures(subject, read)
    flows = territory.country.tables.get("flows")
    if flows is not None:
        row["internal_share"] = internal_share(flows, read.labels)
    if function == main:
        moved = _find_moved(read.labels, computed)
        names = territory.country.municipalities["name"]
        row |= {"moved": len(moved), "moved_names": "; ".join(names[moved])}
    return row | {"reason_it": "", "reason_en": ""}, read.labels.astype("str")


def _reason(text: Text) -> dict[str, str]:
    return {"reason_it": text.it, "reason_en": text.en}


def _figures(subject: AreaSubject, read: Proposal) -> dict[str, Any]:
    """Measure a proposal; one that parts municipalities that must stay together breaks the limits everywhere."""
    from diagnosis.areas.governance.estimator import summarise_areas
    from diagnosis.areas.governance.reasons import broken_limits

    problem = subject.problem
    area = pd.factorize(read.labels.reindex(subject.codes))[0]
    first = problem.member_indices[problem.member_indptr[:-1]]
    partition = area[first]
    areas = int(area.max()) + 1
    if (partition[problem.unit_of] != area).any():
        return {"areas": areas, "broken": areas}
    summary = summarise_areas(problem, partition)
    return {
        "areas": areas,
        "value": float(summary["interaction"].sum()),
        "smallest_population": smallest_population(problem, partition),
        "longest_minutes": float(longest_ways(subject, partition)["minutes"].max()),
        "broken": sum(bool(broken_limits(problem, np.flatnonzero(partition == k))) for k in range(areas)),
    }


def _find_moved(labels: pd.Series, computed: pd.Series) -> list[str]:
    """List who is elsewhere when each area is matched with the computed one it shares most municipalities with.

    Where there are more areas than computed ones, the members of those without a match are all elsewhere.
    """
    from scipy.optimize import linear_sum_assignment

    both = pd.DataFrame({"saved": labels, "computed": computed}).dropna()
    shared = pd.crosstab(both["saved"], both["computed"])
    rows, columns = linear_sum_assignment(-shared.to_numpy())
    match = dict(zip(shared.index[rows], shared.columns[columns], strict=True))
    elsewhere = (both["saved"].map(match) != both["computed"]).fillna(True).astype(bool)
    return both.index[elsewhere].tolist()
