import re

import pandas as pd
import pytest

from diagnosis.catalogue import Catalogue, Indicator, load_catalogue
from diagnosis.catalogue_page import find_empty, write_page
from diagnosis.commands.coverage import read_coverage
from diagnosis.errors import ConfigError, InputError, UnknownNameError

SMALL = """
introduction: [{it: Testo., en: Text.}]
domains:
  - {id: people, level: municipality, name: {it: Persone, en: People}, scoring: {it: Tutti., en: All.}}
indicators:
  - id: residents
    level: municipality
    domain: people
    name: {it: "Residenti | tutti", en: "Residents | all"}
    description: {it: Persone., en: People.}
    unit: {it: persone, en: people}
    decimals: 0
    direction: neutral
    sdg: 11
    sources: [population_2022]
    year: "2022"
    kind: count
"""


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "indicators.yml"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


def test_counts(catalogue):
    assert len(catalogue.select(level="municipality")) >= 32
    assert len(catalogue.select(level="province")) == 67
    by_domain = pd.Series([item.domain for item in catalogue.select(level="province")]).value_counts()
    assert by_domain.to_dict() == {
        "BES_01": 6,
        "BES_02": 9,
        "BES_03": 6,
        "BES_04": 5,
        "BES_05": 2,
        "BES_06": 7,
        "BES_07": 6,
        "BES_09": 3,
        "BES_10": 11,
        "BES_11": 4,
        "BES_12": 8,
    }


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_entry_is_complete_and_readable(catalogue, language):
    names = [item.name[language] for item in catalogue.indicators.values()]
    by_level = [(item.level, item.name[language]) for item in catalogue.indicators.values()]
    assert len(set(by_level)) == len(names)
    for item in catalogue.indicators.values():
        texts = [item.description, *filter(None, [item.limits])]
        for text in texts:
            written = text[language]
            assert written.endswith("."), item.id
            assert "  " not in written, item.id
            assert len(re.findall(r"[.:;]\s+[A-ZÈ]", written)) <= 1 or text is item.limits, item.id
        if item.level == "municipality":
            assert len(item.description[language]) > 60, item.id


def test_roman_numerals_are_capital(catalogue):
    texts = [catalogue[name].name["it"] for name in catalogue]
    assert any("II grado" in text for text in texts)
    assert [text for text in texts if re.search(r"\b[iv]+ grado", text)] == []


def test_the_two_languages_are_two(catalogue):
    for item in catalogue.indicators.values():
        assert item.description.it != item.description.en, item.id
        assert not re.search(r"\b(the|of|with|per cent)\b", item.description.it), item.id
        assert not re.search(r"\b(che|della|ogni|sono)\b", item.description.en), item.id


def test_a_domain_without_a_score_says_so(catalogue):
    for domain in catalogue.domains.values():
        none = "Nessun indicatore" in domain.scoring.it and "No indicator" in domain.scoring.en
        assert none != bool(catalogue.select(domain=domain.id, scored=True)), domain.id
        assert all(item.level == domain.level for item in catalogue.select(domain=domain.id))


def test_lookup(catalogue):
    assert catalogue["01SAL001"].name.it == "Speranza di vita alla nascita"
    assert "old_age_index" in catalogue
    assert len(list(catalogue)) == len(catalogue)
    with pytest.raises(UnknownNameError, match="Did you mean 'old_age_index'"):
        catalogue["old_age_idx"]
    with pytest.raises(UnknownNameError, match="'municipality'"):
        catalogue.select(level="municipal")
    with pytest.raises(UnknownNameError, match="'population'"):
        catalogue.select(domain="populations")


def test_select_splits_by_score(catalogue):
    scored = {item.id for item in catalogue.select(scored=True)}
    others = {item.id for item in catalogue.select(scored=False)}
    assert scored | others == set(catalogue)
    assert not scored & others


@pytest.mark.parametrize("language", ["it", "en"])
def test_frame(catalogue, language):
    frame = catalogue.to_frame(language)
    assert list(frame.index) == list(catalogue)
    assert frame.notna().all(axis=None)
    assert frame.loc["snai_class", "categories"].startswith("A = pol")
    assert frame.loc["old_age_index", "numerator"]


def test_unknown_language(catalogue):
    with pytest.raises(UnknownNameError, match="language"):
        catalogue.to_frame("fr")
    with pytest.raises(UnknownNameError, match="language"):
        write_page(catalogue, "fr")


def test_page_in_the_docs_is_up_to_date(catalogue, project):
    path = project / "docs" / "indicators.md"
    assert path.read_text(encoding="utf-8") == write_page(catalogue, "en", read_coverage()), (
        "docs/indicators.md differs from the catalogue: run `diagnosis catalogue --write docs/indicators.md`"
    )


def test_page_names_every_indicator_in_both_languages(catalogue):
    for language in ("it", "en"):
        page = write_page(catalogue, language)
        for item in catalogue.indicators.values():
            assert f"`{item.id}`" in page
            assert item.description[language] in page


def test_page_with_coverage_and_pipes(write):
    page = write_page(load_catalogue(write(SMALL)), "en", {"residents": 0.9996})
    assert "| Coverage |" in page
    assert "| 99.9% |" in page  # never rounded up to the whole
    assert "| 100.0% |" in write_page(load_catalogue(write(SMALL)), "en", {"residents": 1.0})
    assert "Residents \\| all" in page
    assert "| Coverage |" not in write_page(load_catalogue(write(SMALL)), "en")


