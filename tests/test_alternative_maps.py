import re
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.drawing import alternatives, border, cores
from diagnosis.drawing.partition import CITY_HUE, HUES, mix_with_white
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.maps import area_alternatives, core_map, membership_map

SVG = "{http://www.w3.org/2000/svg}"
CODES = list("ABCDEFGHIJKL")
GROUND = gpd.GeoDataFrame(
    {"name": [f"Town {code}" for code in CODES]},
    geometry=[
        shapely.box(x, y, x + 5_000, y + 5_000)
        for y in range(2_080_000, 2_095_000, 5_000)
        for x in range(4_530_000, 4_550_000, 5_000)
    ],
    index=pd.Index(CODES, name="code"),
    crs="EPSG:3035",
)
CENTRES = pd.DataFrame(
    {"2 areas": list("AACC" * 3), "3 areas": list("AACCAACCIIII"), "4 areas": list("AACCAACCIIKK")},
    index=GROUND.index,
)
TITLES = {name: (f"{name} · x", f"figures of {name}") for name in CENTRES}
ABOUT = {"figure_id": "panels", "title": "Alternatives", "language": "en"}
CORE = pd.DataFrame(
    {
        "shared": [4, 4, 3, 4, 2, 1, 4, 4, 4, 4, 4, np.nan],
        "compared": [4] * 11 + [np.nan],
        "elsewhere": ["", "", "Waste", "", "Waste, Schools", "<b>&", "", "", "", "", "", ""],
    },
    index=GROUND.index,
)
AREAS = pd.Series([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3], index=GROUND.index, dtype="Int64")
AREA_CENTRES = pd.Series({1: "A", 2: "C", 3: "I"})


def read(figure):
    """Structure every figure must have; returns the tooltips with the fills of their paths, panel by panel."""
    root = ElementTree.fromstring(figure.svg)
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(name.startswith(figure.id + "-") for name in identifiers)
    assert root.find(f"{SVG}title").text == figure.title
    assert root.find(f"{SVG}desc").text == figure.alt
    assert figure.svg.count("://") == 1
    return [
        (path.find(f"{SVG}title").text, re.search(r"fill:\s*(#\w+|none|url)", path.get("style"))[1])
        for path in root.iter(f"{SVG}path")
        if len(path)
    ]


def view_box(figure):
    return [float(number) for number in re.search(r'viewBox="([^"]+)"', figure.svg)[1].split()]


def extent(figure):
    """Left, top, right, bottom of all that is drawn, by the coordinates of paths that are placed as they are."""
    numbers = [
        pair
        for path in re.findall(r'd="([^"]+)"', re.sub(r"<defs>.*?</defs>", "", figure.svg, flags=re.S))
        for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)
    ]
    points = np.array(numbers, dtype=float)
    return [*points.min(axis=0), *points.max(axis=0)]


def test_the_same_centre_has_the_same_colour_on_every_map():
    fills = read(area_alternatives(GROUND, CENTRES, titles=TITLES, city="A", **ABOUT))
    assert len(fills) == 36
    own = {fill for tip, fill in fills if tip.endswith(": Town A")}
    assert own == {mix_with_white(CITY_HUE, alternatives.OWN_TONE)}
    by_centre = {end: {fill for tip, fill in fills if tip.endswith(f": Town {end}")} for end in "CIK"}
    assert [len(found) for found in by_centre.values()] == [1, 1, 1]
    assert len(set.union(*by_centre.values())) == 3


def test_the_area_of_the_city_keeps_its_colour_under_another_centre():
    centres = pd.DataFrame({"one": ["C"] * 12, "two": list("AACC" * 3)}, index=GROUND.index)
    titles = dict.fromkeys(centres, ("t", ""))
    figure = area_alternatives(GROUND, centres, titles=titles, city="A", **ABOUT)
    own = mix_with_white(CITY_HUE, alternatives.OWN_TONE)
    fills = read(figure)
    assert {fill for _, fill in fills[:12]} == {own}
    assert [fill == own for tip, fill in fills[12:]] == [tip.endswith(": Town A") for tip, _ in fills[12:]]
    assert figure.table["one"].unique().tolist() == ["Town C"]


