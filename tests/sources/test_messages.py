"""What downloads say: everything in both languages, and nothing of the one in the other."""

import ast
import errno
import pickle
import re
import string
import zipfile
from pathlib import Path

import pytest

from diagnosis.errors import SourceError
from diagnosis.provenance import load_sources
from diagnosis.schema import LANGUAGES
from diagnosis.sources import content, fetch, patience, response, store, transfer, verification
from diagnosis.sources.messages import MESSAGES, BilingualError, list_names, message
from diagnosis.sources.store import Store, by_hand

WORDS = {
    "it": "il lo la le gli di è del dell della dal dall un una o e non con questo senza che può quanto ente fra byte",
    "en": "the it its is are be by of and or was has have with not cannot must here this that came answered bytes",
}
OTHER = {"it": "en", "en": "it"}


def check_sentences(language, text, *names):
    """Check that a text is of full sentences with no word of the other language; names are not looked at."""
    for name in names:
        text = text.replace(str(name), "X")
    assert text[0].isupper(), text
    assert text.endswith("."), text
    words = set(re.findall(r"\b[^\W\d_]+\b", text.lower()))
    assert not words & set(WORDS[OTHER[language]].split()), text
    assert words & set(WORDS[language].split()), text


def places(text):
    """Names of what is filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", MESSAGES)
def test_every_message_is_in_both_languages_with_the_same_places(key):
    for language in LANGUAGES:
        check_sentences(language, MESSAGES[key][language], "archive_member")
    assert places(MESSAGES[key].it) == places(MESSAGES[key].en)
    assert MESSAGES[key].it != MESSAGES[key].en


def test_every_message_is_used_and_filled():
    used = set()
    for module in (content, fetch, patience, response, store, transfer, verification):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in MESSAGES:
                used.add(node.value)
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "message":
                continue
            if isinstance(node.args[0], ast.Constant):  # else it is one of the disk
                key = node.args[0].value
                assert {keyword.arg for keyword in node.keywords} == places(MESSAGES[key].en), key
    assert used == set(MESSAGES)
    assert set().union(*(places(MESSAGES[key].en) for key in fetch._DISK_FAULTS.values())) == {"path"}


def cut(page, site):
    page.reply(body=site.good[:1000], Content_Length=len(site.good))


def damaged(page, site):
    page.reply(body=site.good.replace(b"1;2;3", b"9;9;9", 1))


def endless(page, site):
    page.reply(302, Location="/flows.zip")


def good(page, site):
    page.reply(body=site.good)


def html(page, site):
    page.reply(body=b"<!doctype html>")


def refusing(status, **headers):
    return lambda page, site: page.reply(status, **headers)


def silent(page, site):
    site.silent.wait(0.3)


def zeros(page, site):
    page.reply(body=site.zipped(zeros=b"0" * 2000))


FAULTS = {
    "404": (refusing(404), {}, {}, "unavailable", "Il file non si trova all'indirizzo"),
    "403": (refusing(403), {}, {}, "unavailable", "Il server nega l'accesso a"),
    "503": (refusing(503), {}, {}, "unavailable", "Il server non ha fornito il file (risposta 503"),
    "doubtful": (
        refusing(404),
        {"url_confirmed": False},
        {},
        "unavailable",
        "L'indirizzo non è confermato. Sca",
    ),
    "by hand": (
        None,
        {"url": ""},
        {},
        "unavailable",
        "Scaricarlo a mano da https://example.org/page e salvarlo",
    ),
    "address": (None, {"url": "http://[::bad/flows.zip"}, {}, "unavailable", "non è valido"),
    "refused": (
        None,
        {"url": "http://127.0.0.1:1/flows.zip"},
        {},
        "unavailable",
        "Il server non è raggiungibile",
    ),
    "redirects": (endless, {}, {}, "unavailable", "rinvia senza fine"),
    "silence": (silent, {}, {"timeout": (0.1, 0.1)}, "unavailable", "non ha risposto in tempo"),
    "cut": (cut, {}, {}, "unavailable", "interrotto"),
    "late": (good, {}, {"deadline": 0}, "unavailable", "Il tempo a disposizione è scaduto"),
    "waiting": (
        refusing(503, Retry_After=25),
        {},
        {"deadline": 20, "retries": 1},
        "unavailable",
        "scade prima del prossimo tentativo",
    ),
    "page": (
        html,
        {},
        {},
        "failed",
        "Il file flows.zip deve essere quello pubblicato dall'ente titolare. È una pag",
    ),
    "nothing": (refusing(200), {}, {}, "failed", "È vuoto"),
    "stump": (refusing(200, body=b"PK"), {}, {}, "failed", "Non è un archivio zip integro"),
    "damaged": (damaged, {}, {}, "failed", "Il file 'flows' nell'archivio è danneggiato"),
    "bomb": (zeros, {}, {"max_bytes": 1999}, "failed", "non deve superare 1.999 byte"),
    "workbook": (
        good,
        {"file": "office/flows.xlsx"},
        {},
        "failed",
        "cartella di lavoro xlsx; contiene: 'flows'",
    ),
    "json": (good, {"file": "office/flows.json"}, {}, "failed", "Non è un documento JSON integro"),
    "member": (good, {"archive_member": "*.csv"}, {}, "failed", "File corrispondenti: 0, fra 'flows'"),
    "pinned": (
        good,
        {"sha256": "0" * 64, "pinned": True},
        {},
        "failed",
        "deve avere l'impronta SHA-256 0000",
    ),
    "checksum": (good, {"sha256": "0" * 64}, {}, "downloaded", "potrebbe aver ripubblicato il file"),
}


@pytest.mark.parametrize(("answer", "fields", "options", "status", "italian"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_in_the_language_asked_for(
    site, source, fetch, tmp_path, answer, fields, options, status, italian
):
    site.pages["/flows.zip"] = lambda page, _: answer(page, site)
    listed = source(**fields)
    names = [tmp_path, listed.url or "-", listed.landing_page, "archive_member"]
    results = {}
    for language in LANGUAGES:
        [results[language]] = fetch(listed, language=language, refresh=True, **{"retries": 0} | options)
        for leftover in (tmp_path / "raw").glob("*/*"):
            leftover.unlink()
        check_sentences(language, results[language].detail, *names)
        if status != "downloaded":
            check_sentences(language, results[language].cost)
    assert {result.status for result in results.values()} == {status}
    assert italian in results["it"].detail
    cost = "" if status == "downloaded" else "Senza questo file la relazione perde: i flussi reali."
    assert results["it"].cost == cost


def test_what_is_kept_is_told_in_italian(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, count: page.reply(body=site.good if count == 1 else b"<html>")
    fetch(source())
    [kept] = fetch(source(), language="it")
    assert (kept.detail, kept.cost) == ("Il file non è stato richiesto di nuovo.", "")
    [kept] = fetch(source(), language="it", refresh=True)
    assert kept.detail.startswith(
        "Non è stato possibile ottenere una versione più recente. Il file flows.zip "
    )
    check_sentences("it", kept.detail)


@pytest.mark.parametrize(
    ("code", "italian"),
    [
        (errno.ENOSPC, "lo spazio su disco è esaurito"),
        (errno.EROFS, "mancano i permessi"),
        (errno.EIO, "errore di sistema EIO"),
    ],
)
@pytest.mark.parametrize("place", ["diagnosis.sources.fetch.locked", "diagnosis.provenance.os.fsync"])
def test_what_the_disk_refuses_is_told_in_italian(
    site, source, fetch, tmp_path, monkeypatch, place, code, italian
):
    def refuse(*_):
        raise OSError(code, "the system speaks English", "the.file")

    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good)
    monkeypatch.setattr(place, refuse)
    [result] = fetch(source(), language="it")
    assert result.status == "failed"
    assert result.detail.startswith(f"Il file {tmp_path / 'raw/office/flows.zip'} non può essere ")
    assert italian in result.detail
    check_sentences("it", result.detail, tmp_path)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("ProxyError", "proxy"),
        ("SSLError", "bad_certificate"),
        ("ReadTimeoutError", "no_answer"),
        ("IncompleteRead", "unreachable"),
        ("DecodeError", "other_fault"),
    ],
)
def test_errors_of_http_libraries_are_known_by_name(kind, key):
    fault = response.describe_fault(type(kind, (Exception,), {})("the words of the library"))
    assert fault == message(key, kind=kind)
    assert "the words" not in fault.en


def test_status_is_told_in_the_language_asked_for(project, tmp_path):
    sources = load_sources(project / "data" / "sources.yml")
    for language in LANGUAGES:
        notes = Store(sources, tmp_path).status(language)["note"]
        assert (notes != "").sum() >= len(sources) - 2  # two come with a package
        for note in notes[notes != ""]:
            check_sentences(language, note)


def test_a_bilingual_error_reads_in_english_and_crosses_a_process_boundary():
    error = BilingualError(message("not_the_file", name="a.zip"), message("empty"))
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, SourceError)
    assert str(copy) == copy.text.en == "The file a.zip must be what its publisher issues. It is empty."
    assert copy.text.it == "Il file a.zip deve essere quello pubblicato dall'ente titolare. È vuoto."


def test_hostile_names_are_only_shown(source):
    assert message("no_workbook", members="{limit} {0}").it.endswith("contiene: {limit} {0}.")
    assert by_hand(source(), Path("raw\udcff")).it.endswith("come raw\udcff/office/flows.zip.")
    assert list_names([]) == "–"
    assert list_names(list("abcdef")) == "'a', 'b', 'c', 'd', 'e', ..."


def test_an_archive_that_unpacks_to_too_much_is_told_in_both_languages(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(10_000))
    with pytest.raises(BilingualError) as caught:
        content.check_content(tmp_path / "a.zip", "a.zip", 5_000)
    assert caught.value.text.it.endswith("Una volta estratto supera 5.000 byte.")
    assert caught.value.text.en.endswith("It unpacks to more than 5,000 bytes.")
