"""Countries and study territories: the invented one in full, Italy where the mirror is."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from diagnosis.config import City, default_settings, load_city
from diagnosis.errors import ConfigError, InputError, SourceError
from diagnosis.provenance import load_sources
from diagnosis.schema import Text
from diagnosis.sources.readers import COMPANIONS, READERS
from diagnosis.storage import read_content, save_content
from diagnosis.tables import AGE_COLUMNS, ITALIAN_TABLES, TABLES
from diagnosis.territory import (
    BODY_NAMES,
    ESTIMATED_TAIL,
    INVENTED,
    MODELLED,
    OBSERVED,
    Country,
    body_name,
    country_key,
    load_country,
    load_territory,
)

SPLIT = "901012"  # in the flows, without population
UNION = ("901001", "901002", "901012", "902001")


@pytest.fixture(scope="module")
def country(example_study):
    return example_study.national.country


@pytest.fixture
def city():
    return load_city("example")


@pytest.fixture
def folder(project, tmp_path):
    """A copy of the example's tables, to be damaged."""
    copy = tmp_path / "country"
    shutil.copytree(project / "data" / "example", copy, ignore=shutil.ignore_patterns("*.py", "README.md"))
    return copy


@pytest.fixture
def settings(tmp_path):
    return default_settings(tmp_path / "work")


def territory_of(city, country, **changes):
    return load_territory(City(**{**city.model_dump(), **changes}), country=country)


def test_province_is_the_territory(example_study):
    territory = example_study.territory
    assert territory.codes.tolist() == [f"9010{number:02d}" for number in range(1, 13)]
    assert (territory.province, territory.region) == ("901", "90")
    assert (territory.name.it, territory.name.en) == ("Provincia di Valdoria", "Province of Valdoria")
    assert territory.municipalities.index.equals(territory.codes)


def test_own_province_is_the_default(city, country):
    territory = territory_of(city, country, province=None)
    assert territory.province == "901"
    assert len(territory.codes) == 12


def test_list_of_municipalities_may_cross_borders(city, country):
    name = Text(it="Unione", en="Union")
    territory = territory_of(
        city, country, province=None, municipalities=(*reversed(UNION), "901001"), territory_name=name
    )
    assert territory.codes.tolist() == list(UNION)
    assert (territory.province, territory.name) == (None, name)
    flows = territory.flows
    inside = flows["origin"].isin(UNION) | flows["destination"].isin(UNION)
    assert inside.all()
    everything = country.tables["flows"]
    others = everything.drop(flows.index)
    assert not (others["origin"].isin(UNION) | others["destination"].isin(UNION)).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"province": "902"}, r'901001 is in province 901, the file says 902.*Write province: "901"'),
        ({"province": "999"}, "901001 is in province 901, the file says 999"),
        ({"code": "901099"}, "'901099' is not"),
        (
            {
                "province": None,
                "municipalities": ("901001", "901098", "901099"),
                "territory_name": {"it": "a", "en": "b"},
            },
            "'901098', '901099' is not",
        ),
    ],
)
def test_territory_without_its_city_is_refused(city, country, changes, message):
    with pytest.raises(InputError, match=message):
        territory_of(city, country, **changes)


def test_city_is_loaded_by_its_name(country):
    assert load_territory("example", country=country).city.code == "901001"


def test_every_kind_of_body_has_a_name_in_both_languages(country):
    assert set(BODY_NAMES) == set(TABLES["provinces"].columns["body"].values)
    provinces = country.tables["provinces"]
    for kind, name in BODY_NAMES.items():
        tables = {**country.tables, "provinces": provinces.assign(body=kind)}
        found = body_name(replace(country, tables=tables), "903")
        assert found.it == name.it.replace("{name}", "Altacolle")
        assert "Altacolle" in found.en


def test_country_without_a_list_of_provinces(city, country, folder, settings):
    (folder / "provinces.csv").unlink()
    poorer = load_country(settings, folder)
    assert set(poorer.absent) == {"provinces"}
    with pytest.raises(InputError, match="must be in the table provinces"):
        territory_of(city, poorer)
    union = {"municipalities": UNION, "territory_name": {"it": "a", "en": "b"}, "province": None}
    assert territory_of(city, poorer, **union).codes.tolist() == list(UNION)


def test_example_country_is_whole_and_invented(country):
    assert set(country.tables) == set(TABLES)
    assert not country.absent
    assert country.flows_kind == INVENTED
    assert {record.tier for record in country.sources} == {"local"}
    assert all(record.sha256 for record in country.sources)
    assert any("901012" in note for note in country.notes)


