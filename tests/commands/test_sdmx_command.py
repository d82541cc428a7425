"""`diagnosis data sdmx` on kept answers: no server is asked."""

import json

import pytest
from click.testing import CliRunner

from diagnosis.cli import commands
from diagnosis.sources import istat_sdmx
from diagnosis.sources.sdmx_files import FlowStructure

STRUCTURE = {
    "flow": "41_983",
    "name": {"it": "Incidenti", "en": "Accidents"},
    "dimensions": [
        {"id": "FREQ", "codes": {"code": ["A"], "it": ["annuale"], "en": ["annual"]}},
        {
            "id": "REF_AREA",
            "codes": {"code": [f"{n:06d}" for n in range(20)], "it": ["x"] * 20, "en": [""] * 20},
        },
    ],
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "raw" / "istat" / "sdmx"
    folder.mkdir(parents=True)
    flows = {
        "flow": ["41_983", "DF_X"],
        "version": ["1.0"] * 2,
        "it": ["Incidenti", "Altro"],
        "en": ["", "Other"],
    }
    (folder / "flows.json").write_text(json.dumps(flows), encoding="utf-8")
    (folder / "41_983.json").write_text(json.dumps(STRUCTURE), encoding="utf-8")
    key = istat_sdmx.build_key(FlowStructure.from_content(STRUCTURE), {"REF_AREA": ["000001", "000002"]})
    query = f"data/IT1,41_983/{key}?startPeriod=2023"
    (folder / f"41_983_{istat_sdmx.digest(query)}.csv").write_text(
        "FREQ,REF_AREA,TIME_PERIOD,OBS_VALUE,OBS_STATUS,UNIT_MULT\nA,000001,2023,5,=p,\nA,000001,2024,6,,\n"
    )

    def refuse(*_):
        raise AssertionError("a server was asked")

    monkeypatch.setattr(istat_sdmx._Query, "run", refuse)

    def run(*arguments):
        return CliRunner().invoke(commands, ["data", "sdmx", *arguments, "--work", str(tmp_path)])

    return run


def test_flows_and_dimensions_are_listed(run):
    assert run("list").output == "41_983\tIncidenti\nDF_X\tAltro\n"
    assert run("list", "altro", "--language", "en").output == "DF_X\tOther\n"
    shown = run("show", "41_983").output
    assert "A annuale" in shown
    assert "000011 x ..." in " ".join(shown.split())


def test_observations_come_as_csv_that_is_safe_to_open(run, tmp_path):
    asked = ("get", "41_983", "REF_AREA=000001+000002", "--from", "2023", "--to", "2023")
    expected = "FREQ,REF_AREA,TIME_PERIOD,value,status\nA,000001,2023,5.0,'=p\n"
    assert run(*asked).output == expected
    target = tmp_path / "out.csv"
    assert run(*asked, "--csv", str(target)).output == ""
    assert target.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("wrong", ["REF_AREA", "=A", "FREQ="])
def test_dimensions_are_written_in_one_way(run, wrong):
    found = run("get", "41_983", wrong)
    assert found.exit_code != 0
    assert run("get", "41_983", "FREQ=A", "FREQ=A").exit_code == 2
