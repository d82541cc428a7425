import numpy as np
import pandas as pd
import pytest

from diagnosis.config import City, Governance, default_settings, load_city
from diagnosis.errors import ConfigError, InputError, UnknownNameError
from diagnosis.functions import Function, choose_function, load_functions
from diagnosis.governance.cooperation import read_cooperation
from diagnosis.governance.layers import build_layers, cooperation_flows, pole_flows
from diagnosis.governance.subject import build_subject, free_municipalities
from diagnosis.national.shared import load_national
from diagnosis.territory import load_country, load_territory


@pytest.fixture(scope="module")
def example(example_settings):
    city = load_city("example")
    country = load_country(example_settings, city.data)
    return load_territory(city, example_settings, country), load_national(country, example_settings)


def function(**fields):
    text = {"it": "x", "en": "x"}
    return Function(**{"name": text, "description": text, "layers": {"commuting": 1}, **fields})


def test_every_function_has_words_and_some_weight():
    for item in load_functions().values():
        assert item.name.it
        assert item.name.en
        assert sum(item.layers.values()) > 0
    with pytest.raises(UnknownNameError, match="transport"):
        choose_function("transports")
    assert choose_function("own", {"own": function()}).layers == {"commuting": 1}
    with pytest.raises(ValueError, match="above 0"):
        function(layers={"commuting": 0})
    with pytest.raises(ValueError, match="max_members"):
        function(min_members=3, max_members=2)


def test_free_are_those_of_the_territory_and_of_areas_that_cross_its_border(example):
    territory, national = example
    free = free_municipalities(territory, national)
    labels = national.areas(territory.city.areas)["labels"]["istat_method"]
    assert set(territory.codes) <= set(free)
    assert set(labels[free.difference(territory.codes)]) <= set(labels[territory.codes])


def test_a_subject_is_complete(example):
    territory, national = example
    subject = build_subject(territory, national, function(validity=True, min_population=1000, max_minutes=30))
    assert subject.problem.validity_layer == 0
    assert subject.problem.min_size == territory.city.areas.min_size
    assert subject.problem.min_population == 1000
    assert subject.minutes.index.equals(subject.codes)
    # Estimated minutes are a wish, not a limit.
    assert subject.minutes_estimated
    assert subject.problem.max_minutes == np.inf
    within = build_subject(territory, national, function(within="province"))
    assert within.codes.equals(territory.codes)


def test_a_layer_that_cannot_be_had_is_left_out_and_said_so(example):
    territory, national = example
    layers = build_layers(
        territory.country, territory.codes, function(layers={"commuting": 1, "cooperation": 2})
    )
    assert list(layers.found) == ["commuting"]
    assert "collaborazione" in layers.absent["cooperation"].it
    with pytest.raises(InputError, match="co-operation"):
        build_subject(territory, national, function(layers={"cooperation": 1}))
    with pytest.raises(InputError, match="000000"):
        build_subject(territory, national, function(must_link=[["000000", territory.codes[0]]]))


def test_residents_are_spread_over_the_other_members(example):
    territory, _ = example
    country = territory.country
    first, second, third = territory.codes[:3]
    groups = {"union": pd.Series("u", index=[first, second, third])}
    flows = cooperation_flows(country, territory.codes, groups).set_index(["origin", "destination"])[
        "commuters"
    ]
    residents = country.residents
    assert flows[first].sum() == pytest.approx(residents[first])
    assert flows[first, second] == pytest.approx(
        residents[first] * residents[second] / (residents[second] + residents[third])
    )
    alone = {"union": pd.Series("u", index=[first])}
    assert cooperation_flows(country, territory.codes, alone) is None


def test_everybody_goes_to_the_official_pole(mirror, tmp_path):
    country = load_country(default_settings(tmp_path, mirror=mirror))
    flows = pole_flows(country).set_index("origin")
    assert not flows.index.has_duplicates
    assert flows.at["089017", "destination"] == "089017"  # Siracusa is a pole
    areas = country.tables["inner_areas"]
    floridia = flows.loc["089009"]
    assert floridia["destination"] == areas.at["089009", "pole_code"]
    assert floridia["commuters"] == country.residents["089009"]


def test_a_city_names_its_own_cooperation(tmp_path):
    (tmp_path / "unioni.csv").write_text("code,area\n089001,u\n089002,u\n", encoding="utf-8")
    (tmp_path / "servizi.csv").write_text("service,municipality,lead\nTax,089001,089003\n", encoding="utf-8")
    path = tmp_path / "prova.yml"
    text = (
        "name: {it: Prova, en: Trial}\ncode: '089017'\n"
        "geographies:\n  unioni: {name: {it: Unioni, en: Unions}, file: unioni.csv}\n"
        "governance: {cooperation: [unioni], shared_services: servizi.csv}\n"
    )
    path.write_text(text, encoding="utf-8")
    codes = pd.Index(["089001", "089002", "089003", "089017"])
    found = read_cooperation(load_city(path), codes)
    assert found["unioni"].dropna().to_dict() == {"089001": "u", "089002": "u"}
    assert found["Tax"].to_dict() == {"089001": "Tax 1", "089003": "Tax 1"}
    path.write_text(text.replace("[unioni]", "[unione]"), encoding="utf-8")
    with pytest.raises(ConfigError, match="unioni"):
        load_city(path)
    assert City(id="x", name={"it": "x", "en": "x"}, code="089017").governance == Governance()