def test_round_trip_of_a_country(country, tmp_path):
    save_content(tmp_path / "saved", country.to_content())
    found = Country.from_content(read_content(tmp_path / "saved"))
    assert set(found.tables) == set(country.tables)
    for name, table in country.tables.items():
        assert_frame_equal(found.tables[name], table)
    assert found.municipalities.crs == "EPSG:3035"
    for name in ("name", "flows_kind", "sources", "notes", "key"):
        assert getattr(found, name) == getattr(country, name)
    absent = {"hazards": Text(it="non c'è", en="not here")}
    content = replace(country, absent=absent).to_content()
    assert Country.from_content(content).absent == absent


def test_second_loading_comes_from_the_cache(country, example_settings, project, monkeypatch):
    from diagnosis.sources import local

    monkeypatch.setattr(local, "read_folder", None)
    again = load_country(example_settings, project / "data" / "example")
    assert_frame_equal(again.tables["flows"], country.tables["flows"])


def test_key_follows_the_files(folder, settings):
    before = country_key(settings, folder)
    assert country_key(settings, folder) == before
    path = folder / "flows.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",229\n", ",230\n"), encoding="utf-8")
    assert country_key(settings, folder) != before
    assert load_country(settings, folder).key == country_key(settings, folder)


def test_residents_are_the_sum_of_the_ages(country):
    residents = country.residents
    assert residents.index.equals(country.municipalities.index)
    assert residents.index[residents.isna()].tolist() == [SPLIT]
    assert residents.sum() == 170107  # data/example/README.md


def test_residents_with_an_age_missing_are_missing(country):
    population = country.tables["population"].astype(float)
    population.loc["901002", "f30"] = None
    population["total"] = population.sum(axis=1)
    residents = replace(country, tables={**country.tables, "population": population}).residents
    assert residents.index[residents.isna()].tolist() == ["901002", SPLIT]
    assert residents["901001"] == country.residents["901001"]
    tables = {name: table for name, table in country.tables.items() if name != "population"}
    assert replace(country, tables=tables).residents.isna().all()


def test_absent_table_says_why(country):
    tables = {name: table for name, table in country.tables.items() if name not in {"flows", "hazards"}}
    poorer = replace(country, tables=tables, absent={"hazards": Text(it="perché", en="because")})
    with pytest.raises(SourceError, match=r"hazards is needed\. because\. Run"):
        poorer.table("hazards")
    with pytest.raises(SourceError, match=r"flows is needed\. it is not available"):
        _ = load_territory("example", country=poorer).flows
    assert_frame_equal(country.table("flows"), country.tables["flows"])


def test_own_country_without_flows_gets_modelled_ones(folder, settings):
    (folder / "flows.csv").unlink()
    country = load_country(settings, folder)
    assert country.flows_kind == MODELLED
    assert "flows.csv" in country.absent["flows"].en
    flows = TABLES["flows"].check(country.tables["flows"])
    assert flows["commuters"].sum() > 0
    assert set(flows["origin"]) | set(flows["destination"]) <= set(country.municipalities.index)


def test_own_country_with_neither_flows_nor_population(folder, settings):
    (folder / "flows.csv").unlink()
    (folder / "population.csv").unlink()
    country = load_country(settings, folder)
    assert "flows" not in country.tables
    assert set(country.absent) == {"flows", "population"}


def test_own_country_that_is_not_invented(folder, settings):
    (folder / "country.yml").write_text("name: {it: Mio, en: Mine}\n", encoding="utf-8")
    assert load_country(settings, folder).flows_kind == OBSERVED


@pytest.mark.parametrize(
    ("file", "content", "kind", "message"),
    [
        ("country.yml", None, ConfigError, r"country\.yml must exist"),
        ("country.yml", "name: Mio\n", ConfigError, r"country/country\.yml: every field"),
        ("flows.csv", "origin,destination,commuters\n901001,901099,5\n", InputError, "901099"),
        ("population.csv", "code,f0\n901001,1\n", InputError, r"population \(population\.csv\)"),
    ],
)
def test_broken_country_is_refused_and_nothing_is_kept(folder, settings, file, content, kind, message):
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(kind, match=message):
        load_country(settings, folder)
    assert not list(settings.cache.glob("country-*"))


def test_folder_that_is_not_there(settings, tmp_path):
    with pytest.raises(InputError, match="must lie in a folder"):
        load_country(settings, tmp_path / "nowhere")


