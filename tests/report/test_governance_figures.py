"""The figures on areas that could run something together, drawn from invented tables."""

import datetime
import re
from dataclasses import replace
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from diagnosis.config import load_city
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.provenance import Manifest
from diagnosis.report.figures import FIGURES, draw
from diagnosis.report.governance_figures import choose_alternatives, find_centres
from diagnosis.result import Diagnosis
from diagnosis.schema import LANGUAGES

NAMES = ("map_governance", "map_governance_alternatives", "map_governance_core", "governance_curve")
PROPOSAL = "map_governance_proposal_"
FUNCTIONS = {
    "strategic_planning": ("Pianificazione strategica", "Strategic planning"),
    "waste": ("Rifiuti e ambiente", "Waste and environment"),
    "own": ("Piscine", "Swimming pools"),
}
CITY = load_city("example")
COLUMNS, ROWS = 6, 4
CODES = [CITY.code, *(f"99{number:04d}" for number in range(1, COLUMNS * ROWS))]
LABELS = {
    "1": [1] * 24,
    "2": [1, 1, 1, 2, 2, 2] * 4,
    "3": [1, 1, 1, 2, 2, 2] * 2 + [1, 1, 1, 3, 3, 3] * 2,
    "4": [1, 1, 1, 2, 2, 2] * 2 + [4, 4, 4, 3, 3, 3] * 2,
    "5": [1, 1, 1, 2, 2, 2, 1, 1, 1, 5, 5, 5] + [4, 4, 4, 3, 3, 3] * 2,
}


def make_result():
    """A diagnosis with the tables of the stage and nothing else; the two columns in the east lie outside."""
    index = pd.Index(CODES, name="code")
    names = pd.Series([f"Town {number}" for number in range(len(CODES))], index=index)
    corners = [
        (4_500_000 + 5_000 * (i % COLUMNS), 2_000_000 + 5_000 * (i // COLUMNS)) for i in range(len(CODES))
    ]
    ground = gpd.GeoDataFrame(
        {"name": names},
        geometry=[shapely.box(x, y, x + 5_000, y + 5_000) for x, y in corners],
        crs="EPSG:3035",
    )
    labels = pd.DataFrame(LABELS, index=index).astype("Int64")
    jobs = pd.Series(np.arange(len(CODES), 0, -1.0), index=index)
    areas = pd.DataFrame({"name": names, "in_territory": [i % COLUMNS < 4 for i in range(len(CODES))]})
    areas["area"] = labels["3"]
    areas["jobs"] = jobs
    areas["shown"] = True
    areas["with_centre"] = 0.8
    areas["functions_with_centre"] = 3
    areas["functions_compared"] = 3
    areas["elsewhere"] = ""
    areas.loc[CODES[2], ["functions_with_centre", "elsewhere"]] = [1, "waste own"]
    areas[["function_strategic_planning", "function_waste", "function_own"]] = labels[
        ["3", "2", "5"]
    ].to_numpy()
    centres = find_centres(labels["3"], jobs)
    curve = pd.DataFrame(
        {
            "value": [0.2, 0.3, 0.36, 0.4, 0.38],
            "bound": [0.2, 0.3, 0.4, 2.0, np.inf],
            "status": ["optimal", "optimal", "bounded", "bounded", "no bound"],
            "internal_share": [0.97, 0.95, 0.9, 0.85, 0.7],
            "front": [True, True, True, True, False],
            "chosen": [False, False, True, False, False],
            "best": [False, False, False, True, False],
        },
        index=pd.Index(range(1, 6), name="areas"),
    )
    moved = labels["3"].astype("str")
    moved[CODES[3]] = "1"
    tables = {
        "context": ground.iloc[:0],
        "governance_map": ground,
        "governance_areas": areas,
        "governance_summary": pd.DataFrame({"centre": centres.groupby(labels["3"]).first()}),
        "governance_curve": curve,
        "governance_alternatives": labels,
        "governance_functions": pd.DataFrame.from_dict(FUNCTIONS, orient="index", columns=["it", "en"]),
        "governance_layers": pd.DataFrame(
            {"function": list(FUNCTIONS), "found": True, "modelled": [False, True, False]}
        ),
        "governance_proposals": pd.DataFrame(
            {
                "function": ["strategic_planning", "strategic_planning", "waste", "gone"],
                "moved": pd.array([1, 0, pd.NA, pd.NA], dtype="Int64"),
                "moved_names": ["Town 3", "", "", ""],
                "reason_it": ["", "", "", "non si legge"],
                "reason_en": ["", "", "", "cannot be read"],
            },
            index=pd.Index(["one.a", "same", "other", "broken"], name="proposal"),
        ),
        "governance_proposal_areas": pd.DataFrame(
            {"one.a": moved, "same": labels["3"].astype("str"), "other": labels["5"].astype("str")}
        ),
    }
    manifest = Manifest(
        edition="2022",
        city=CITY.id,
        created=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        code_version="1",
        settings_digest="0" * 64,
        flows_kind="estimated_tail",
    )
    facts = {"governance": {"main": "strategic_planning", "firm_from": 0.75, "most_proven": False}}
    return Diagnosis(city=CITY, tables=tables, facts=facts, manifest=manifest)


RESULT = make_result()


def change(**tables):
    return replace(RESULT, tables={**RESULT.tables, **tables})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*NAMES, PROPOSAL + "one.a"])
