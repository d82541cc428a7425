"""YAML files and models: hostile input ends with a sentence, and soon."""

import time

import pytest
from pydantic import Field

from diagnosis.errors import ConfigError, UnknownNameError
from diagnosis.schema import Model, Text, build, lower_first, read_yaml

SECONDS = 2
"""Far more than any of these files takes, far less than an expansion would."""


class Section(Model):
    minimum: float = Field(1, gt=0)
    label: Text | None = None


class Whole(Model):
    name: str
    section: Section = Section()
    others: tuple[Section, ...] = ()


@pytest.fixture
def write(tmp_path):
    def make(content):
        path = tmp_path / "file.yml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return make


def aliases(depth, line):
    """Each line refers nine times to the one before: `depth` lines stand for 9 to that power."""
    return "".join(line(number, f"*a{number - 1}") for number in range(1, depth + 1))


def test_mapping_is_read_with_its_accents_and_byte_order_mark(write):
    assert read_yaml(write("\ufeffname: Forlì\ncode: '040012'\n")) == {"name": "Forlì", "code": "040012"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must hold fields with values. it is empty"),
        ("- a\n- b\n", "found list"),
        ("just text", "found str"),
        ("a: 1\nb: 2\na: 3\n", "the key 'a' is given twice"),
        ("a: {b: 1, b: 2}\n", "the key 'b' is given twice"),
        ("a: &a {k: 1}\nb:\n  <<: *a\n", "merge keys"),
        ("a:\n\tb: 1\n", "line 2: found character that cannot start any token"),
        ("a: [1, 2\nb: 3\n", "must be readable YAML"),
        ("a: *b\n", "undefined alias"),
        ("a: 1\n---\nb: 2\n", "must be readable YAML"),
        ("? [a]\n: b\n", "found unhashable key"),
        ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("a: \x07\n", "must be readable YAML"),
        (b"name: Forl\xec\n", "must be text in UTF-8"),
        ("name: Forlì\n".encode("utf-16"), "must be text in UTF-8"),
    ],
)
def test_what_is_no_mapping_of_fields_is_refused(write, content, message):
    with pytest.raises(ConfigError, match=r"^file\.yml") as caught:
        read_yaml(write(content))
    assert message in str(caught.value)


def test_absent_file_and_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.yml must exist"):
        read_yaml(tmp_path / "nothing.yml")
    with pytest.raises(ConfigError, match="must be readable"):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "a0: &a0 [x]\n" + aliases(30, lambda n, ref: f"a{n}: &a{n} [{', '.join([ref] * 9)}]\n"),
        "a0: &a0 {k: x}\n" + aliases(30, lambda n, ref: f"a{n}: &a{n}\n  <<: [{', '.join([ref] * 9)}]\n"),
        "name: " + "[" * 200_000 + "]" * 200_000,
        "".join(f"k{number}: 1\n" for number in range(20_000)),
        "name: &a [*a]\n",
        "name: " + "9" * 1_000_000,
    ],
    ids=["aliases", "merged aliases", "nested", "many keys", "contains itself", "long"],
)
def test_hostile_files_end_soon_with_a_short_error(write, content):
    path = write(content)
    start = time.process_time()
    with pytest.raises(ConfigError) as caught:
        build(Whole, read_yaml(path), path.name)
    assert time.process_time() - start < SECONDS
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "'name' is missing"),
        ({"name": "a", "sectoin": {}}, "'sectoin' is not a field, did you mean 'section'?"),
        (
            {"name": "a", "section": {"minimun": 1}},
            "'section.minimun' is not a field, did you mean 'minimum'?",
        ),
        (
            {"name": "a", "section": {"label": {"it": "a", "en": "b", "enn": "c"}}},
            "'section.label.enn' is not a field, did you mean 'en'?",
        ),
        (
            {"name": "a", "others": [{"lable": None}]},
            "'others.0.lable' is not a field, did you mean 'label'?",
        ),
        ({"name": "a", "zzz": 1}, "'zzz' is not a field."),
        ({"name": 71024}, "'name': Input should be a valid string, 71024 was given (write it in quotes)"),
        ({"name": "a", "section": {"minimum": "much"}}, "'section.minimum': Input should be a valid number"),
        ({"name": "a", "section": {"minimum": float("inf")}}, "should be a finite number"),
        ({"name": "a", "section": {"minimum": float("nan")}}, "should be a finite number"),
        ({"name": "a", "section": {"label": {"it": " ", "en": "b"}}}, "at least 1 character"),
        ({"name": "a", 1: 2}, "Keys should be strings"),
    ],
)
def test_faults_are_told_in_words(values, message):
    with pytest.raises(ConfigError, match=r"^here: every field must be") as caught:
        build(Whole, values, "here")
    assert message in str(caught.value)


def test_at_most_five_faults_are_shown():
    with pytest.raises(ConfigError, match="and 3 more") as caught:
        build(Whole, {"name": "a", **{f"wrong{number}": 1 for number in range(8)}}, "here")
    assert str(caught.value).count("is not a field") == 5


def test_text_is_had_by_language():
    text = Text(it="Siracusa", en="Syracuse")
    assert (text["it"], text["en"]) == ("Siracusa", "Syracuse")
    with pytest.raises(UnknownNameError, match="'fr' was given"):
        text["fr"]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("name: x\n\tcode: 1\n", "spaces instead of tabs"),
        ("comment: note: more\n", "holds a colon"),
        ("name: {it: 'L'Aquila', en: x}\n", "holds an apostrophe"),
    ],
)
def test_likely_slips_get_an_advice(tmp_path, text, advice):
    path = tmp_path / "city.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=advice):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Scuole di II grado", "scuole di II grado"),
        ("ISTAT, censimento", "ISTAT, censimento"),
        ("I grado", "I grado"),
        ("II, e oltre", "II, e oltre"),
        ("A class belongs to one", "a class belongs to one"),
        ("È assente", "è assente"),
        ("", ""),
    ],
)
def test_acronyms_and_roman_numerals_stay_capital_in_a_sentence(text, expected):
    assert lower_first(text) == expected
