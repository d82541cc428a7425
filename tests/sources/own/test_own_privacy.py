"""Columns that look like data of persons are found; those of municipalities and services are not."""

import pytest

from diagnosis.sources.own.privacy import (
    check_letter,
    find_personal,
    holds_email,
    holds_tax_code,
    is_address,
    is_person,
    is_telephone,
)


def kinds(heading, cells, **options):
    return [item.kind for item in find_personal([heading], [cells], **options)]


def test_tax_codes():
    assert check_letter("RSSMRA85T10A562") == "S"  # a common example
    assert holds_tax_code("cf: rssmra85t10a562s")
    assert holds_tax_code("RSSMRAURTMLARSNL") is (check_letter("RSSMRAURTMLARSN") == "L")
    assert not holds_tax_code("RSSMRA85T10A562T")  # wrong letter
    assert not holds_tax_code("XRSSMRA85T10A562S")


@pytest.mark.parametrize("text", ["a.rossi@comune.siracusa.it", "vedi mario@x.it!", "mario(at)pec.it"])
def test_emails(text):
    assert holds_email(text)


@pytest.mark.parametrize(
    ("text", "yes"),
    [("+39 0931 123456", True), ("0931/451111", True), ("333 1234567", True), ("347.123.4567", True),
     ("089017", False), ("1.234.567", False), ("12,5", False), ("2021-2022", False)],
)  # fmt: skip
def test_telephones(text, yes):
    assert is_telephone(text) is yes


@pytest.mark.parametrize(
    ("text", "yes"),
    [("Via Roma, 12", True), ("P.zza Duomo 3", True), ("Contrada Fusco", True), ("Viareggio", False),
     ("via mare", True), ("Piazza Armerina", True), ("Corsico", False)],
)  # fmt: skip
def test_addresses(text, yes):
    assert is_address(text) is yes


def test_persons():
    assert is_person("Rossi Mario")
    assert is_person("Maria Grazia D'Angelo")
    assert not is_person("Raccolta differenziata")
    assert not is_person("Mario")


def test_one_tax_code_or_email_is_enough():
    cells = ["", 12.0, "nota: RSSMRA85T10A562S"]
    (item,) = find_personal(["Note"], [cells])
    assert (item.kind, item.number, item.position) == ("tax_code", 1, 2)
    assert kinds("Note", cells, exempt=["Note"]) == ["tax_code"]  # cannot be excused
    assert kinds("Comune", ["x@y.it"], places=[0]) == ["email"]


def test_columns_of_names_addresses_and_telephones():
    names = ["Rossi Mario", "Bianchi Anna", "Verdi Giuseppe", "Neri Luca"]
    assert kinds("Colonna", names) == ["name"]
    assert kinds("Scuola", names, exempt=["scuola"]) == []
    assert kinds("Comune", names, places=[0]) == []
    assert kinds("Dove", ["Via Roma 1", "Via Po 2", "Corso Italia 5"]) == ["address"]
    assert kinds("Rec.", ["0931 451111", "0931 451112", "333 1234567"]) == ["telephone"]


@pytest.mark.parametrize(
    "heading", ["Codice fiscale", "COGNOME", "Telefono", "E-mail", "Data di nascita", "PEC"]
)
def test_headings(heading):
    assert kinds(heading, ["", "x"])


@pytest.mark.parametrize("heading", ["Famiglie con telefono fisso (%)", "Imprese con titolare straniero"])
def test_figures_about_such_things_are_none(heading):
    assert kinds(heading, [12.0, "45,3", "n.d.", ""]) == []


@pytest.mark.parametrize(
    "cells", [["Nido comunale", "Asilo Arcobaleno", "Micronido"], [3331234567.0] * 4, ["1", "2"]]
)
def test_what_is_of_no_person(cells):
    assert kinds("Servizio", cells) == []