def test_every_figure_says_what_the_areas_are_not(name, language):
    figure = draw(name, RESULT, language)
    root = ElementTree.fromstring(figure.svg)
    assert root.get("role") == "img"
    assert figure.alt
    assert not re.search(r"[{}]|nan|None", figure.title + figure.caption + figure.alt)
    said = {"it": ("SLL", "legge", "Flussi minori stimati"), "en": ("SLL", "law", "Smaller flows estimated")}
    assert all(text in figure.caption for text in said[language])
    function = FUNCTIONS["strategic_planning"][LANGUAGES.index(language)]
    assert name == "map_governance_core" or function[1:] in figure.title
    assert set(NAMES) <= set(FIGURES)


def test_firm_municipalities_are_those_of_the_stage():
    figure = draw("map_governance", RESULT, "en")
    assert "Firm (at least 75% of the recalculations) 24 municipalities" in figure.alt
    shares = RESULT.tables["governance_areas"]["with_centre"].where(lambda _: _.index != CODES[1], 0.65)
    between = change(governance_areas=RESULT.tables["governance_areas"].assign(with_centre=shares))
    assert draw("map_governance", between, "en").table.loc[CODES[:2], "part"].tolist() == ["firm", "60 – 75%"]
    assert "border of the territory" not in figure.alt
    areas = RESULT.tables["governance_areas"]
    for without in (areas.drop(columns="with_centre"), areas.assign(with_centre=np.nan)):
        plain = draw("map_governance", change(governance_areas=without), "en")
        assert plain.table.columns.tolist() == ["name", "area", "area_name"]
        assert "recalculations" not in plain.alt


def test_areas_that_do_not_touch_the_territory_are_left_out():
    areas = RESULT.tables["governance_areas"]
    figure = draw("map_governance", change(governance_areas=areas.assign(shown=areas["area"] != 3)), "en")
    assert len(figure.table) == 18
    assert "2 areas." in figure.alt


def test_alternatives_that_matter_stand_side_by_side():
    figure = draw("map_governance_alternatives", RESULT, "en")
    assert figure.table.columns.tolist() == ["name", "1 area", "3 areas", "4 areas", "5 areas"]
    assert figure.table.loc[CODES[-1]].tolist() == ["Town 23", "Town 0", "Town 15", "Town 15", "Town 15"]
    assert "3 areas · proposal: interaction 0.360 · internal commuters 90.0%." in figure.alt
    assert "4 areas · largest interaction: interaction 0.400" in figure.alt
    assert "5 areas · the largest number found" in figure.alt
    sure = {"governance": {**RESULT.facts["governance"], "most_proven": True}}
    assert (
        "5 areas · the largest number:"
        in draw("map_governance_alternatives", replace(RESULT, facts=sure), "en").alt
    )
    assert "1 area · the smallest number" in figure.alt


