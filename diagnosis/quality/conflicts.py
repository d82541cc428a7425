"""One quantity from two publishers: how far apart they are, and whether their dates explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from diagnosis.indicators.measures import Tables
from diagnosis.indicators.municipal import compute
from diagnosis.quality.rules import QualityRules
from diagnosis.quality.texts import Share, reason, word
from diagnosis.schema import Text
from diagnosis.tables import AGE_COLUMNS

POPULATION_YEAR, HAZARD_CENSUS, COMMUTING_YEAR = 2022, 2011, 2021
"""Years of the residents by age, of the census ISPRA counted the exposed residents on, of the commuting matrix."""

EXPOSURE = {
    "landslide": ("landslide_residents_share", "10AMB011"),
    "flood": ("flood_residents_share", "10AMB012"),
}
"""What ISPRA publishes by municipality and ISTAT by province: municipal and provincial indicator."""

COLUMNS = (
    "quantity",
    "first",
    "second",
    "unit",
    "years_apart",
    "municipalities",
    "first_total",
    "second_total",
    "difference",
    "tolerance",
    "typical",
    "beyond",
    "farthest",
    "farthest_difference",
    "grade",
    "reason_it",
    "reason_en",
)


@dataclass(frozen=True, eq=False)
class Pair:
    """One quantity by municipality in two tables.

    Parameters
    ----------
    quantity : str
        Key of the words of quantities.
    tables : tuple of str
        The tables compared; an indicator that rests on the second one is concerned.
    names : tuple of Text
        What the reader calls the two.
    first, second : Series
        By municipality.
    years : Series or float
        Years between the two, by municipality or for all.
    """

    quantity: str
    tables: tuple[str, str]
    names: tuple[Text, Text]
    first: pd.Series
    second: pd.Series
    years: pd.Series | float = 0.0


def compare_publishers(
    tables: Tables, codes: pd.Index, province: str | None = None, rules: QualityRules | None = None
) -> pd.DataFrame:
    """Compare what two publishers, or two files of one, say of the same quantity in a territory.

    Compared are residents by age with those of later years, with those ISPRA counted hazards on and with those that
    signatories of the Covenant of Mayors declared; commuters of the matrix with the totals by municipality; for a
    whole province the exposure to landslides and floods that ISPRA publishes by municipality with what ISTAT
    publishes. Pairs whose tables are not both here are left out. Areas are not among them: those of ISPRA are in a
    wrong unit and replaced when they are read.

    Residents of different dates may differ by `residents_a_year` per year between them and by `tolerance`.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As in :mod:`diagnosis.tables`.
    codes : Index
        Municipalities of the territory.
    province : str, optional
        Code of the province-level body the territory is.
    rules : QualityRules, optional

    Returns
    -------
    DataFrame
        One row a pair: `quantity`; `first` and `second`, tables; `unit` (``relative`` or ``points``); `years_apart`;
        `municipalities` with both values; totals; `difference` of the totals and `tolerance`, both relative, or the
        difference and tolerance in points; `typical`, the median absolute difference by municipality; `beyond`, how
        many are beyond the tolerance; `farthest` (code) and its difference; `grade`; the reason in both languages.
    """
    rules = rules or QualityRules()
    pairs = [pair for pair in _pairs(tables) if len(_common(pair, codes))]
    rows = [_compare(pair, codes, rules) for pair in pairs]
    rows += _compare_exposure(tables, codes, province, rules)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _pairs(tables: Tables) -> list[Pair]:
    population, flows, margins = (tables.get(name) for name in ("population", "flows", "margins"))
    pairs = []
    if population is not None:
        by_age = population[list(AGE_COLUMNS)].sum(axis=1, skipna=False)
        base = Pair(
            "residents",
            ("population", ""),
            (_name("population", POPULATION_YEAR), _name("population", POPULATION_YEAR)),
            by_age,
            by_age,
        )
        pairs += [
            replace(
                base, tables=("population", table), names=(base.names[0], name), second=values, years=years
            )
            for table, name, values, years in _other_residents(tables)
        ]
    if flows is not None and margins is not None:
        ends = {
            "employed_residents": ("origin", margins["total_out"] + margins["internal"]),
            "jobs": ("destination", margins["total_in"] + margins["internal"]),
        }
        names = (_name("margins", COMMUTING_YEAR), _name("flows", COMMUTING_YEAR))
        pairs += [
            Pair(quantity, ("margins", "flows"), names, total, flows.groupby(end)["commuters"].sum())
            for quantity, (end, total) in ends.items()
        ]
    return pairs


def _other_residents(tables: Tables) -> list[tuple[str, Text, pd.Series, pd.Series | float]]:
    """List the residents of other tables: table, name, values by municipality, years from those by age."""
    found: list[tuple[str, Text, pd.Series, pd.Series | float]] = []
    later = tables.get("residents_by_year")
    if later is not None:
        definitive = later[later["provisional"] == 0]
        for year, rows in definitive.groupby("year"):
            values = rows.set_index("code")["residents"]
            apart = float(abs(int(str(year)) - POPULATION_YEAR))
            found.append(("residents_by_year", _name("residents_by_year", year), values, apart))
    hazards = tables.get("hazards")
    if hazards is not None:
        apart = float(POPULATION_YEAR - HAZARD_CENSUS)
        found.append(("hazards", _name("hazards", HAZARD_CENSUS), hazards["residents"], apart))
    covenant = tables.get("covenant_signatories")
    if covenant is not None:
        own = covenant[(covenant["kind"] == "municipality") & covenant["code"].notna()]
        own = own[(own["match"] != "former") & ~own["code"].duplicated(keep=False)].set_index("code")
        day = pd.to_numeric(own["adhesion_date"].str[:4], errors="coerce") if "adhesion_date" in own else None
        years = 0.0 if day is None else (POPULATION_YEAR - day).abs().fillna(0.0)
        found.append(("covenant_signatories", _name("covenant_signatories"), own["residents"], years))
    return found


def _name(table: str, year: object = "") -> Text:
    return word("tables", table, year=str(year))


def _common(pair: Pair, codes: pd.Index) -> pd.DataFrame:
    both = pd.DataFrame({"first": pair.first.reindex(codes), "second": pair.second.reindex(codes)})
    both["years"] = pair.years.reindex(codes) if isinstance(pair.years, pd.Series) else pair.years
    return both[(both["first"] > 0) & both["second"].notna()]


def _compare(pair: Pair, codes: pd.Index, rules: QualityRules) -> dict[str, object]:
    both = _common(pair, codes)
    allowed = rules.tolerance + rules.residents_a_year * both["years"]
    relative = both["second"] / both["first"] - 1
    totals = both[["first", "second"]].sum()
    difference = float(totals["second"] / totals["first"] - 1)
    tolerance = float((allowed * both["first"]).sum() / totals["first"])
    beyond = int((relative.abs() > allowed).sum())
    farthest = str(relative.abs().idxmax())
    if abs(difference) > tolerance:
        grade, key = ("D" if abs(difference) > rules.gross * tolerance else "C"), "conflicts_differ"
    else:
        many = beyond > max(rules.many * len(both), 1)
        agreed = "conflicts_agree_but" if beyond else "conflicts_agree"
        grade, key = ("B", "conflicts_detail") if many else ("A", agreed)
    told = reason(
        key,
        quantity=word("quantities", pair.quantity),
        first=pair.names[0],
        second=pair.names[1],
        difference=Share(difference),
        tolerance=Share(tolerance),
        n=beyond,
        of=len(both),
    )
    return {
        "quantity": pair.quantity,
        "first": pair.tables[0],
        "second": pair.tables[1],
        "unit": "relative",
        "years_apart": float(both["years"].median()),
        "municipalities": len(both),
        "first_total": float(totals["first"]),
        "second_total": float(totals["second"]),
        "difference": difference,
        "tolerance": tolerance,
        "typical": float(relative.abs().median()),
        "beyond": beyond,
        "farthest": farthest,
        "farthest_difference": float(relative[farthest]),
        "grade": grade,
        "reason_it": told.it,
        "reason_en": told.en,
    }


def _compare_exposure(
    tables: Tables, codes: pd.Index, province: str | None, rules: QualityRules
) -> list[dict[str, object]]:
    """Compare the shares of exposed residents of a province by ISPRA's municipalities with those ISTAT publishes."""
    hazards, wellbeing = tables.get("hazards"), tables.get("wellbeing")
    if province is None or hazards is None or wellbeing is None:
        return []
    names = [municipal for municipal, _ in EXPOSURE.values()]
    summed = compute(tables, groups=pd.Series(province, index=codes), only=names).loc[province]
    rows: list[dict[str, object]] = []
    for quantity, (municipal, published) in EXPOSURE.items():
        own = wellbeing[(wellbeing["territory"] == province) & (wellbeing["indicator"] == published)]
        if own.empty or pd.isna(summed[municipal]):
            continue
        last = own.sort_values("year").iloc[-1]
        difference = float(last["value"] - summed[municipal])
        grade = _grade_points(abs(difference), rules)
        told = reason(
            "points_agree" if grade == "A" else "points_differ",
            quantity=word("quantities", quantity),
            first=_name("hazards_published"),
            second=_name("wellbeing", last["year"]),
            difference=difference,
        )
        rows.append(
            {
                "quantity": quantity,
                "first": "hazards",
                "second": "wellbeing",
                "unit": "points",
                "years_apart": 0.0,
                "municipalities": len(codes),
                "first_total": float(summed[municipal]),
                "second_total": float(last["value"]),
                "difference": difference,
                "tolerance": rules.points,
                "typical": np.nan,
                "beyond": 0,
                "farthest": "",
                "farthest_difference": np.nan,
                "grade": grade,
                "reason_it": told.it,
                "reason_en": told.en,
            }
        )
    return rows


def _grade_points(difference: float, rules: QualityRules) -> str:
    limits = {"A": rules.points, "B": 2 * rules.points, "C": 2 * rules.gross * rules.points}
    return next((grade for grade, limit in limits.items() if difference <= limit + 1e-9), "D")


def concerned(conflicts: pd.DataFrame, wanted: Mapping[str, object] | set[str]) -> pd.DataFrame:
    """Return the comparisons that concern what rests on the tables named: those whose second table is one of them."""
    return conflicts[conflicts["second"].isin(list(wanted))]
