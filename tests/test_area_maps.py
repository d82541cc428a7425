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

from diagnosis.drawing.area_flows import ROUND, _round_up
from diagnosis.drawing.membership import TONES
from diagnosis.drawing.partition import (
    CITY_DARK_HUE,
    CITY_HUE,
    DARK_HUES,
    HUES,
    WORDS,
    mix_with_white,
)
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.maps import area_flow_map, membership_map

SVG = "{http://www.w3.org/2000/svg}"
CRS = "EPSG:3035"
NAMES = [
    "Alba",
    "Bra",
    "Cuneo",
    "Dronero",
    "Envie",
    "Fossano",
    "Govone",
    "Hône",
    "Ivrea",
    "Lesa",
    "Mondovì",
    "Novi",
]


def make_grid(columns=4, rows=3, side=5_000.0):
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    corners = [(4_530_000 + side * column, 2_080_000 + side * row) for row, column in cells]
    return gpd.GeoDataFrame(
        {"name": NAMES[: len(cells)]},
        geometry=[shapely.box(x, y, x + side, y + side) for x, y in corners],
        index=pd.Index(NAMES[: len(cells)], name="code").str[0],
        crs=CRS,
    )


GROUND = make_grid()
AREAS = pd.Series([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3], index=GROUND.index, dtype="Int64")
CENTRES = pd.Series({1: "A", 2: "C", 3: "I"})
FLOWS = pd.DataFrame(
    [
        *(["A", "A", 5000], ["B", "A", 900], ["E", "A", 300], ["A", "F", 120]),
        *(["D", "C", 700], ["G", "C", 80], ["B", "C", 400], ["L", "I", 250], ["I", "A", 60]),
        *(["X", "A", 999], ["A", "X", 10], ["H", "G", 0]),
    ],
    columns=["origin", "destination", "commuters"],
)
ABOUT = {"figure_id": "areas", "title": "Areas", "centres": CENTRES, "language": "en"}


def read(figure):
    """Structure every figure must have; returns the tooltips with their paths."""
    root = ElementTree.fromstring(figure.svg)
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(name.startswith(figure.id + "-") for name in identifiers)
    assert root.find(f"{SVG}title").text == figure.title
    assert root.find(f"{SVG}desc").text == figure.alt
    assert figure.svg.count("://") == 1
    return {path.find(f"{SVG}title").text: path for path in root.iter(f"{SVG}path") if len(path)}


def fill_of(path):
    return re.search(r"fill:\s*(#\w+|none|url)", path.get("style"))[1]


def test_flows_inside_areas_are_coloured_and_crossing_ones_grey():
    figure = area_flow_map(GROUND, AREAS, FLOWS, city="A", **ABOUT)
    tips = read(figure)
    lines = {text: fill_of(path) for text, path in tips.items() if "→" in text}
    assert len(lines) == len(figure.table) == 8
    assert lines["Bra → Alba: 900"] == CITY_DARK_HUE
    assert lines["Dronero → Cuneo: 700"] in DARK_HUES
    grey = {lines["Bra → Cuneo: 400"], lines["Ivrea → Alba: 60"]}
    assert len(grey) == 1
    assert not grey & {CITY_DARK_HUE, *DARK_HUES}
    assert fill_of(tips["Alba: Alba"]) == mix_with_white(CITY_HUE, 0.22)
    assert "Drawn are all flows between different municipalities: 8." in figure.caption
    assert "6 stay inside an area, 2 lead from one area to another." in figure.alt
    assert "The largest runs from Bra to Alba: 900 commuters." in figure.alt


def test_the_table_behind_the_flows():
    table = area_flow_map(GROUND, AREAS, FLOWS, **ABOUT).table
    names = ["origin", "origin_name", "destination", "destination_name", "commuters", "origin_area"]
    assert table.columns.tolist() == [*names, "destination_area"]
    assert table["commuters"].is_monotonic_decreasing
    assert table.iloc[0].tolist() == ["B", "Bra", "A", "Alba", 900, 1, 1]


def test_the_threshold_is_the_lowest_round_number_and_is_told():
    figure = area_flow_map(GROUND, AREAS, FLOWS, maximum=4, **ABOUT)
    assert figure.table["commuters"].tolist() == [900, 700, 400, 300]
    sentence = "flows of at least 300 commuters between different municipalities: 4 (82% of the commuters)"
    assert sentence in figure.caption
    assert sentence in figure.alt