@pytest.mark.parametrize(
    ("chosen", "best", "front", "expected"),
    [
        (3, 4, [1, 2, 3, 4], [1, 3, 4, 5]),
        (5, 5, [5], [5]),
        (5, 5, [4, 5], [4, 5]),
        (5, 5, [1, 2, 3, 5], [1, 3, 5]),
        (1, 1, [1, 2, 3, 4, 5], [1, 2, 5]),
    ],
)
def test_which_alternatives_matter(chosen, best, front, expected):
    curve = RESULT.tables["governance_curve"]
    curve = curve.assign(
        chosen=curve.index == chosen, best=curve.index == best, front=curve.index.isin(front)
    )
    assert choose_alternatives(curve) == expected


def test_one_number_of_areas_makes_no_chart():
    curve = RESULT.tables["governance_curve"].loc[[3]].assign(best=True)
    for name in ("governance_curve", "map_governance_alternatives"):
        with pytest.raises(InputError, match="two"):
            draw(name, change(governance_curve=curve), "en")


def test_the_functions_in_which_a_municipality_is_elsewhere_have_their_names():
    figure = draw("map_governance_core", RESULT, "it")
    assert figure.table.loc[CODES[2], "elsewhere"] == "Rifiuti e ambiente, Piscine"
    assert figure.table.loc[CODES[2], "part"] == "few"
    assert (
        "3 funzioni a confronto: Pianificazione strategica, Rifiuti e ambiente e Piscine. "
        "Di «Pianificazione strategica» è mostrata la proposta, delle altre la divisione" in figure.caption
    )
    assert "Una parte delle reti è stimata da un modello." in figure.caption
    assert "modello" not in draw("map_governance", RESULT, "it").caption
    areas = RESULT.tables["governance_areas"].assign(functions_compared=1, functions_with_centre=1)
    with pytest.raises(InputError, match="from two on"):
        draw("map_governance_core", change(governance_areas=areas), "it")


def test_a_saved_proposal_is_drawn_over_the_computed_areas():
    figure = draw(PROPOSAL + "one.a", RESULT, "en")
    assert figure.id == "map-governance-proposal-1"
    assert "In another area than the computed one: 1 municipality (Town 3)." in figure.caption
    assert figure.table["reference"].tolist() == LABELS["3"]
    assert figure.table.loc[CODES[3]].tolist() == ["Town 3", "1", "Town 0", 2]
    assert "They are the same as the computed areas." in draw(PROPOSAL + "same", RESULT, "en").caption
    other = draw(PROPOSAL + "other", RESULT, "en")
    assert "waste and environment" in other.title
    assert "computed" not in other.caption
    assert other.table["reference"].tolist() == LABELS["2"]


def test_a_proposal_that_cannot_be_shown_says_why():
    with pytest.raises(InputError, match="non si legge"):
        draw(PROPOSAL + "broken", RESULT, "it")
    with pytest.raises(UnknownNameError, match=r"one\.a"):
        draw(PROPOSAL + "one.b", RESULT, "it")
    nothing = {name: table for name, table in RESULT.tables.items() if "proposal" not in name}
    with pytest.raises(UnknownNameError):
        draw(PROPOSAL + "same", replace(RESULT, tables=nothing), "it")


def test_without_the_stage_nothing_is_drawn():
    empty = replace(RESULT, tables={}, facts={})
    for name in NAMES:
        with pytest.raises(InputError, match="governance"):
            draw(name, empty, "it")


def test_the_centre_is_the_municipality_with_most_jobs():
    labels = pd.Series(["x", "x", "y", None], index=list("ABCD"))
    found = find_centres(labels, pd.Series({"B": 5.0, "A": 3.0, "D": 9.0}))
    assert found.tolist()[:3] == ["B", "B", "C"]
    assert pd.isna(found["D"])
    areas = RESULT.tables["governance_areas"].assign(jobs=np.arange(24.0))
    told = draw("map_governance_alternatives", change(governance_areas=areas), "en").table
    assert told.loc[CODES[0], "1 area"] == "Town 23"


def test_hostile_names_stay_text():
    hostile = "<b>&\x00'\"{0}"
    ground = RESULT.tables["governance_map"].assign(name=hostile)
    functions = RESULT.tables["governance_functions"].assign(it=hostile)
    result = change(
        governance_map=ground,
        governance_functions=functions,
        governance_areas=RESULT.tables["governance_areas"].assign(name=hostile),
    )
    for name in (*NAMES, PROPOSAL + "one.a"):
        ElementTree.fromstring(draw(name, result, "it").svg)
