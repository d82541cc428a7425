import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis import charts
from diagnosis.charts import _spread
from diagnosis.errors import InputError
from diagnosis.tables import AGE_COLUMNS

SVG = "{http://www.w3.org/2000/svg}"
COMMON = {"figure_id": "c1", "title": "Titolo <&>", "source": "ISTAT"}


def check_svg(figure):
    """Structure every chart must have, nothing outside the sheet; returns its tooltips."""
    root = ElementTree.fromstring(figure.svg)
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(name.startswith(figure.id + "-") for name in identifiers)
    assert root.get("role") == "img"
    assert set(root.get("aria-labelledby").split()) <= set(identifiers)
    assert root.find(f"{SVG}title").text == figure.title
    assert root.find(f"{SVG}desc").text == figure.alt
    assert figure.svg.count("://") == 1
    _, _, width, height = (float(number) for number in root.get("viewBox").split())
    for group in root.iter(f"{SVG}g"):
        if at := re.match(r"translate\(([-\d.]+) ([-\d.]+)\) scale\(0\.0", group.get("transform", "")):
            assert 0 <= float(at[1]) <= width
            assert 0 <= float(at[2]) <= height
    for path in root.iter(f"{SVG}path"):
        if not path.get("transform") and path.get("style") and "Q" not in path.get("d"):
            numbers = np.array(re.findall(r"-?\d+\.?\d*", path.get("d")), dtype=float).reshape(-1, 2)
            assert numbers.min() >= -1
            assert (numbers.max(axis=0) <= [width + 1, height + 1]).all()
    return [path.find(f"{SVG}title").text for path in root.iter(f"{SVG}path") if len(path)]


@pytest.fixture
def population():
    rng = np.random.default_rng(4)
    counts = rng.integers(0, 900, (2, len(AGE_COLUMNS)))
    return pd.DataFrame(counts, index=["Siracusa", "Italia"], columns=list(AGE_COLUMNS))


def test_pyramid_adds_up_to_all_residents(population):
    figure = charts.pyramid(population, city="Siracusa", reference="Italia", **COMMON)
    tooltips = check_svg(figure)
    assert len(tooltips) == 2 * 20
    own = figure.table[["Uomini, Siracusa", "Donne, Siracusa"]]
    assert own.to_numpy().sum() == pytest.approx(100)
    assert figure.table.index.tolist()[:2] == ["0–4", "5–9"]
    assert figure.table.index[-1] == "95+"
    row = population.loc["Siracusa"]
    expected = 100 * row[["f95", "f96", "f97", "f98", "f99", "f100"]].sum() / row.sum()
    assert figure.table.loc["95+", "Donne, Siracusa"] == pytest.approx(expected)
    old = 100 * sum(row[f"{sex}{age}"] for sex in "fm" for age in range(65, 101)) / row.sum()
    assert f"{old:.1f}".replace(".", ",") + "\u00a0% (Siracusa)" in figure.alt


def test_pyramid_without_reference_and_in_english(population):
    figure = charts.pyramid(population, city="Siracusa", language="en", **COMMON)
    check_svg(figure)
    assert figure.table.columns.tolist() == ["Men, Siracusa", "Women, Siracusa"]
    assert figure.alt.startswith("Age pyramid: Titolo <&>. Aged up to 14 ")
    assert "Italia" not in figure.alt
    same = charts.pyramid(population, city="Siracusa", reference="Siracusa", language="en", **COMMON)
    assert same.svg == figure.svg


def test_pyramid_refuses_what_it_cannot_draw(population):
    with pytest.raises(InputError, match="f0"):
        charts.pyramid(population.drop(columns="f0"), city="Siracusa", **COMMON)
    with pytest.raises(InputError, match="row for each"):
        charts.pyramid(population, city="Roma", **COMMON)
    with pytest.raises(InputError, match="residents"):
        charts.pyramid(population * 0, city="Siracusa", **COMMON)


