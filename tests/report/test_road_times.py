"""Indicators of road times wait for ISTAT's matrix: estimates would contradict the published minutes to a pole."""

import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.indicators.accessibility import ROAD_MEASURES
from diagnosis.report.document import Table
from diagnosis.report.sections.territory import write_territory
from diagnosis.report.words import Words


def test_road_times_wait_and_are_no_model(example_result):
    facts = example_result.facts["indicators"]
    assert set(facts["waiting"]) >= ROAD_MEASURES
    assert not set(facts["modelled"]) & ROAD_MEASURES
    assert example_result.tables["groups"][sorted(ROAD_MEASURES)].isna().all(axis=None)
    assert not set(example_result.tables["gaps"]["indicator"]) & ROAD_MEASURES
    assert not set(example_result.table("findings")["indicator"]) & ROAD_MEASURES


@pytest.mark.parametrize("language", ["it", "en"])
def test_road_times_that_wait_are_not_shown(example_result, language):
    words, catalogue = Words(language), load_catalogue()
    sections = write_territory(example_result, words)
    tables = [block for section in sections for block in section.blocks if isinstance(block, Table)]
    shown = {row[0] for table in tables for row in table.rows}
    names = {
        name: words.with_unit(catalogue[name].name[language], catalogue[name].unit[language])
        for name in (*ROAD_MEASURES, "minutes_to_pole")
    }
    assert names["minutes_to_pole"] in shown
    assert not shown & {names[name] for name in ROAD_MEASURES}
