"""What depends on each source, computed from the readers and the catalogue."""

from diagnosis.catalogue import load_catalogue
from diagnosis.provenance import load_sources
from diagnosis.sources.dependence import find_dependants, needed_sources
from diagnosis.sources.readers import COMPANIONS, READERS


def test_every_indicator_and_every_table_depends_on_something(project):
    sources = load_sources(project / "data" / "sources.yml")
    catalogue = load_catalogue()
    found = find_dependants(sources, catalogue)
    assert list(found) == list(sources)
    assert {name for item in found.values() for name in item.indicators} == set(catalogue)
    assert {table for item in found.values() for table in item.tables} >= {
        table for table, _, _ in READERS.values()
    }
    for name, item in found.items():
        direct = {entry for entry in catalogue if name in catalogue[entry].sources}
        assert direct <= set(item.indicators)
        assert name not in item.sources


def test_companions_carry_the_indicators_of_what_needs_them(project):
    found = find_dependants(load_sources(project / "data" / "sources.yml"), load_catalogue())
    for source, companions in COMPANIONS.items():
        for name in companions:
            assert source in found[name].sources
            assert set(found[source].indicators) >= {
                item for item in found[source].indicators if source in load_catalogue()[item].sources
            }
            assert READERS[source][0] in found[name].tables
    suppressed = found["suppressed_municipalities"]
    assert {"sll_2011", "covenant_signatories_2024"} <= set(suppressed.sources)
    assert "covenant_commitment" in suppressed.indicators
    assert "residents" in found["population_2022"].indicators


def test_an_indicator_needs_what_its_sources_need():
    assert needed_sources(("population_2022",)) == ("population_2022",)
    assert needed_sources(("covenant_signatories_2024", "population_2022")) == (
        "covenant_signatories_2024", "population_2022", "suppressed_municipalities",
    )  # fmt: skip
