"""One indicator explained, for the invented country and, where the mirror is, for Italy."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.commands.explanation import show_explanation
from diagnosis.config import default_settings, load_city
from diagnosis.errors import UnknownNameError
from diagnosis.indicators import REASONS
from diagnosis.national.explanation import (
    NO_PROVINCE,
    NOT_PUBLISHED,
    explain_indicator,
    find_indicator,
    read_history,
)
from diagnosis.national.shared import load_national
from diagnosis.provenance import load_sources
from diagnosis.schema import LANGUAGES
from diagnosis.sources.store import Store
from diagnosis.territory import load_country


@pytest.fixture(scope="module")
def national(example_settings):
    return load_national(load_country(example_settings, load_city("example").data), example_settings)


@pytest.fixture(scope="module")
def explain(national, example_settings):
    """Explain an indicator of the invented city, whose country is loaded already."""
    return lambda name, city="example": explain_indicator(name, city, example_settings, national.country)


@pytest.mark.parametrize(
    "name",
    [
        "old_age_index",
        "OLD_AGE_INDEX",
        "Indice di vecchiaia",
        " old-age  Index ",
        "vecchiaia",
        "indice VECCHIAIA",
    ],
)
def test_an_indicator_is_found_by_id_or_name(name):
    assert find_indicator(name, load_catalogue()).id == "old_age_index"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("old_age_indx", "Did you mean 'old_age_index'"),
        ("indce vecchiaja", r"Did you mean 'old_age_index' \(indice di vecchiaia\)"),
        ("zzzzzz", "`diagnosis catalogue` lists them all"),
    ],
)
def test_the_nearest_name_is_told(name, hint):
    with pytest.raises(UnknownNameError, match=hint):
        find_indicator(name, load_catalogue())


def test_words_of_several_names_list_them():
    with pytest.raises(UnknownNameError) as found:
        find_indicator("reddito", load_catalogue())
    text = str(found.value)
    assert "income_per_taxpayer (Reddito medio per contribuente)" in text
    assert text.count(" (") == 5
    assert re.search(r", and \d+ more", text)
    assert find_indicator("contribuente medio reddito", load_catalogue()).id == "income_per_taxpayer"


def test_a_municipal_indicator_has_values_groups_and_reasons(explain, national):
    found = explain("old_age_index")
    values = national.indicators()["values"]["old_age_index"]
    assert (found.units, found.with_value) == (len(values), values.notna().sum())
    assert sum(found.reasons.values()) == found.units - found.with_value
    assert set(found.reasons) <= set(REASONS)
    place = found.place
    pd.testing.assert_series_equal(
        place.members["value"], values.loc[place.members.index], check_names=False, check_dtype=False
    )
    assert (place.members["value"].isna() == (place.members["reason"] != "")).all()
    groups = national.indicators()["groups"]["old_age_index"]
    assert place.groups.at["country", "value"] == pytest.approx(groups["IT"])
    assert place.groups.at["territory", "value"] == pytest.approx(groups[place.territory.province])
    assert place.groups.at["city", "value"] == values[place.territory.city.code]
    assert list(found.sources) == list(found.files) == ["population_2022"]
    assert (place.lives, place.history) == ((), ())  # an invented code has no history


def test_a_class_has_no_value_for_groups(explain):
    found = explain("degurba")
    assert found.place.groups["value"].isna().tolist() == [False, True, True, True]


def test_a_provincial_indicator_is_never_given_to_the_city(explain, national):
    found = explain("01SAL001")
    values = national.wellbeing()["values"]["01SAL001"]
    place = found.place
    assert list(place.groups.index) == ["territory", "region", "country"]
    assert place.groups.at["territory", "value"] == values[place.territory.province]
    assert found.year == national.wellbeing()["years"].at["01SAL001", "year"]
    assert place.series[found.year] == values[place.territory.province]
    assert place.members.empty
    assert found.units == national.country.municipalities["province"].nunique()


def test_a_list_of_municipalities_has_no_provincial_value(national, example_settings, project, tmp_path):
    file = tmp_path / "list.yml"
    file.write_text(
        "code: '901001'\nname: {it: A, en: A}\ndata: " + str(project / "data" / "example") + "\n"
        "municipalities: ['901001', '901002']\nterritory_name: {it: Due, en: Two}\n"
    )
    found = explain_indicator("01SAL001", str(file), example_settings, national.country)
    assert found.place.reason == NO_PROVINCE
    assert found.place.groups.empty


def test_a_source_that_is_not_here_is_listed_without_a_file(national, example_settings):
    found = explain_indicator("income_per_taxpayer", None, example_settings, national.country)
    assert found.place is None
    assert (found.with_value, found.reasons) == (0, {"source_missing": found.units})
    assert set(found.sources) > set(found.files)


@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_that_never_changed_are_said_to_be_so(explain, capsys, language):
    found = explain("old_age_index")
    city = found.place.territory.city.model_copy(update={"data": None})
    territory = replace(found.place.territory, city=city)
    place = replace(found.place, territory=territory, history=("2011-01-01", "2026-08-14"))
    show_explanation(replace(found, place=place), language)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith({"it": "Codici comunali: nessun", "en": "Municipality codes: no"}[language])


def test_a_city_whose_codes_never_changed(mirror, tmp_path, capsys):
    settings = default_settings(tmp_path, mirror=mirror)
    found = explain_indicator("old_age_index", "siracusa", settings)
    assert found.place.lives == ()
    show_explanation(found, "it")
    assert "nessun cambiamento di codice o territorio" in capsys.readouterr().out


def test_an_indicator_of_italy(mirror, tmp_path, capsys):
    settings = default_settings(tmp_path, mirror=mirror)
    country = load_country(settings)
    found = explain_indicator("old_age_index", "rimini", settings, country)
    assert all(file.as_listed for file in found.files.values())
    assert (found.units, found.with_value, found.reasons) == (7904, 7901, {"not_in_source": 3})
    assert found.place.history == ("2011-01-01", "2026-08-14")
    assert {life.code for life in found.place.lives} == {"099028", "099029", "099030", "099031"}
    show_explanation(found, "it")
    out = capsys.readouterr().out
    assert "4 comuni su 27 hanno cambiato codice" in out
    assert "099012 Poggio Berni, 099019 Torriana confluiti in 099028 Poggio Torriana, 2014-01-01" in out
    assert "2 codici cambiati il 2021-06-17: 041033 > 099030, 041060 > 099031" in out
    provincial = explain_indicator("10AMB001P", "nuoro", settings, country)
    assert (provincial.units, provincial.reasons) == (107, {NOT_PUBLISHED: 107 - provincial.with_value})
    assert len(provincial.place.lives) == 74
    assert read_history(Store(load_sources(settings.sources), tmp_path)).since == "2020-07-01"