@given(st.lists(st.lists(st.sampled_from("ABFJ"), min_size=12, max_size=12), min_size=2, max_size=4))
@settings(max_examples=8)
def test_areas_side_by_side_differ_in_colour(columns):
    keys = {str(place): pd.Series(column, index=GROUND.index) for place, column in enumerate(columns)}
    hues = alternatives._colour_centres(GROUND, keys, "A")
    assert "A" not in hues
    assert len(set(hues.values())) == len(hues) <= len(HUES)


def test_the_table_names_the_centres_and_the_text_the_members():
    figure = area_alternatives(GROUND, CENTRES, titles=TITLES, city="A", note="Proposed", **ABOUT)
    assert figure.table.columns.tolist() == ["name", *CENTRES]
    assert figure.table.loc["L"].tolist() == ["Town L", "Town C", "Town I", "Town K"]
    assert "4 areas · x: figures of 4 areas." in figure.alt
    assert "The area of Town A comprises 4 municipalities: Town A, Town B, Town E, Town F." in figure.alt
    assert figure.caption == "Proposed."


@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_all_is_on_the_sheet(number):
    centres = pd.DataFrame({str(k): list("AACCAACCIIKK") for k in range(number)}, index=GROUND.index)
    titles = dict.fromkeys(centres, ("A title that is too long for a single line of a panel " * 2, "x" * 300))
    islands = GROUND.copy()
    islands.loc["L", "geometry"] = shapely.affinity.translate(islands.loc["L", "geometry"], 200_000)
    figure = area_alternatives(islands, centres, titles=titles, city="A", territory=list("ABC"), **ABOUT)
    left, top, right, bottom = extent(figure)
    assert min(left, top) >= -3
    assert right <= view_box(figure)[2] + 3
    assert bottom <= view_box(figure)[3] + 3
    assert "In boxes, at their own scale: Town L." in figure.caption
    assert sum(tip == "Town L: Town K" for tip, _ in read(figure)) == number


def test_a_municipality_in_no_area_is_hatched():
    centres = CENTRES.copy()
    centres.loc["L", "3 areas"] = None
    figure = area_alternatives(GROUND, centres, titles=TITLES, **ABOUT)
    assert ("Town L: no data", "url") in read(figure)
    assert pd.isna(figure.table.loc["L", "3 areas"])


def test_wrong_alternatives_are_told():
    with pytest.raises(InputError, match="from two on"):
        area_alternatives(GROUND, CENTRES[["2 areas"]], titles=TITLES, **ABOUT)
    with pytest.raises(InputError, match=r"needs a title.*3 areas"):
        area_alternatives(GROUND, CENTRES, titles={"2 areas": ("", ""), "4 areas": ("", "")}, **ABOUT)
    with pytest.raises(InputError, match=r"3 areas.*must be municipalities.*'Z'"):
        area_alternatives(GROUND, CENTRES.replace({"3 areas": {"I": "Z"}}), titles=TITLES, **ABOUT)
    with pytest.raises(InputError, match=r"4 areas.*found none"):
        area_alternatives(GROUND, CENTRES.assign(**{"4 areas": None}), titles=TITLES, **ABOUT)
    with pytest.raises(InputError, match="city must be one"):
        area_alternatives(GROUND, CENTRES, titles=TITLES, city="Z", **ABOUT)
    with pytest.raises(UnknownNameError):
        area_alternatives(GROUND, CENTRES, titles=TITLES, **{**ABOUT, "language": "de"})