def test_indicators_that_wait_for_their_file_are_listed_apart_and_not_counted(write):
    small = load_catalogue(write(SMALL))
    page = write_page(small, "en", {"residents": 0.0})
    assert find_empty(small, {"residents": 0.0}) == ["residents"]
    assert page.index("`residents`") > page.index("## Waiting for their file")
    assert "0 indicators in all" in page
    assert "1 others wait" in page
    assert "Waiting" not in write_page(small, "en", {"residents": 0.5})
    assert find_empty(small, None) == find_empty(small, {}) == []


def test_the_catalogue_holds_what_was_promised(catalogue):
    """120 distinct concepts, 50 of them municipal, the 67 of the BES, 12 goals; what waits for its file is not counted.

    Age bands, sexes and levels of one concept count once.
    """
    coverage = read_coverage()
    waiting = set(find_empty(catalogue, coverage))
    assert set(coverage.index) <= set(catalogue)
    kept = Catalogue(
        catalogue.domains.values(), [item for item in catalogue.indicators.values() if item.id not in waiting]
    )
    assert len(kept.concepts()) >= 120
    assert len(kept.concepts("municipality")) >= 50
    assert len(kept.select(level="province")) == 67
    assert len({item.domain for item in kept.select(level="province")}) == 11
    assert len({item.sdg for item in kept.indicators.values()}) >= 12


def test_concepts_are_shared_by_ages_sexes_and_levels(catalogue):
    shared = {item.id: item.concept for item in catalogue.indicators.values() if item.concept}
    assert shared["03LAV001-N22"] == shared["03LAV003P-N22"]
    assert shared["landslide_residents_share"] == shared["10AMB011"]
    assert len({shared[name] for name in ("under_3_share", "youth_share", "over_80_share")}) == 1
    counts = pd.Series(shared).value_counts()
    assert counts.min() >= 2, "a concept of a single indicator needs no name"
    assert not set(shared.values()) & {item.id for item in catalogue.indicators.values()} - set(shared)
    assert len(catalogue.concepts()) == len(catalogue) - int((counts - 1).sum())
    # one measure over several ages is one concept: names that differ in their ages only share it
    stems = pd.Series(
        {item.id: re.sub(r"\s*\(ages [^)]*\)", "", item.name.en) for item in catalogue.indicators.values()}
    )
    for _, members in stems[stems.duplicated(keep=False)].groupby(stems):
        assert len({shared.get(name) or name for name in members.index}) == 1, list(members.index)


def test_each_file_is_read_once():
    assert load_catalogue() is load_catalogue()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("en: People.", "", "description.en"),
        ("en: People.", 'en: ""', "description.en"),
        ("direction: neutral", "direction: up", "direction"),
        ("sdg: 11", "sdg: 18", "sdg"),
        ("kind: count", "kind: ratio", "numerator"),
        ("kind: count", "kind: category", "categories"),
        ("kind: count", "kind: published", "published"),
        ("kind: count", "kind: count\n    scored: true", "direction"),
        ("id: residents", "id: Residents", "snake_case"),
        ("domain: people", "domain: peple", "not a domain"),
        ('year: "2022"', "year: 2022", "year"),
        ("decimals: 0", "decimals: many", "residents: every field"),
        ("indicators:", "indicators: 3\nothers:", "list of entries"),
        ("domains:", "domains:\n  - 3", "list of entries"),
        ("kind: count", "kind: [count", "line"),
        ("kind: count", "kind: count\n    3: x", "list of entries"),
    ],
)
def test_broken_files_say_what_is_wrong(write, old, new, message):
    assert old in SMALL
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_catalogue(write(SMALL.replace(old, new)))


def test_misspelt_field_names_the_nearest(write):
    with pytest.raises(InputError, match="'decimals'"):
        load_catalogue(write(SMALL.replace("decimals", "decimal")))


def test_repeated_id(write):
    entry = SMALL[SMALL.index("  - id: residents") :]
    with pytest.raises(ConfigError, match="unique"):
        load_catalogue(write(SMALL + entry))


def test_unreadable_files(write, tmp_path):
    with pytest.raises(ConfigError, match="readable"):
        load_catalogue(tmp_path / "absent.yml")
    with pytest.raises(ConfigError, match="readable"):
        load_catalogue(tmp_path)
    with pytest.raises(ConfigError, match="UTF-8"):
        load_catalogue(write(SMALL + "# perché", "latin-1"))
    with pytest.raises(ConfigError, match="fields with values"):
        load_catalogue(write("- a\n- b\n"))
    with pytest.raises(ConfigError, match="fields with values"):
        load_catalogue(write(""))


def test_small_catalogue_is_a_catalogue(write):
    small = load_catalogue(write(SMALL))
    assert isinstance(small, Catalogue)
    assert isinstance(small["residents"], Indicator)
    assert repr(small) == "Catalogue(1 indicators, 1 domains)"


def test_sources_are_those_of_the_project(catalogue, project):
    from diagnosis.provenance import load_sources

    known = set(load_sources(project / "data" / "sources.yml"))
    assert {name for item in catalogue.indicators.values() for name in item.sources} <= known


def test_every_indicator_names_sources_of_the_list(project):
    from diagnosis.provenance import load_sources

    known = load_sources(project / "data" / "sources.yml")
    for item in load_catalogue().indicators.values():
        assert set(item.sources) <= set(known), item.id
