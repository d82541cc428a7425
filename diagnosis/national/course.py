"""Course of the domain scores of the provinces over the years, on one scale that is frozen for each domain."""

from __future__ import annotations

import pandas as pd

from diagnosis.catalogue import Catalogue
from diagnosis.frameworks import Scheme
from diagnosis.national.course_windows import CourseRules, Panel, choose_window
from diagnosis.national.domain_course import DomainCourse, find_in_euro

COLUMNS = {
    "course": ("domain", "year", "territory", "score", "class"),
    "members": (
        "domain",
        "indicator",
        "entered",
        "reason",
        "first",
        "last",
        "base",
        "series_first",
        "series_last",
        "at_base_prices",
    ),
    "changes": (
        "domain",
        "territory",
        "first",
        "last",
        "score_first",
        "score_last",
        "change",
        "country_change",
        "relative_change",
        "usual",
        "clear",
        "relative_clear",
        "rises",
        "verdict",
        "gains",
        "relative_verdict",
        "alternatives",
        "mover",
        "mover_part",
        "brake",
        "brake_part",
        "indicators",
        "missing",
    ),
    "parts": ("domain", "territory", "indicator", "value_first", "value_last", "part"),
    "goalposts": ("domain", "indicator", "minimum", "reference", "maximum", "direction"),
}


def score_course(
    series: pd.DataFrame, catalogue: Catalogue, scheme: Scheme, rules: CourseRules | None = None
) -> dict[str, pd.DataFrame]:
    """Score provinces, regions and country in every year that can be compared, domain by domain.

    Each domain has its own window of years and its own indicators
    (:func:`diagnosis.national.course_windows.choose_window`): the scores of a course are not those of the last year
    alone, which has more indicators. The first year of the window is the base, so that the reader sees "Italy in the
    first year = 100". The goalposts of the AMPI are the country's own values in the base year, with half of the range
    of all provinces and years of the window on each side [1]_; classes are tenths of the provinces in the base year.
    An indicator counts for a territory only if it is there in every year
    (:func:`diagnosis.composite.freezing.keep_common`), in the same boundaries: scores of one territory have the same
    make-up in every year, or are missing. Amounts in euro are at the prices of the base year.

    How far a change depends on the choices is told by recalculating it under every combination of the normalisations
    (over the panel; not ranks, which forget distances) and aggregations of the scheme, with all indicators and, where
    there are enough of them, without each one in turn. These alternatives are few and systematic: shares of them are
    no probabilities.

    **Sampling error.** The BES dei territori give none, although several yearly values rest on surveys or on few
    events, and all are rounded. Movements from one year to the next are therefore not to be read. For changes over the
    window there is a rule of thumb in place of a test: `clear` if a change is two points or more, and more than three
    times the standard deviation of a difference between two years, estimated from the second differences of the
    territory's scores, which a steady course does not move. Of independent normal noise in windows of five, six and
    seven years, 7, 5 and 4 % of the changes would pass the second condition (simulated).

    Parameters
    ----------
    series : DataFrame
        `territory` (provinces, ``R`` + regions, ``IT``), `indicator`, `year`, `value`, as in
        :data:`diagnosis.tables.WELLBEING`; all years.
    catalogue : Catalogue
    scheme : Scheme
        The framework of the provinces: weights, penalty, minimum share, alternatives.
    rules : CourseRules, optional

    Returns
    -------
    dict of DataFrame
        Years are text of four digits. `course`: `domain`, `year`, `territory`, `score` (missing where the territory
        cannot be compared), `class` (1 lowest to 10; provinces only).

        `members`, one row a domain and scored indicator: `entered`; `reason`, `first`, `last`, `series_first`,
        `series_last` of :func:`diagnosis.national.course_windows.choose_window`; `base`; `at_base_prices`.

        `changes`, one row a domain and territory: `first`, `last`, `score_first`, `score_last`; `change`,
        `country_change` and `relative_change` = change - country_change, in points; `usual`, standard deviation of
        a difference between two years around the course; `clear`, `relative_clear`, see above; `rises`, `gains`:
        share of the `alternatives` in which the score, or its difference to the country, rises (ties half);
        `verdict`, `relative_verdict`: ``rises``, ``falls`` (in all), ``mostly_rises``, ``mostly_falls`` (in nine of
        ten), ``open`` or empty; `mover` and `mover_part`, the indicator that did most for the change and the points
        it brought; `brake` and `brake_part`, the one that did most against it, empty if none did; `indicators`,
        how many count for the territory; `missing`, why there is no score: ``boundaries`` or ``incomplete``.

        `parts`, one row a domain, territory and indicator: values in the first and last year, and `part`, what the
        indicator brought to the change in points (penalty included; the parts sum to the change).

        `goalposts`: of every indicator that entered, in its unit.

    Raises
    ------
    diagnosis.errors.InputError
        The series breaks its contract, or lacks the country.

    References
    ----------
    .. [1] Mazziotta, M., Pareto, A. (2016). On a generalized non-compensatory composite index for measuring
       socio-economic phenomena. Social Indicators Research 127, 983-1003. doi:10.1007/s11205-015-0998-2 (cited
       from memory)
    """
    rules = rules or CourseRules()
    scored = catalogue.select(level=scheme.level, scored=True)
    panel = Panel.of(series, [item.id for item in scored])
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for domain in dict.fromkeys(item.domain for item in scored):
        items = [item for item in scored if item.domain == domain]
        own = panel.select([item.id for item in items])
        in_euro = own.indicators[find_in_euro(items)]
        window, members = choose_window(own, rules, in_euro)
        entered = members["entered"].to_numpy()
        tables = {"members": members.reset_index()}
        tables["members"]["base"] = tables["members"]["first"]
        tables["members"]["at_base_prices"] = entered & members.index.isin(in_euro)
        if window is not None:
            kept = [item for item, enters in zip(items, entered, strict=True) if enters]
            comparable = own.select([item.id for item in kept])
            tables |= DomainCourse.of(comparable, window, kept, scheme, rules).to_tables()
        for name, table in tables.items():
            parts[name].append(table.assign(domain=domain))
    return {
        name: pd.concat(parts[name], ignore_index=True)[list(columns)]
        if parts[name]
        else pd.DataFrame(columns=list(columns))
        for name, columns in COLUMNS.items()
    }
