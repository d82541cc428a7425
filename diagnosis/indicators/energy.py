"""Energy and climate: commitments to the Covenant of Mayors, and the emissions its signatories declared.

Inventories are the municipalities' own. They refer to different years, count emissions directly (IPCC) or over the
life cycle (LCA), and some leave sectors out: one that is doubtful is not used and says why, and inventories are added
up over a group only where every member has one of the same year, method and sectors.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.indicators.measures import WITHHELD, Counts, Measure, Tables, Units
from diagnosis.tables.energy import COMMITMENTS, KEY_SECTORS

REASSIGNED_FROM = "IT4800"
"""First identifier that the lists of signatories of 2019 and 2024 give to different municipalities. Of the inventories
before it 98.6 % have about the population their signatory declares, of those from it on 16 %."""

POPULATION_FACTOR = 1.5
OUTLYING = 3.5
"""Modified z-score of the logarithm of emissions per head beyond which an inventory is an outlier (Iglewicz and
Hoaglin 1993, How to Detect and Handle Outliers)."""

FEWEST = 30
"""Sound inventories below which none is called an outlier."""

NORMAL = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""

DOUBTS = ("identifier", "not_listed", "population", "sectors", "outlier")
HORIZONS = {
    "commitment_2050": "2050",
    "commitment_2030": "2030",
    "commitment_2020": "2020",
    "adaptation": "A",
}
SUSPENDED, NONE = "S", "N"
LATER = ("2030", "2050")

_COVENANT, _PEOPLE = ("covenant_signatories",), ("covenant_signatories", "population")
_INVENTORIES = ("covenant_signatories", "emission_inventories")

MEASURES = {
    "covenant_commitment": Measure(_COVENANT, "covenant_commitment", kind="category"),
    "covenant_municipalities_share": Measure(_COVENANT, "covenant_active", "covenant_known"),
    "covenant_residents_share": Measure(_PEOPLE, "covenant_active_residents", "residents"),
    "covenant_2030_residents_share": Measure(_PEOPLE, "covenant_2030_residents", "residents"),
    "joint_plan_municipalities_share": Measure(_COVENANT, "covenant_joint", "covenant_known"),
    "baseline_year": Measure(_INVENTORIES, "baseline_year", kind="category"),
    "baseline_emissions_per_head": Measure(
        _INVENTORIES, "baseline_emissions", "baseline_residents", factor=1
    ),
    **{
        f"{sector}_emissions_share": Measure(_INVENTORIES, f"baseline_{sector}", "baseline_emissions")
        for sector in KEY_SECTORS
    },
}


def count(tables: Tables, units: Units, residents: np.ndarray) -> Counts:
    """Read commitments and baseline inventories, by municipality.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``covenant_signatories`` and ``emission_inventories``, as in :mod:`diagnosis.tables.energy`.
    units : Units
        The inventories of a unit whose members do not all have one of the same year and method are left out.
    residents : ndarray, one a municipality
        Of today; they tell which inventories are about another population.

    Returns
    -------
    dict of str to ndarray
        Municipalities, residents, tonnes, and text for classes; ``<name>_withheld``, by unit, says why a count is
        not given.
    """
    number = len(units.codes)
    signatories, inventories = tables.get("covenant_signatories"), tables.get("emission_inventories")
    names = ["baseline_emissions", "baseline_residents", *(f"baseline_{sector}" for sector in KEY_SECTORS)]
    counts: Counts = {
        **{name: np.full(number, np.nan) for name in names},
        "residents": residents,
        "baseline_year": np.full(number, np.nan, dtype=object),
    }
    if signatories is None:
        absent = np.full(number, np.nan)
        return counts | {
            "covenant_commitment": absent.astype(object),
            **dict.fromkeys(("covenant_active", "covenant_known", "covenant_joint"), absent),
            **dict.fromkeys(("covenant_active_residents", "covenant_2030_residents"), absent),
        }
    counts |= _count_commitments(membership(signatories, units.codes), units, residents)
    if inventories is not None:
        today = pd.Series(residents, units.codes)
        counts |= _count_inventories(
            municipal_baselines(inventories, signatories, today).reindex(units.codes), units
        )
    return counts


def membership(signatories: pd.DataFrame, codes: pd.Index) -> pd.DataFrame:
    """Say of each municipality what it is committed to.

    Parameters
    ----------
    signatories : DataFrame
        In the contract :data:`diagnosis.tables.energy.COVENANT_SIGNATORIES`.
    codes : Index
        Municipalities.

    Returns
    -------
    DataFrame
        Index `codes`. `commitment`: the farthest horizon of an active signatory (2020, 2030, 2050), ``A`` where it is
        to adaptation alone, ``S`` suspended, ``N`` not a signatory; missing where only a former municipality that is
        part of it signed, or a signatory that could not be matched may be it. `active` and `joint` (in a joint
        plan): 0 or 1, or missing like `commitment`. A municipality that signed twice counts with the best of both.
    """
    named = signatories[signatories["kind"] == "municipality"]
    whole = named[named["match"] != "former"]
    active = whole[whole["status"] == "published"]
    flags = active.groupby("code")[list(COMMITMENTS)].max().reindex(codes)
    is_active = codes.isin(active["code"])
    is_signatory = codes.isin(whole["code"])
    possible = signatories["possible"].dropna().str.split().explode()
    unsure = ~is_signatory & codes.isin([*possible, *named.loc[named["match"] == "former", "code"]])
    commitment = np.select(
        [unsure, ~is_signatory, ~is_active, *((flags[name] == 1).to_numpy() for name in HORIZONS)],
        ["", NONE, SUSPENDED, *HORIZONS.values()],
        default="",
    )
    known = ~unsure
    joint = codes.isin(active.loc[active["group"].notna(), "code"])
    return pd.DataFrame(
        {
            "commitment": pd.Series(commitment, codes, dtype=object).where(commitment != ""),
            "active": np.where(known, is_active, np.nan),
            "joint": np.where(known, joint, np.nan),
        },
        index=codes,
    )


def baselines(
    inventories: pd.DataFrame, signatories: pd.DataFrame, residents: pd.Series | None = None
) -> pd.DataFrame:
    """Examine the baseline inventory of each signatory.

    Parameters
    ----------
    inventories, signatories : DataFrame
        In the contracts of :mod:`diagnosis.tables.energy`.
    residents : Series, code -> residents, optional
        Of today.

    Returns
    -------
    DataFrame
        Index signatory; the columns of its baseline inventory, `code` of the municipality (missing for groups and
        others), `emissions` of the four key sectors in tonnes, `per_head` in tonnes, and `doubt`, the first that
        applies: ``identifier`` (from :data:`REASSIGNED_FROM` on), ``not_listed`` (not among the signatories),
        ``population`` (differs from that declared at adhesion, and from today's, by more than
        :data:`POPULATION_FACTOR`), ``sectors`` (one of the four is missing or 0), ``outlier`` (see
        :data:`OUTLYING`; measured against the inventories without another doubt); else empty. Nothing is dropped.
    """
    rows = inventories[inventories["kind"] == "baseline"].drop_duplicates("signatory").set_index("signatory")
    declared = signatories[["code", "residents", "match"]].reindex(rows.index)
    today = declared["code"].map(residents) if residents is not None else np.nan
    alike = _alike(rows["residents"], declared["residents"]) | _alike(rows["residents"], today)
    sectors = rows[list(KEY_SECTORS)]
    emissions = sectors.sum(axis=1, min_count=1)
    per_head = emissions / rows["residents"]
    doubt = np.select(
        [
            rows.index >= REASSIGNED_FROM,
            ~rows.index.isin(signatories.index),
            ~alike,
            ~(sectors > 0).all(axis=1),
        ],
        DOUBTS[:-1],
        default="",
    )
    with np.errstate(divide="ignore"):
        level = np.log(per_head)
    sound = level[doubt == ""]
    spread = NORMAL * (sound - sound.median()).abs().median()
    far = np.zeros(len(rows), dtype=bool)
    if len(sound) >= FEWEST:
        far = (doubt == "") & ((level - sound.median()).abs() > OUTLYING * spread).to_numpy()
    return rows.assign(
        code=declared["code"],
        match=declared["match"],
        emissions=emissions,
        per_head=per_head,
        doubt=np.where(far, DOUBTS[-1], doubt),
    )


def municipal_baselines(
    inventories: pd.DataFrame, signatories: pd.DataFrame, residents: pd.Series | None = None
) -> pd.DataFrame:
    """Return the baseline inventory of each municipality: `baselines` by code.

    The inventory of a joint plan is that of the group and is not shared out among its members; that of a former
    municipality is not that of the one it merged into. Of two of one municipality the one without doubt counts, then
    the later.
    """
    found = baselines(inventories, signatories, residents)
    found = found[found["code"].notna() & (found["match"] != "former")]
    found = found.assign(doubtful=found["doubt"] != "").sort_values(
        ["doubtful", "year"], ascending=[True, False]
    )
    return found.drop_duplicates("code").set_index("code")


def _alike(left: pd.Series, right: pd.Series | float) -> pd.Series:
    return (left / right).between(1 / POPULATION_FACTOR, POPULATION_FACTOR)


def _count_commitments(members: pd.DataFrame, units: Units, residents: np.ndarray) -> Counts:
    active, joint = members["active"].to_numpy(), members["joint"].to_numpy()
    later = members["commitment"].isin(LATER).to_numpy()
    counts = {
        "covenant_commitment": members["commitment"].to_numpy(),
        "covenant_active": active,
        "covenant_joint": joint,
        "covenant_known": np.where(np.isfinite(active), 1.0, np.nan),
        "covenant_active_residents": active * residents,
        "covenant_2030_residents": np.where(np.isfinite(active), later, np.nan) * residents,
    }
    if not units.grouped:
        reasons = np.where(np.isnan(active), "name_not_matched", "").astype(object)
        counts |= {f"{name}{WITHHELD}": reasons for name in list(counts) if name != "covenant_known"}
    return counts


def _count_inventories(found: pd.DataFrame, units: Units) -> Counts:
    """Read the sound inventories of the units whose members all have one, of the same year and method."""
    sound = (found["doubt"] == "").to_numpy()
    method = (found["year"].astype(object) + found["factors"].astype(object)).where(sound)
    inside = units.position >= 0
    by_unit = pd.DataFrame({"unit": units.position[inside], "method": method[inside].to_numpy()}).groupby(
        "unit"
    )
    whole = np.zeros(len(units.index) + 1, dtype=bool)  # last: of no unit
    some = by_unit["method"].count()
    whole[some.index] = (some == by_unit.size()) & (by_unit["method"].nunique() == 1)
    used = inside & whole[units.position]
    columns = {
        "emissions": "emissions",
        "residents": "residents",
        **dict(zip(KEY_SECTORS, KEY_SECTORS, strict=True)),
    }
    counts: Counts = {
        f"baseline_{ours}": np.where(used, found[name].to_numpy(dtype=float), np.nan)
        for ours, name in columns.items()
    }
    counts["baseline_year"] = found["year"].where(sound).astype(object).to_numpy()
    reasons = np.full(len(units.index), "", dtype=object)
    if units.grouped:
        reasons[some.index[(some > 0) & ~whole[some.index]]] = "differing_inventories"
    else:
        reasons[(found["doubt"].notna() & ~sound).to_numpy()] = "doubtful_inventory"
    return counts | {f"{name}{WITHHELD}": reasons for name in list(counts) if name != "baseline_residents"}
