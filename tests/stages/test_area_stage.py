"""The stage of the areas on the example: certainty, reasons, what would change, geographies of the city's own."""

from dataclasses import replace

import pandas as pd
import pytest

from diagnosis.config import AreaParameters, load_city
from diagnosis.errors import InputError
from diagnosis.national.shared import load_national
from diagnosis.stages.areas import MOST_REASONS, describe_areas
from diagnosis.storage import StageCache
from diagnosis.territory import load_country, load_territory


@pytest.fixture(scope="module")
def national(example_settings):
    return load_national(load_country(example_settings, load_city("example").data), example_settings)


@pytest.fixture
def describe(national, example_settings):
    def describe(**changes):
        city = load_city("example").model_copy(update=changes)
        return describe_areas(load_territory(city, example_settings, national.country), national)

    return describe


def test_certainty_stands_beside_the_areas(describe):
    tables, facts = describe()
    areas = tables["areas"]
    known = areas[areas["functional"].notna()]
    assert known["with_centre"].between(0, 1).all()
    assert facts["runs"] == 100
    assert facts["rim"] == (~known.loc[known["in_territory"], "core"].astype(bool)).sum()
    assert 0 < facts["core_residents_share"] <= 1
    assert tables["area_quality"]["core_share"].between(0, 1).all()
    assert facts["below"] == facts["broken"] == facts["ties"] == 0


def test_without_runs_nothing_is_said_of_certainty(describe):
    tables, facts = describe(areas=AreaParameters(runs=0))
    assert facts["runs"] == 0
    assert "core_residents_share" not in facts
    assert "with_centre" not in tables["areas"]
    assert facts["edge"] >= len(tables["area_reasons"])
    assert "core_share" not in tables["area_quality"]


def test_reasons_are_given_for_the_edge_in_both_languages(describe):
    tables, facts = describe()
    reasons, areas = tables["area_reasons"], tables["areas"]
    assert 0 < len(reasons) == min(facts["edge"], MOST_REASONS)
    edge = areas.loc[reasons["code"]]
    assert edge["in_territory"].all()
    assert ((edge["with_centre"] < 0.9) | (edge["margin"] < 1.25)).all()
    for name, italian, english in zip(reasons["name"], reasons["it"], reasons["en"], strict=True):
        assert name in italian
        assert name in english
        assert italian != english


def test_official_areas_cost_nothing_to_move_to_themselves(describe):
    tables, _ = describe()
    changes = tables["area_changes"]
    assert changes.index.tolist() == ["sll_2021", "province"]
    assert (changes["municipalities_changing"] <= changes["municipalities_compared"]).all()
    moved = tables["area_moves"]
    assert len(moved) <= changes.at["sll_2021", "municipalities_changing"]


def test_the_citys_own_geography_is_compared(describe, national, tmp_path):
    codes = national.country.municipalities.index
    path = tmp_path / "unioni.csv"
    labels = ["Unione Nord" if i % 2 else "Unione Sud" for i in range(len(codes) - 1)]
    pd.DataFrame({"codice_istat": codes[:-1], "unione": labels}).to_csv(path, index=False)
    geography = {"unioni": {"name": {"it": "Unioni di comuni", "en": "Unions"}, "file": str(path)}}
    city = type(load_city("example")).model_validate(
        load_city("example").model_dump() | {"geographies": geography}
    )
    tables, _ = describe(geographies=city.geographies)
    row = tables["area_changes"].loc["unioni"]
    assert (row["it"], row["en"]) == ("Unioni di comuni", "Unions")
    assert row["municipalities_compared"] == len(codes) - 1
    assert row["municipalities_changing"] > 0


def test_a_geography_of_other_places_is_an_error(describe, tmp_path):
    path = tmp_path / "unioni.csv"
    path.write_text("code,area\n058091,Roma\n", encoding="utf-8")
    geography = {"unioni": {"name": {"it": "Unioni", "en": "Unions"}, "file": str(path)}}
    city = type(load_city("example")).model_validate(
        load_city("example").model_dump() | {"geographies": geography}
    )
    with pytest.raises(InputError, match="058091"):
        describe(geographies=city.geographies)


def test_flows_between_members_only(describe):
    tables, _ = describe()
    flows, members = tables["area_flows"], tables["areas"].index
    assert flows["origin"].isin(members).all()
    assert flows["destination"].isin(members).all()
    assert (flows["origin"] != flows["destination"]).all()
    assert flows["commuters"].is_monotonic_decreasing


def test_without_official_areas(national, example_settings, tmp_path):
    tables = {name: table for name, table in national.country.tables.items() if name != "labour_areas"}
    country = replace(national.country, tables=tables, key="without official")
    poorer = replace(national, country=country, cache=StageCache(tmp_path), _kept={})
    found, facts = describe_areas(load_territory(load_city("example"), example_settings, country), poorer)
    assert "area_moves" not in found
    assert "official_quality" not in found
    assert "city_official" not in facts
    assert found["area_changes"].index.tolist() == ["province"]
