"""Cities and settings: the thirteen pilots, and files that break a rule."""

import pytest

from diagnosis.config import AreaParameters, City, city_files, default_settings, load_city, project_folder
from diagnosis.errors import ConfigError, InputError, UnknownNameError

PILOTS = [
    "avellino", "brindisi", "campobasso", "latina", "novara", "nuoro", "pordenone",
    "ravenna", "rimini", "siena", "siracusa", "trapani", "treviso",
]  # fmt: skip
GOOD = "name: {it: Prova, en: Trial}\ncode: '089017'\n"


@pytest.fixture
def write(tmp_path):
    def make(text, name="prova.yml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return make


@pytest.fixture(scope="module")
def register():
    from diagnosis.sources.embedded import read_register

    return read_register()


def test_the_pilot_cities_are_these():
    assert set(city_files()) >= set(PILOTS)  # a user may have added a city


@pytest.mark.parametrize("name", PILOTS)
def test_pilot_city_is_the_municipality_it_names(name, register):
    city = load_city(name)
    row = register.loc[city.code]
    assert (city.id, city.name.it, city.pilot) == (name, row["name"], True)
    assert city.province == row["province"]
    assert city.areas == AreaParameters()


def test_example_is_found_by_name_and_brings_its_tables():
    city = load_city("example")
    assert (city.id, city.code, city.pilot) == ("example", "901001", False)
    assert city.data == str(project_folder() / "data" / "example")


@pytest.mark.parametrize(("name", "nearest"), [("siracussa", "siracusa"), ("TREVIS", "treviso")])
def test_unknown_city_is_answered_with_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError, match=f"Did you mean '{nearest}'"):
        load_city(name)


def test_case_of_a_name_is_irrelevant():
    assert load_city("TREVISO").id == "treviso"


def test_unknown_city_without_a_near_one_lists_all():
    with pytest.raises(UnknownNameError, match=r"avellino, .*example, .*treviso"):
        load_city("")


def test_file_by_its_path_has_its_name_as_id(write):
    path = write(GOOD)
    assert load_city(path) == load_city(str(path))
    assert load_city(path).id == "prova"
    assert load_city(write(GOOD + "id: altra\n")).id == "altra"


def test_folder_of_cities(write, tmp_path):
    write(GOOD)
    assert load_city("prova", tmp_path).code == "089017"
    with pytest.raises(UnknownNameError, match="known ones"):
        load_city("siracusa", tmp_path)


def test_data_folder_is_relative_to_the_file(write, tmp_path):
    assert load_city(write(GOOD + "data: tabelle\n")).data == str((tmp_path / "tabelle").resolve())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code: '089017'\n", "'name' is missing"),
        ("name: Prova\ncode: '089017'\n", "'name'"),
        ("name: {it: Prova}\ncode: '089017'\n", "'name.en' is missing"),
        ("name: {it: Prova, en: Trial}\ncode: 89017\n", "89017 was given (write it in quotes)"),
        ("name: {it: Prova, en: Trial}\ncode: 071024\n", "(write it in quotes)"),
        ("name: {it: Prova, en: Trial}\ncode: '89017'\n", "'code': String should match"),
        ("name: {it: Prova, en: Trial}\ncode: '٠٨٩٠١٧'\n", "'code': String should match"),
        (GOOD + "province: 89\n", "'province': Input should be a valid string"),
        (GOOD + "province: '89'\n", "'province': String should match"),
        (GOOD + "provinces: '089'\n", "'provinces' is not a field, did you mean 'province'?"),
        (GOOD + "data: 12\n", "'data': Input should be a valid string"),
        (GOOD + "pilot: perhaps\n", "'pilot'"),
        (GOOD + "id: Prova\n", "small letters"),
        (GOOD + "id: ../fuori\n", "small letters"),
        (GOOD + "areas: {min_sise: 5}\n", "'areas.min_sise' is not a field, did you mean 'min_size'?"),
        (GOOD + "areas: {min_size: 20000}\n", "each minimum must be below its target"),
        (GOOD + "areas: {min_self_containment: 1.5}\n", "less than or equal to 1"),
        (GOOD + "areas: {target_size: .inf}\n", "finite"),
        (GOOD + "areas: {mode: fast}\n", "'clean' or 'istat'"),
        (GOOD + "areas: {mode: istat, within: region}\n", "need mode: clean"),
        (GOOD + "areas: {must_link: [['089017']]}\n", "at least 2"),
        (GOOD + "areas: {runs: -1}\n", "greater than or equal to 0"),
        (GOOD + "geographies: {province: {name: {it: a, en: b}, file: x.csv}}\n", "choose another name"),
        (GOOD + "geographies: {ato: {name: {it: a, en: b}}}\n", "file"),
        (GOOD + "municipalities: ['089001']\nterritory_name: {it: a, en: b}\n", "contain the city itself"),
        (GOOD + "municipalities: ['089017']\n", "territory_name is needed"),
        (
            GOOD + "municipalities: ['089017']\nprovince: '089'\nterritory_name: {it: a, en: b}\n",
            "not both",
        ),
    ],
)
def test_file_that_breaks_a_rule_is_told_so(write, text, message):
    with pytest.raises(ConfigError, match=r"^prova\.yml: every field") as caught:
        load_city(write(text))
    assert message in str(caught.value)


def test_billion_laughs_as_a_folder_end_soon(write):
    lines = "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    with pytest.raises(ConfigError, match="more than 100 references"):
        load_city(write(GOOD + "data:\n- &a0 [x]\n" + lines))


def test_list_of_municipalities_is_a_territory(write):
    text = GOOD + "municipalities: ['089017', '089001']\nterritory_name: {it: Unione, en: Union}\n"
    assert load_city(write(text)).municipalities == ("089017", "089001")


def test_configuration_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_city("siena").code = "052001"


def test_settings_lie_in_the_work_folder(tmp_path):
    settings = default_settings(tmp_path, edition="2026", language=None)
    assert settings.raw == tmp_path / "data" / "raw"
    assert settings.cache == tmp_path / "data" / "cache"
    assert (settings.edition, settings.language) == ("2026", "it")
    assert settings.sources.is_file()
    assert (settings.release, settings.releases) == (None, tmp_path / "data" / "releases")
    assert default_settings(tmp_path, release="2026-b", releases=tmp_path).releases == tmp_path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edition": "../2026"}, "'edition'"),
        ({"edition": ""}, "'edition'"),
        ({"release": "../2026"}, "'release'"),
        ({"release": ""}, "'release'"),
        ({"language": "fr"}, "'language'"),
        ({"langauge": "it"}, "did you mean 'language'"),
        ({"mirror": "nowhere at all"}, "is not a folder"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ConfigError, match="must be") as caught:
        default_settings(**changes)
    assert message in str(caught.value)


def test_errors_of_configuration_are_errors_of_input():
    with pytest.raises(InputError):
        default_settings(edition="/")


def test_every_field_is_described():
    for model in (City, AreaParameters):
        assert all(field.description for field in model.model_fields.values())
