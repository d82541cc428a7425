import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis import charts
from diagnosis.drawing.canvas import ACCENT, WIDTH
from diagnosis.drawing.rows import LIGHT, draw_key, measure_key
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.figure import format_interval

SVG = "{http://www.w3.org/2000/svg}"
COMMON = {"figure_id": "c1", "title": "Titolo <&>", "source": "ISTAT"}
LONG = "Famiglie con un livello di competenza alfabetica e numerica non adeguato degli studenti"


def read_svg(figure):
    """Check structure and that nothing lies outside the sheet; returns the shapes with a tooltip."""
    root = ElementTree.fromstring(figure.svg)
    assert root.find(f"{SVG}desc").text == figure.alt
    assert root.get("role") == "img"
    _, _, width, height = (float(number) for number in root.get("viewBox").split())
    for group in root.iter(f"{SVG}g"):
        if at := re.match(r"translate\(([-\d.]+) ([-\d.]+)\) scale\(0\.0", group.get("transform", "")):
            assert 0 <= float(at[1]) <= width
            assert 0 <= float(at[2]) <= height
    shapes = {}
    for path in root.iter(f"{SVG}path"):
        if not path.get("transform") and path.get("style") and "Q" not in path.get("d"):
            places = read_places(path)
            assert places.min() >= -1
            assert (places.max(axis=0) <= [width + 1, height + 1]).all()
        if len(path):
            assert path.find(f"{SVG}title").text not in shapes
            shapes[path.find(f"{SVG}title").text] = path
    return shapes


def read_places(path):
    return np.array(re.findall(r"-?\d+\.?\d*", path.get("d")), dtype=float).reshape(-1, 2)


def find_middle(path):
    places = read_places(path)
    return (places.min(axis=0) + places.max(axis=0)) / 2


@pytest.fixture
def profile():
    rng = np.random.default_rng(1)
    comparison = pd.DataFrame(rng.normal(100, 8, (107, 3)), columns=["health", "work", "safety"])
    scores = pd.Series({"work": 95.04, "health": 103.2, "safety": np.nan})
    return scores, comparison


@pytest.fixture
def units():
    rank = np.arange(1.0, 108.0)
    table = pd.DataFrame(
        {
            "name": [f"Provincia {number:.0f}" for number in rank],
            "nominal": rank,
            "lower": np.maximum(1, rank - 10),
            "upper": np.minimum(107, rank + 10),
            "of": 107,
        },
        index=[f"p{number:.0f}" for number in rank],
    )
    return table.sample(frac=1, random_state=3)


def test_profile_shows_intervals_in_key_table_and_words(profile):
    scores, comparison = profile
    intervals = pd.DataFrame({"lower": [99.5, 90.1], "upper": [105.0, 97.26]}, index=["health", "work"])
    options = {"name": "Siracusa", "names": {"health": "Salute", "work": "Lavoro"}, **COMMON}
    figure = charts.domain_profile(
        scores, comparison, intervals=intervals, interval_name="intervallo al 90 %", **options
    )
    assert list(read_svg(figure)) == ["Lavoro: 95,0 (90,1 – 97,3)", "Salute: 103,2 (99,5 – 105,0)"]
    assert "Lavoro 95,0 (90,1 – 97,3); Salute 103,2 (99,5 – 105,0); safety n.d." in figure.alt
    assert "Fra parentesi: intervallo al 90 %." in figure.alt
    assert figure.alt.endswith("L'intervallo comprende il riferimento: Salute.")
    assert figure.table.loc["work", ["lower", "upper"]].tolist() == [90.1, 97.26]
    assert figure.table.loc["safety", ["lower", "upper"]].isna().all()
    bare = charts.domain_profile(scores, comparison, **options)
    assert "lower" not in bare.table
    assert "parentesi" not in bare.alt


def test_profile_draws_no_interval_of_a_missing_score(profile):
    scores, comparison = profile
    ends = pd.DataFrame({"lower": [1.0], "upper": [2.0]}, index=["safety"])
    figure = charts.domain_profile(scores, comparison, intervals=ends, name="x", **COMMON)
    assert figure.table["lower"].isna().all()
    assert "safety n.d.." not in figure.alt


