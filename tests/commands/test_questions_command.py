"""`diagnosis data query`: a table in the terminal, a CSV that is safe to open, and refusals in a paragraph."""

import pytest

from diagnosis import cli
from diagnosis.questions import KINDS, NOTES
from diagnosis.territory import MODELLED


@pytest.fixture
def call(capsys, monkeypatch, example_settings):
    monkeypatch.delenv("DIAGNOSIS_MIRROR", raising=False)
    work = example_settings.cache.parents[1]

    def run(*arguments):
        status = 0
        try:
            cli.main(
                ["data", "query", *arguments, "--work", str(work), "--city", "example", "--language", "en"]
            )
        except SystemExit as error:
            status = error.code or 0
        written = capsys.readouterr()
        assert "Traceback" not in written.out + written.err
        return status, written.out, written.err

    return run


def test_answer_in_the_terminal(call):
    status, out, _ = call(
        "select code, residents from indicators where code >= '901011' order by code limit 2"
    )
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["code", "residents"]
    assert lines[1][0] == "901011"
    assert lines[2] == ["901012"]  # no residents: an empty cell


def test_estimated_flows_are_said_on_standard_error(call, monkeypatch):
    monkeypatch.setitem(NOTES, "invented", NOTES[MODELLED])
    monkeypatch.setitem(KINDS, "invented", KINDS[MODELLED])
    status, out, err = call("select count(*) as n from flows")
    assert status == 0
    assert "ESTIMATED by a model. In this answer it concerns: flows." in err
    assert "ESTIMATED" not in out


def test_long_answer_is_cut_and_said(call, tmp_path):
    sql = "select range as n from range(60)"
    _, out, _ = call(sql)
    assert len(out.splitlines()) == 1 + 50 + 1
    assert "60 rows, of which 50 here" in out
    target = tmp_path / "rows.csv"
    _, out, _ = call(sql, "--csv", str(target))
    assert out == ""
    assert len(target.read_text(encoding="utf-8").splitlines()) == 61


def test_csv_holds_no_formula(call, tmp_path):
    target = tmp_path / "cells.csv"
    call("select '=1+1' as cell", "--csv", str(target))
    assert target.read_text(encoding="utf-8") == "cell\n'=1+1\n"


def test_refusals(call, tmp_path):
    for sql, message in (
        ("select * from flow", "'flows'"),
        (f"copy flows to '{tmp_path}/x.csv'", "one SELECT"),
        ("select $a", "must have a value"),
    ):
        status, out, err = call(sql)
        assert (status, out) == (2, "")
        assert message in err
    assert not list(tmp_path.iterdir())