def test_only_flows_that_touch_the_territory_are_drawn():
    figure = area_flow_map(GROUND, AREAS, FLOWS, territory=["C", "D"], **ABOUT)
    assert figure.table["commuters"].tolist() == [700, 400, 80]
    assert "with at least one end in the territory: 3" in figure.caption


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=40),
    st.integers(1, 12),
)
@settings(max_examples=25)
def test_at_most_as_many_flows_as_wanted(amounts, maximum):
    pairs = [(o, d) for o in GROUND.index for d in GROUND.index if o != d]
    flows = pd.DataFrame(pairs[: len(amounts)], columns=["origin", "destination"]).assign(commuters=amounts)
    table = area_flow_map(GROUND, AREAS, flows, maximum=maximum, **ABOUT).table
    assert len(table) <= maximum or table["commuters"].nunique() == 1
    left = np.sort(amounts)[::-1][len(table) :]
    assert not len(left) or left[0] < table["commuters"].min()


@given(st.floats(0.01, 1e6))
def test_thresholds_are_round(value):
    above = _round_up(value)
    assert above > value
    assert above == int(above)
    assert above <= max(2.0, 1.6 * value)
    digits = above / 10 ** np.floor(np.log10(above))
    assert any(abs(digits - digit) < 0.1 + 1e-9 for digit in ROUND)


def test_flows_as_large_as_the_largest_are_all_drawn():
    pairs = [(o, d) for o in "ABCD" for d in "ABCD" if o != d]
    flows = pd.DataFrame(pairs, columns=["origin", "destination"]).assign(commuters=7)
    assert len(area_flow_map(GROUND, AREAS, flows, maximum=5, **ABOUT).table) == 12


def test_no_flows_are_said_in_words():
    figure = area_flow_map(GROUND, AREAS, FLOWS.iloc[:1], **ABOUT)
    assert "No flow between different municipalities." in figure.caption
    assert len(figure.table) == 0
    assert not [text for text in read(figure) if "→" in text]


def test_flows_of_insets_are_told_to_be_left_out():
    ground = GROUND.copy()
    ground.loc["N", "geometry"] = shapely.affinity.translate(ground.loc["N", "geometry"], 300_000)
    flows = pd.concat([FLOWS, pd.DataFrame({"origin": ["N"], "destination": ["A"], "commuters": [500]})])
    figure = area_flow_map(ground, AREAS, flows, **ABOUT)
    assert "Flows to and from the municipalities in boxes are not drawn." in figure.caption
    assert "N" in set(figure.table["origin"])
    assert not [text for text in read(figure) if text.startswith("Novi →")]


def test_intensity_is_stability():
    shares = pd.Series([1, 0.9, 0.95, 0.89, 0.7, 0.5, 0.3, 0.49, 1, 1, 0.6], index=GROUND.index[:11])
    figure = membership_map(GROUND, AREAS, shares, city="A", legend="Proposed areas", **ABOUT)
    tips = {text.split(":")[0]: (text, fill_of(path)) for text, path in read(figure).items()}
    assert tips["Alba"] == ("Alba: Alba, 100% of the recalculations", CITY_HUE)
    expected = dict(zip(["Bra", "Envie", "Fossano"], (TONES[3], TONES[2], TONES[1]), strict=True))
    assert {name: tips[name][1] for name in expected} == {
        name: mix_with_white(CITY_HUE, share) for name, share in expected.items()
    }
    assert tips["Govone"][1] == tips["Hône"][1] != tips["Dronero"][1]
    assert tips["Novi"][1] == "url"  # an area and no share: hatched
    table = figure.table
    assert table.columns.tolist() == ["name", "area", "area_name", "stability", "part"]
    assert table["part"].fillna("").tolist() == [
        *("core", "core", "core", "70 – 90%", "70 – 90%", "50 – 70%"),
        *("rim", "rim", "core", "core", "50 – 70%", ""),
    ]
    assert table.loc["D", "area_name"] == "Cuneo"
    assert (
        "In the core (at least 90% of the recalculations) 5 municipalities; "
        "uncertain (less than 50%) 2 municipalities: Govone, Hône." in figure.alt
    )
    assert "The area of Alba comprises 4 municipalities: Alba, Bra, Envie, Fossano." in figure.alt


def test_without_stability_every_fill_is_as_strong():
    figure = membership_map(GROUND, AREAS, city="A", **ABOUT)
    fills = {text: fill_of(path) for text, path in read(figure).items()}
    assert fills["Alba: Alba"] == fills["Bra: Alba"] == mix_with_white(CITY_HUE, 0.6)
    assert len(set(fills.values())) == 3
    assert figure.table.columns.tolist() == ["name", "area", "area_name"]
    assert "runs" not in figure.alt


def test_the_core_begins_where_the_caller_says():
    shares = pd.Series(0.8, index=GROUND.index)
    figure = membership_map(GROUND, AREAS, shares, breaks=(0.2, 0.4, 0.8), **ABOUT)
    assert set(figure.table["part"]) == {"core"}