@pytest.mark.parametrize(
    ("intervals", "message"),
    [
        (pd.DataFrame({"lower": [1.0]}, index=["work"]), "'upper'"),
        (pd.DataFrame({"lower": [2.0], "upper": [1.0]}, index=["work"]), "above the upper one.*'work'"),
        (pd.DataFrame({"lower": [1.0], "upper": [2.0]}, index=["culture"]), "indexed as"),
        (pd.DataFrame({"lower": [1.0] * 2, "upper": [2.0] * 2}, index=["work"] * 2), "repeated"),
    ],
)
def test_profile_refuses_broken_intervals(profile, intervals, message):
    scores, comparison = profile
    with pytest.raises(InputError, match=message):
        charts.domain_profile(scores, comparison, intervals=intervals, name="x", **COMMON)


def test_profile_of_eleven_domains_breaks_its_key():
    domains = [f"Lavoro e conciliazione dei tempi di vita {number}" for number in range(11)]
    comparison = pd.DataFrame(np.random.default_rng(2).normal(100, 8, (107, 11)), columns=domains)
    intervals = pd.DataFrame({"lower": 80.0, "upper": 120.0}, index=domains)
    options = {"name": "Libero consorzio comunale di Siracusa", "region": comparison.iloc[1], **COMMON}
    options["region_name"] = "Friuli-Venezia Giulia"
    figure = charts.domain_profile(
        comparison.iloc[0],
        comparison,
        intervals=intervals,
        interval_name="intervallo del punteggio al 90 %",
        **options,
    )
    assert len(read_svg(figure)) == 11


def test_a_key_takes_as_many_lines_as_it_needs():
    class Sheet:
        height = 100.0

        def __init__(self):
            self.written = []

        def write(self, x, y, text, **_):
            self.written.append((x, y, text))

        def circle(self, *_, **__):
            pass

    short, long = [("dot", "Uno"), ("dot", "Due")], [("dot", "Libero consorzio comunale")] * 5
    assert measure_key(short) == 0
    sheet = Sheet()
    draw_key(sheet, long)
    heights = sorted({y for _, y, _ in sheet.written})
    assert heights[-1] - heights[0] == measure_key(long) > 0
    assert len(sheet.written) == 5


def test_ranks_run_from_the_worst_to_the_best(units):
    figure = charts.interval_plot(units, highlight="p14", sort=True, interval_name="al 90 %", **COMMON)
    shapes = read_svg(figure)
    assert len(shapes) == 107
    first, own, last = (
        find_middle(shapes[text])
        for text in (
            "Provincia 1: 1ª su 107 (1 – 11)",
            "Provincia 14: 14ª su 107 (4 – 24)",
            "Provincia 107: 107ª su 107 (97 – 107)",
        )
    )
    assert first[0] > own[0] > last[0]
    assert first[1] < own[1] < last[1]  # the best at the top
    assert (first[0] - own[0]) / (first[0] - last[0]) == pytest.approx(13 / 106, abs=1e-3)
    assert figure.table["nominal"].is_monotonic_increasing
    assert "la prima è Provincia 1 1ª su 107 (1 – 11), l'ultima Provincia 107" in figure.alt
    assert "Provincia 14 14ª su 107 (4 – 24)." in figure.alt
    assert "si sovrappongono a quello di Provincia 14: 33 su 106." in figure.alt  # 1 to 34, itself left out
    assert "Fra parentesi: al 90 %." in figure.alt
    assert figure.svg.count(ACCENT) >= 2
    assert ACCENT in shapes["Provincia 14: 14ª su 107 (4 – 24)"].get("style")
    assert ACCENT not in shapes["Provincia 15: 15ª su 107 (5 – 25)"].get("style")


def test_rows_keep_their_order_unless_sorted(units):
    plain = charts.interval_plot(units, **COMMON)
    assert plain.table.index.tolist() == units.index.tolist()
    scores = units.assign(nominal=-units["nominal"], lower=-units["upper"], upper=-units["lower"])
    turned = charts.interval_plot(scores.drop(columns="of"), scale="score", sort=True, **COMMON)
    assert turned.table.index[0] == "p1"
    assert "of" not in turned.table