def test_every_reader_serves_a_source_and_a_table(settings):
    sources = load_sources(settings.sources)
    for source, (table, _, _) in READERS.items():
        assert sources[source].provides == table
    assert set(COMPANIONS) <= set(READERS)
    assert all(name in sources for names in COMPANIONS.values() for name in names)


@pytest.fixture(scope="module")
def italy(mirror, tmp_path_factory):
    return load_country(default_settings(tmp_path_factory.mktemp("italy"), mirror=mirror))


@pytest.mark.slow
def test_italy_is_as_large_as_its_publishers_say(italy):
    # Rows of /README.md of the mirror: counts of municipalities, pairs and bodies.
    rows = {name: len(table) for name, table in italy.tables.items()}
    assert rows["municipalities"] == 7904
    assert rows["population"] == 7901
    assert rows["provinces"] == 107
    assert rows["flows"] == 523949
    assert rows["labour_areas"] == rows["labour_areas_2011"] == rows["classification"] == 7904
    assert (rows["inner_project_areas_2014"], rows["inner_project_areas_2021"]) == (1060, 1729)
    assert rows["inner_areas"] == rows["hazards"] == 7903
    assert italy.tables["flows"]["commuters"].sum() == 19_565_808
    areas = {name: table["area"].nunique() for name, table in italy.tables.items() if "area" in table}
    assert areas == {
        "labour_areas": 515,
        "labour_areas_2011": 611,
        "inner_project_areas_2014": 72,
        "inner_project_areas_2021": 110,
    }
    assert italy.tables["wellbeing"]["indicator"].nunique() == 67
    assert italy.residents.sum() == 59_019_317
    assert italy.residents.index[italy.residents.isna()].tolist() == ["081025", "099030", "099031"]
    assert set(italy.absent) <= {"daily_travel_2011", "travel_times"}  # the mirror need not have them


@pytest.mark.slow
def test_tables_of_italy_keep_their_contracts(italy):
    contracts = {**TABLES, **ITALIAN_TABLES}
    for name, table in italy.tables.items():
        assert_frame_equal(contracts[name].check(table), table)


@pytest.mark.slow
def test_areas_of_2011_need_the_list_of_suppressed_municipalities(mirror, tmp_path):
    sources = load_sources(default_settings().sources)
    poorer = tmp_path / "mirror"
    file = sources["sll_2011"].file
    (poorer / file).parent.mkdir(parents=True)
    (poorer / file).symlink_to(mirror / file)
    settings = default_settings(tmp_path / "work", mirror=poorer)
    without = load_country(settings)
    assert "labour_areas_2011" not in without.tables
    assert without.absent["labour_areas_2011"].en.startswith(sources["suppressed_municipalities"].title.en)
    assert without.absent["labour_areas_2011"].it.endswith("SLL 2011.")
    assert "sll_2011" not in {record.id for record in without.sources}
    companion = sources["suppressed_municipalities"].file
    (poorer / companion).symlink_to(mirror / companion)
    whole = load_country(settings)
    assert len(whole.tables["labour_areas_2011"]) == 7904
    assert {"sll_2011", "suppressed_municipalities"} <= {record.id for record in whole.sources}


@pytest.mark.slow
def test_the_matrix_of_italy_is_known_as_an_estimate(italy):
    assert italy.flows_kind == ESTIMATED_TAIL
    record = next(record for record in italy.sources if record.id == "commuting_2021")
    assert record.stands_in
    assert record.note is not None


@pytest.mark.slow
def test_every_pilot_city_has_its_province(italy):
    from diagnosis.config import city_files

    for name in city_files():
        territory = load_territory(name, country=italy)
        assert territory.province == territory.city.code[:3]
        assert territory.city.code in territory.codes
        assert territory.municipalities["capital"].sum() == 1


@pytest.mark.slow
def test_italy_without_any_download(tmp_path):
    country = load_country(default_settings(tmp_path))
    assert country.flows_kind == MODELLED
    assert set(country.tables) == {"municipalities", "provinces", "population", "flows"}
    assert set(country.absent) == {table for table, _, _ in READERS.values()}
    assert all(reason.it and reason.en for reason in country.absent.values())
    assert str(tmp_path) not in " ".join(reason.en for reason in country.absent.values())
    flows = TABLES["flows"].check(country.tables["flows"])
    assert set(flows["origin"]) <= set(country.municipalities.index)
    assert_series_equal(
        country.residents.dropna(),
        country.tables["population"][list(AGE_COLUMNS)].sum(axis=1).reindex(country.residents.dropna().index),
        check_names=False,
        check_dtype=False,
    )
    assert isinstance(country.tables["population"], pd.DataFrame)
