"""Well-being of province-level bodies: published values (BES dei territori, ISTAT) at one reference year each."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from diagnosis.catalogue import Catalogue
from diagnosis.errors import unknown_name

COUNTRY = "IT"
MINIMUM_COVERAGE = 0.9
PROVINCE = r"\d{3}"
REGION = r"R\d{2}"


def latest(
    wellbeing: pd.DataFrame,
    catalogue: Catalogue,
    reference: str = COUNTRY,
    minimum_coverage: float = MINIMUM_COVERAGE,
) -> pd.DataFrame:
    """Choose one reference year for each provincial indicator.

    Parameters
    ----------
    wellbeing : DataFrame
        `territory`, `indicator`, `year`, `value`, as in :data:`diagnosis.tables.WELLBEING`.
    catalogue : Catalogue
        Names the provincial indicators; others in `wellbeing` are left out.
    reference : str
        Territory whose own value must be there.
    minimum_coverage : float
        Part of the provinces that must have a value.

    Returns
    -------
    DataFrame
        Index indicator, in the order of the catalogue. `year`: the last one in which the reference and at least
        `minimum_coverage` of the provinces have values; if there is none, the last of those with the widest
        coverage. `coverage`: part of the provinces with a value in it, 0 to 1. `flagged`: the rule could not be
        met. `comparable`: the values of regions and country measure the same as those of provinces. An
        indicator without any value has no year and is flagged.
    """
    names = [item.id for item in catalogue.select(level="province")]
    values = wellbeing.dropna(subset="value")
    provincial = values["territory"].str.fullmatch(PROVINCE)
    provinces = max(values.loc[provincial, "territory"].nunique(), 1)
    shares = values[provincial].groupby(["indicator", "year"])["territory"].nunique() / provinces
    own = values.loc[values["territory"] == reference, ["indicator", "year"]]
    has_reference = pd.MultiIndex.from_frame(own)
    rows = {}
    for name in names:
        known = (
            shares.xs(name, level="indicator").sort_index()
            if name in shares.index.get_level_values("indicator")
            else pd.Series(dtype=float)
        )
        valid = [
            year
            for year, share in known.items()
            if share >= minimum_coverage and (name, year) in has_reference
        ]
        if valid:
            year = valid[-1]
        else:
            widest = known[known == known.max()]
            year = widest.index[-1] if len(widest) else None
        rows[name] = (
            year,
            float(known[year]) if year is not None else 0.0,
            not valid,
            catalogue[name].comparable,
        )
    columns = ["year", "coverage", "flagged", "comparable"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("indicator")


def table(wellbeing: pd.DataFrame, years: pd.DataFrame | Mapping[str, str]) -> pd.DataFrame:
    """Put the values of the reference years side by side.

    Parameters
    ----------
    wellbeing : DataFrame
        As for :func:`latest`.
    years : DataFrame or mapping of str to str
        Result of :func:`latest`, or the year of each indicator.

    Returns
    -------
    DataFrame
        Index territory: provinces, then regions, then the country. One column an indicator of `years`, missing where
        there is no value. Where `years` says that an indicator is not comparable, only provinces keep their value:
        what is published for regions and country is another measure.
    """
    chosen = years["year"] if isinstance(years, pd.DataFrame) else pd.Series(years, dtype=object)
    order = _order(pd.Index(wellbeing["territory"].unique()).sort_values())
    picked = wellbeing[wellbeing["year"].astype(object) == wellbeing["indicator"].map(chosen)]
    wide = picked.pivot(index="territory", columns="indicator", values="value")
    wide = wide.reindex(index=order, columns=pd.Index(chosen.index, name=None)).astype(float)
    if isinstance(years, pd.DataFrame) and "comparable" in years:
        other = ~wide.index.str.fullmatch(PROVINCE)
        wide.loc[other, years.index[~years["comparable"].astype(bool)]] = float("nan")
    return wide.rename_axis(index="territory", columns=None)


def series(wellbeing: pd.DataFrame, territory: str, indicator: str) -> pd.Series:
    """Return the values of one territory over the years.

    Parameters
    ----------
    wellbeing : DataFrame
        As for :func:`latest`.
    territory, indicator : str
        Province, ``R`` + region or country; code of the indicator.

    Returns
    -------
    Series
        Index year, as text, in order; empty if the territory has no value of the indicator.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        The table has no such territory or indicator.
    """
    for kind, column, name in (
        ("A territory", "territory", territory),
        ("A well-being indicator", "indicator", indicator),
    ):
        known = wellbeing[column].unique()
        if name not in set(known):
            raise unknown_name(kind, name, known)
    chosen = (wellbeing["territory"] == territory) & (wellbeing["indicator"] == indicator)
    return wellbeing[chosen].set_index("year")["value"].sort_index().rename(indicator)


def _order(territories: pd.Index) -> pd.Index:
    provinces = territories.str.fullmatch(PROVINCE)
    regions = territories.str.fullmatch(REGION)
    return territories[provinces].append([territories[regions], territories[~provinces & ~regions]])