def test_ranks_in_domains_of_different_numbers_of_units():
    rows = pd.DataFrame(
        {
            "name": ["Salute", "Sicurezza <b>", "Ambiente"],
            "nominal": [41.0, 12.0, np.nan],
            "lower": [35.2, 8.0, np.nan],
            "upper": [52.4, 15.0, np.nan],
            "median": [42.0, 12.0, np.nan],
            "of": [107, 98, 107],
        },
        index=["health", "safety", "nature"],
    )
    figure = charts.interval_plot(rows, language="en", **COMMON)
    assert list(read_svg(figure)) == [
        "Salute: rank 41 of 107 (35 – 52)",
        "Sicurezza <b>: rank 12 of 98 (8 – 15)",
    ]
    assert "Ambiente n/a. In brackets: interval." in figure.alt
    assert figure.table.columns.tolist() == ["name", "nominal", "lower", "upper", "median", "of"]
    assert figure.table.loc["health", "lower"] == 35.2


def test_groups_stand_together():
    rows = pd.DataFrame(
        {
            "name": list("abcd"),
            "nominal": [1.0, 2.0, 3.0, 4.0],
            "lower": [0.0, 1, 2, 3],
            "upper": [2.0, 3, 4, 5],
            "group": ["Sud", "Nord", "Sud", "Nord"],
        },
        index=list("abcd"),
    )
    figure = charts.interval_plot(rows, scale="score", sort=True, **COMMON)
    shapes = read_svg(figure)
    assert figure.table["group"].tolist() == ["Nord", "Nord", "Sud", "Sud"]
    assert figure.table.index.tolist() == ["d", "b", "c", "a"]
    heights = {text[0]: find_middle(path)[1] for text, path in shapes.items()}
    assert sorted(heights, key=heights.get) == ["d", "b", "c", "a"]
    assert heights["c"] - heights["b"] > heights["b"] - heights["d"]  # room for the name of the group


def test_scores_of_nothing_and_below_zero():
    rows = pd.DataFrame({"name": ["x"], "nominal": [np.nan], "lower": [np.nan], "upper": [np.nan]})
    figure = charts.interval_plot(rows, scale="score", **COMMON)
    assert read_svg(figure) == {}
    assert "x n.d." in figure.alt
    below = rows.assign(nominal=-1.0, lower=-2.5, upper=0.5)
    figure = charts.interval_plot(below, scale="score", reference=0, reference_name="Italia", **COMMON)
    assert list(read_svg(figure)) == ["x: −1,0 (da −2,5 a 0,5)"]


def test_one_unit_alone_is_ranked():
    rows = pd.DataFrame({"name": ["x"], "nominal": [1], "lower": [1], "upper": [1], "of": [1]})
    assert list(read_svg(charts.interval_plot(rows, highlight=0, **COMMON))) == ["x: 1ª su 1 (1 – 1)"]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda t: t.drop(columns="of"), {}, "'of'"),
        (lambda t: t.drop(columns="upper"), {"scale": "score"}, "'upper'"),
        (lambda t: t.iloc[:0], {}, "rows"),
        (lambda t: t.assign(of=50), {}, "between 1 and the number of units"),
        (lambda t: t.assign(of=np.nan), {}, "between 1 and the number of units"),
        (lambda t: t.assign(nominal=0), {}, "between 1 and the number of units"),
        (lambda t: t.assign(lower=t["upper"] + 1), {}, "above the upper one"),
        (lambda t: t, {"highlight": "Roma"}, "'Roma'"),
        (lambda t: pd.concat([t, t]), {}, "repeated"),
    ],
)
def test_interval_plot_refuses_what_it_cannot_draw(units, change, options, message):
    with pytest.raises(InputError, match=message):
        charts.interval_plot(change(units), **options, **COMMON)


def test_interval_plot_knows_two_scales(units):
    with pytest.raises(UnknownNameError, match="scale"):
        charts.interval_plot(units, scale="ranks", **COMMON)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=45), st.booleans())