def test_the_strongest_class_may_be_called_firm():
    shares = pd.Series([0.8, 0.3, *[0.65] * 10], index=GROUND.index)
    about = {**ABOUT, "breaks": (0.5, 0.6, 0.75), "language": "it"}
    figure = membership_map(GROUND, AREAS, shares, parts=("firm", "loose"), **about)
    assert figure.table["part"].tolist() == ["firm", "loose", *["60 – 75\N{NO-BREAK SPACE}%"] * 10]
    assert "Stabili (almeno 75\N{NO-BREAK SPACE}% dei ricalcoli) 1 comune" in figure.alt
    assert "nucleo" not in figure.alt.lower()
    with pytest.raises(InputError, match="parts must be one of"):
        membership_map(GROUND, AREAS, shares, parts=("core", "loose"), **ABOUT)


@pytest.mark.parametrize("draw", [area_flow_map, membership_map])
def test_a_municipality_in_no_area_is_shown_as_such(draw):
    areas = AREAS.where(AREAS.index != "N")
    data = (FLOWS,) if draw is area_flow_map else (pd.Series(1.0, index=GROUND.index),)
    figure = draw(GROUND, areas, *data, **ABOUT)
    assert "Novi: no data" in read(figure)
    nowhere = draw(GROUND, AREAS.where(AREAS.isna()), *data, **ABOUT)
    assert nowhere.alt == "No data available: Areas (12 municipalities)."


@pytest.mark.parametrize("draw", [area_flow_map, membership_map])
def test_an_area_whose_centre_is_not_on_the_map_goes_by_its_label(draw):
    about = {**ABOUT, "centres": pd.Series({1: "A", 2: "Z"})}
    figure = draw(GROUND, AREAS, *((FLOWS,) if draw is area_flow_map else ()), **about)
    tips = read(figure)
    assert "Alba: Alba" in tips
    assert "Cuneo: 2" in tips
    assert "Novi: 3" in tips


@pytest.mark.parametrize("language", ["it", "en"])
def test_hostile_names_stay_text(language):
    ground = GROUND.assign(name=["<b>&\x00'\"" + name for name in GROUND["name"]])
    about = {**ABOUT, "language": language}
    for figure in (
        area_flow_map(ground, AREAS, FLOWS, city="A", **about),
        membership_map(ground, AREAS, pd.Series(0.1, index=ground.index), city="A", **about),
    ):
        assert any("<b>& '\"Alba" in text for text in read(figure))


def test_the_same_data_give_the_same_drawing():
    one = area_flow_map(GROUND, AREAS, FLOWS, city="A", **ABOUT)
    other = area_flow_map(GROUND, AREAS, FLOWS.sample(frac=1, random_state=1), city="A", **ABOUT)
    assert one.svg == other.svg


def test_both_languages_have_the_same_words():
    assert WORDS["it"].keys() == WORDS["en"].keys()
    for name, text in WORDS["it"].items():
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", WORDS["en"][name])), name


@pytest.mark.parametrize("colours", [(CITY_HUE, *HUES), (CITY_DARK_HUE, *DARK_HUES)])
def test_colours_of_areas_are_equally_light(colours):
    """Otherwise a print in black and white would show differences of stability that are none."""
    channels = np.array(
        [[int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)] for colour in colours]
    )
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16
    assert np.ptp(lightness) < 5


def test_wrong_input_is_told():
    shares = pd.Series(0.5, index=GROUND.index)
    with pytest.raises(InputError, match=r"between 0 and 1.*1\.5"):
        membership_map(GROUND, AREAS, shares + 1, **ABOUT)
    with pytest.raises(InputError, match=r"between 0 and 1.*often"):
        membership_map(GROUND, AREAS, shares.astype(object).replace(0.5, "often"), **ABOUT)
    with pytest.raises(InputError, match="three ascending shares"):
        membership_map(GROUND, AREAS, shares, breaks=(0.9, 0.5, 0.7), **ABOUT)
    with pytest.raises(InputError, match="stability must be indexed"):
        membership_map(GROUND, AREAS, shares.rename(str.lower), **ABOUT)
    with pytest.raises(InputError, match="areas must be indexed"):
        membership_map(GROUND, AREAS.rename(str.lower), **ABOUT)
    with pytest.raises(InputError, match="one code an area"):
        membership_map(GROUND, AREAS, **{**ABOUT, "centres": pd.Series(["A", "B"], index=[1, 1])})
    with pytest.raises(InputError, match="city must be one"):
        area_flow_map(GROUND, AREAS, FLOWS, city="Z", **ABOUT)
    with pytest.raises(InputError, match="missing: 'commuters'"):
        area_flow_map(GROUND, AREAS, FLOWS[["origin", "destination"]], **ABOUT)
    with pytest.raises(InputError, match="at least 1 flow"):
        area_flow_map(GROUND, AREAS, FLOWS, maximum=0, **ABOUT)
    with pytest.raises(InputError, match="metric CRS"):
        area_flow_map(GROUND.to_crs("EPSG:4326"), AREAS, FLOWS, **ABOUT)
    with pytest.raises(UnknownNameError):
        area_flow_map(GROUND, AREAS, FLOWS, **{**ABOUT, "language": "de"})