def test_the_border_is_drawn_only_where_the_map_reaches_beyond():
    assert border.find_border("ABC", None) == border.find_border("ABC", "ABCD") == frozenset()
    assert border.find_border("ABC", "AZ") == {"A"}
    plain = membership_map(GROUND, AREAS, centres=AREA_CENTRES, **ABOUT)
    whole = membership_map(GROUND, AREAS, centres=AREA_CENTRES, territory=CODES, **ABOUT)
    part = membership_map(GROUND, AREAS, centres=AREA_CENTRES, territory=CODES[:4], **ABOUT)
    dashes = "stroke-dasharray:" + ",".join(
        f"{border.LINE * dash:.2f}".rstrip("0").rstrip(".") for dash in border.DASHES
    )
    assert whole.svg == plain.svg
    assert border.CONTRAST not in plain.svg
    assert part.svg.count(dashes) == 2  # on the map and in the legend


def test_intensity_and_dots_are_the_functions_shared():
    figure = core_map(GROUND, AREAS, CORE, centres=AREA_CENTRES, city="A", **ABOUT)
    fills = dict(reversed(read(figure)))  # a dotted municipality has its dots last, its fill first
    tones = dict(zip(cores.PARTS, cores.TONES, strict=True))
    assert fills["Town A: Town A, with the centre for 4 of 4 functions"] == CITY_HUE
    few = "Town F: Town A, with the centre for 1 of 4 functions; elsewhere for: <b>&"
    assert fills[few] == mix_with_white(CITY_HUE, tones["few"])
    assert fills["Town L: Town I"] == "url"
    dotted = [tip[:6] for tip, fill in read(figure) if fill == "none"]
    assert dotted == ["Town C", "Town E", "Town F"]
    assert figure.table["part"].fillna("").tolist() == [
        *("all", "all", "most", "all", "few", "few", "all", "all", "all", "all", "all", "")
    ]
    assert figure.table.loc["E", "elsewhere"] == "Waste, Schools"
    assert (
        "Besides the centres, with the centre of their area for every function 6 municipalities; "
        "for more than half 0 municipalities; for half or fewer 2 municipalities: Town E, Town F."
        in figure.alt
    )


def test_without_anything_to_tell_apart_nothing_is_dotted():
    whole = CORE.assign(shared=3, compared=3, elsewhere="")
    figure = core_map(GROUND, AREAS, whole, centres=AREA_CENTRES, **ABOUT)
    assert set(figure.table["part"]) == {"all"}
    assert "none" not in {fill for _, fill in read(figure)}
    nowhere = core_map(GROUND, AREAS.where(AREAS.isna()), whole, centres=AREA_CENTRES, **ABOUT)
    assert nowhere.alt == "No data available: Alternatives (12 municipalities)."


def test_wrong_functions_are_told():
    with pytest.raises(InputError, match="missing: 'elsewhere'"):
        core_map(GROUND, AREAS, CORE[["shared", "compared"]], centres=AREA_CENTRES, **ABOUT)
    with pytest.raises(InputError, match=r"more functions than are compared.*'A'"):
        core_map(GROUND, AREAS, CORE.assign(shared=5), centres=AREA_CENTRES, **ABOUT)
    with pytest.raises(InputError, match="indexed by the codes"):
        core_map(GROUND, AREAS, CORE.rename(str.lower), centres=AREA_CENTRES, **ABOUT)


@pytest.mark.parametrize("words", [alternatives.WORDS, cores.WORDS])
def test_both_languages_have_the_same_words_of_alternatives(words):
    assert words["it"].keys() == words["en"].keys()
    for name, text in words["it"].items():
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", words["en"][name])), name


def test_the_same_alternatives_give_the_same_drawing():
    one = area_alternatives(GROUND, CENTRES, titles=TITLES, city="A", **ABOUT)
    other = area_alternatives(
        GROUND, CENTRES.sample(frac=1, random_state=1), titles=TITLES, city="A", **ABOUT
    )
    assert one.svg == other.svg