def test_any_scores_stay_on_the_sheet(numbers, sort):
    rows = pd.DataFrame({"name": LONG, "nominal": numbers, "lower": numbers, "upper": numbers})
    figure = charts.interval_plot(rows, scale="score", sort=sort, highlight=0, reference=100, **COMMON)
    root = ElementTree.fromstring(figure.svg)
    assert float(root.get("viewBox").split()[2]) == pytest.approx(WIDTH, abs=0.01)
    for path in root.iter(f"{SVG}path"):
        if len(path):
            assert 0 <= find_middle(path)[0] <= WIDTH
    assert sorted(figure.table["nominal"]) == sorted(numbers)


def test_influence_tells_more_from_less_than_the_weight():
    shares = pd.DataFrame(
        {"name": [LONG, "Uno", "Due"], "influence": [0.6, 0.3, np.nan], "weight": [0.5, 0.4, 0.1]},
        index=["a", "b", "c"],
    )
    figure = charts.influence_bars(shares, weight_name="peso dichiarato", **COMMON)
    shapes = read_svg(figure)
    assert list(shapes) == [f"{LONG}: 60,0\u00a0%", "Uno: 30,0\u00a0%"]
    more, less = shapes.values()
    assert ACCENT in more.get("style")
    assert LIGHT in less.get("style")
    assert np.ptp(read_places(more)[:, 0]) == pytest.approx(2 * np.ptp(read_places(less)[:, 0]), abs=0.05)
    assert f"influenza: {LONG} 60,0\u00a0%, peso dichiarato 50,0\u00a0%;" in figure.alt
    assert f"Influenza maggiore del peso: {LONG}. Influenza minore del peso: Uno." in figure.alt
    assert figure.table["influence"].tolist()[:2] == [0.6, 0.3]
    assert figure.table.columns.tolist() == ["name", "influence", "weight"]


def test_influence_of_sobol_indices_with_intervals():
    shares = pd.DataFrame(
        {"influence": [0.41, -0.004], "lower": [0.36, -0.01], "upper": [0.46, 0.01]},
        index=["Normalisation", "Imputation"],
    )
    figure = charts.influence_bars(
        shares,
        influence_name="total index",
        interval_name="90% interval",
        percent=False,
        decimals=2,
        language="en",
        **COMMON,
    )
    assert list(read_svg(figure)) == ["Normalisation: 0.41", "Imputation: 0.00"]
    assert "Normalisation 0.41 (0.36 – 0.46); Imputation 0.00 (−0.01 to 0.01)." in figure.alt
    assert figure.alt.endswith("In brackets: 90% interval.")
    assert "weight" not in figure.alt


def test_influence_of_nothing():
    read_svg(charts.influence_bars(pd.DataFrame({"influence": [np.nan, 0.0]}), **COMMON))
    with pytest.raises(InputError, match="at least one row"):
        charts.influence_bars(pd.DataFrame({"influence": []}), **COMMON)
    with pytest.raises(InputError, match="'share'"):
        charts.influence_bars(pd.DataFrame({"share": [1.0]}), **COMMON)
    with pytest.raises(InputError, match="repeated"):
        charts.influence_bars(pd.DataFrame({"influence": [1.0, 2.0]}, index=["a", "a"]), **COMMON)
    with pytest.raises(InputError, match="'upper'"):
        charts.influence_bars(pd.DataFrame({"influence": [1.0], "lower": [0.0]}), **COMMON)


@pytest.mark.parametrize(
    ("low", "high", "italian", "english"),
    [
        (35, 52, "35 – 52", "35 – 52"),
        (-2, 3, "da −2 a 3", "−2 to 3"),
        (-0.2, 3, "0 – 3", "0 – 3"),
        (1, np.nan, "n.d.", "n/a"),
        (None, 1, "n.d.", "n/a"),
    ],
)
def test_intervals_follow_the_language(low, high, italian, english):
    assert format_interval(low, high, 0, "it") == italian
    assert format_interval(low, high, 0, "en") == english
