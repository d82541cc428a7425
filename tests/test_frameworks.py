import pytest

from diagnosis.catalogue import LEVELS, load_catalogue
from diagnosis.errors import ConfigError, UnknownNameError
from diagnosis.frameworks import INDEX, Scheme, load_framework
from diagnosis.schema import build


@pytest.mark.parametrize(
    ("name", "level", "domains"), [("municipalities", "municipality", 4), ("provinces", "province", 11)]
)
def test_a_framework_holds_the_scored_indicators_of_one_level(name, level, domains):
    catalogue = load_catalogue()
    scheme = load_framework(name)
    tree = scheme.tree(catalogue)
    indicators, middle, top = tree.levels
    assert set(indicators) == {item.id for item in catalogue.select(level=level, scored=True)}
    assert len(middle) == domains
    assert top == [INDEX]
    assert scheme.level in LEVELS
    # the years of its indicators are not later than the one it names
    years = [int(year) for item in indicators for year in catalogue[item].year.split("-") if year.isdigit()]
    assert max(years, default=0) <= scheme.year


def test_the_two_frameworks_share_nothing():
    catalogue = load_catalogue()
    trees = [load_framework(name).tree(catalogue) for name in ("municipalities", "provinces")]
    nodes = [set(tree.parents.index) - {INDEX} for tree in trees]
    assert not nodes[0] & nodes[1]


def test_the_index_of_a_publisher_has_one_domain_and_its_own_directions():
    catalogue = load_catalogue()
    scheme = load_framework("fragility")
    indicators, middle, top = scheme.tree(catalogue).levels
    assert set(indicators) == {part.indicator for part in scheme.at_hand}
    assert (middle, top) == (["fragility"], [INDEX])
    # growth is neutral in the catalogue, and lowers fragility
    assert catalogue["population_change"].direction == "neutral"
    assert scheme.directions(catalogue)["population_change"] == "negative"


def test_a_component_is_missing_or_has_an_indicator():
    entry = load_framework("fragility").model_dump()
    entry["components"][1]["indicator"] = "residents"
    with pytest.raises(ConfigError, match="component 2"):
        build(Scheme, entry, "frameworks.yml")


def test_an_unknown_framework_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match="provinces"):
        load_framework("province")


@pytest.mark.parametrize(
    ("field", "value"), [("penalty", "*"), ("minimum_share", 0), ("weight", 1), ("level", "region")]
)
def test_a_broken_framework_is_refused(field, value):
    entry = load_framework("provinces").model_dump() | {field: value}
    with pytest.raises(ConfigError, match=field):
        build(Scheme, entry, "frameworks.yml")