@pytest.fixture
def comparison():
    rng = np.random.default_rng(1)
    return pd.DataFrame(rng.normal(100, 8, (107, 3)), columns=["health", "work", "safety"])


def test_domain_profile_tells_above_from_below(comparison):
    scores = pd.Series({"work": 95.04, "health": 103.2, "safety": np.nan})
    figure = charts.domain_profile(
        scores,
        comparison,
        name="Provincia <di> Siracusa",
        region=pd.Series({"health": 101.0}),
        region_name="Sicilia",
        names={"health": "Salute", "work": "Lavoro & tempi"},
        **COMMON,
    )
    assert check_svg(figure) == ["Lavoro & tempi: 95,0", "Salute: 103,2"]
    assert "Sopra il riferimento: Salute. Sotto il riferimento: Lavoro & tempi." in figure.alt
    assert "safety n.d." in figure.alt
    assert figure.table.index.tolist() == ["work", "health", "safety"]
    assert figure.table.loc["work", "p10"] == pytest.approx(comparison["work"].quantile(0.1))
    assert figure.table.loc["work", "maximum"] == comparison["work"].max()


def test_domain_profile_needs_the_domains(comparison):
    with pytest.raises(InputError, match="'culture'"):
        charts.domain_profile(pd.Series({"culture": 1.0}), comparison, name="x", **COMMON)


def test_gap_plot_measures_from_the_reference():
    rows = pd.DataFrame(
        {
            "name": ["Laureati", "Disoccupati", "Altro", "Zero"],
            "value": [20.0, 5.0, np.nan, 1.0],
            "reference": [25.0, 10.0, 3.0, 0.0],
            "unit": ["%", "%", "", ""],
            "direction": [1, -1, 0, 1],
        }
    )
    figure = charts.gap_plot(rows, name="Siracusa", **COMMON)
    assert check_svg(figure) == ["Laureati: 20,0\u00a0%", "Disoccupati: 5,0\u00a0%"]
    assert figure.table["position"].tolist()[:2] == [80, 50]
    assert figure.table["position"].isna().tolist() == [False, False, True, True]
    assert "Laureati 20,0\u00a0% (Italia 25,0\u00a0%)" in figure.alt
    with pytest.raises(InputError, match="reference"):
        charts.gap_plot(rows.drop(columns="reference"), name="Siracusa", **COMMON)


def test_strip_plot_ranks_in_the_direction_of_better():
    values = pd.DataFrame(
        {"income": [10.0, 20, 30, 40], "crime": [1.0, 2, 3, 4], "other": [np.nan, 5, 5, 9]},
        index=["015146", "089017", "026086", "091051"],
    )
    figure = charts.strip_plot(
        values, city="089017", city_name="Siracusa", directions={"income": 1, "crime": -1}, **COMMON
    )
    check_svg(figure)
    assert figure.table["rank"].tolist() == [3, 2, 2]
    assert figure.table["count"].tolist() == [4, 4, 3]
    assert figure.table.loc["income", "percentile"] == pytest.approx(100 / 3)
    assert figure.table.loc["crime", "percentile"] == pytest.approx(200 / 3)
    assert figure.table.loc["other", "percentile"] == pytest.approx(50)
    assert "income 20,0, 3ª su 4" in figure.alt
    missing = charts.strip_plot(values, city="015146", city_name="Milano", **COMMON)
    assert "other n.d." in missing.alt
    assert np.isnan(missing.table.loc["other", "rank"])
    with pytest.raises(InputError, match="row of the values"):
        charts.strip_plot(values, city="x", city_name="x", **COMMON)


def test_strip_plot_of_missing_and_constant_columns():
    values = pd.DataFrame({"none": [np.nan, np.nan], "same": [2.0, 2.0]}, index=["a", "b"])
    figure = charts.strip_plot(values, city="a", city_name="A", **COMMON)
    assert check_svg(figure) == ["same: 2,0"]


def test_trend_leaves_gaps_and_names_the_ends():
    panel = pd.DataFrame(
        {"Siracusa": [1.0, 2.0, np.nan, 4.0, 5.0], "Italia": [2.0, 2, 2, 2, 2]},
        index=["2019", "2020", "2021", "2022", "2023"],
    )
    figure = charts.trend(panel, highlight="Siracusa", unit="%", **COMMON)
    assert check_svg(figure).count("Siracusa") == 2  # two stretches of line
    assert "Siracusa: da 1,0\u00a0% (2019) a 5,0\u00a0% (2023)." in figure.alt
    assert figure.table.index.tolist() == [2019, 2020, 2021, 2022, 2023]


def test_trend_panels_of_uneven_data():
    years = ["2020", "2021", "2022"]
    panels = {
        "Uno": pd.DataFrame({"A": [1.0, 2, 3], "B": [3.0, 2, 1]}, years),
        "Due": pd.DataFrame({"B": [1.0, np.nan, 3]}, years),
        "Tre": pd.DataFrame({"A": [np.nan] * 3}, years),
        "Quattro <q>": pd.DataFrame({"A": [7.0]}, ["2020"]),
        "Cinque": pd.DataFrame({"A": [7.0, 7.0, 7.0]}, years),
    }
    figure = charts.trend(panels, highlight="A", language="en", **COMMON)
    check_svg(figure)
    assert "Uno, A: from 1.0 (2020) to 3.0 (2022)." in figure.alt
    assert list(figure.table.columns.get_level_values(0).unique()) == list(panels)
    with pytest.raises(InputError, match="different years"):
        charts.trend(pd.DataFrame({"A": [1.0]}, ["x"]), highlight="A", **COMMON)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_names_of_lines_keep_apart(heights):
    wanted = dict(enumerate(heights))
    spread = _spread(wanted, 9.0, 0.0, 100.0)
    assert spread.keys() == wanted.keys()
    places = sorted(spread.values())
    assert all(high - low >= 9.0 - 1e-6 for low, high in pairwise(places))
    assert [spread[key] for key in sorted(wanted, key=wanted.get)] == places


def test_bars_show_their_numbers():
    values = pd.Series({"Treviso": 1234.5, "Siracusa": -20.0, "Nuoro <b>": np.nan})
    figure = charts.bars(values, unit="€", highlight="Treviso", reference=("Italia", 600.0), **COMMON)
    assert check_svg(figure) == ["Treviso: 1.234,5 €", "Siracusa: −20,0 €"]
    assert figure.alt == "Grafico: Titolo <&>. Treviso 1.234,5 €; Siracusa −20,0 €; Nuoro <b> n.d."
    assert figure.table["value"].tolist()[:2] == [1234.5, -20.0]
    assert figure.caption == "Fonte: ISTAT."


def test_length_of_bars_is_proportional():
    figure = charts.bars(pd.Series({"a": 10.0, "b": 5.0, "c": 0.0}), **COMMON)
    root = ElementTree.fromstring(figure.svg)
    lengths = []
    for path in root.iter(f"{SVG}path"):
        if len(path):
            numbers = np.array(re.findall(r"-?\d+\.?\d*", path.get("d")), dtype=float).reshape(-1, 2)
            lengths.append(np.ptp(numbers[:, 0]))
    assert lengths[1] == pytest.approx(lengths[0] / 2, abs=0.05)
    assert lengths[2] == pytest.approx(0, abs=0.05)


def test_bars_of_nothing():
    check_svg(charts.bars(pd.Series({"a": np.nan, "b": 0.0}), **COMMON))
    with pytest.raises(InputError, match="at least one"):
        charts.bars(pd.Series(dtype=float), **COMMON)


def test_charts_are_the_same_every_time(population):
    draw = charts.pyramid
    first, second = (draw(population, city="Siracusa", reference="Italia", **COMMON).svg for _ in range(2))
    assert first == second
