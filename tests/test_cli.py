"""The command line: what it says, how it ends, and that bad input costs a paragraph and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from diagnosis import cli
from diagnosis.batch import CityRun, Run
from diagnosis.catalogue import load_catalogue
from diagnosis.config import city_files, default_settings
from diagnosis.indicators import find_waiting
from diagnosis.schema import LANGUAGES
from diagnosis.territory import load_country

pytestmark = pytest.mark.xdist_group("cli")
COMMANDS = [
    (), ("cities",), ("check",), ("data",), ("data", "list"), ("data", "status"), ("data", "pull"),
    ("data", "check"), ("data", "verify"), ("data", "explain"), ("data", "sdmx"), ("data", "query"), ("report",),
    ("compare",), ("areas",), ("catalogue",), ("generate",), ("release",), ("release", "freeze"),
    ("release", "list"), ("release", "rebase"),
]  # fmt: skip
FAILED_CITY, BAD_INPUT = 1, 2


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("DIAGNOSIS_MIRROR", "DIAGNOSIS_WORK", "DIAGNOSIS_LANGUAGE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def call(capsys):
    """Call a command in this process; return its exit status and what it wrote."""

    def run(*arguments):
        status = 0
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as error:
            status = error.code or 0
        written = capsys.readouterr()
        assert "Traceback" not in written.out + written.err
        return status, written.out, written.err

    return run


@pytest.fixture
def refuse(call):
    """Call a command that must be refused; return the paragraph it writes."""

    def run(*arguments):
        status, out, err = call(*arguments)
        assert status == BAD_INPUT, (out, err)
        assert err.strip()
        paragraph = err.strip()
        if not paragraph.startswith(("Usage", "Error")):
            assert paragraph.startswith("diagnosis: ")
            assert "\n" not in paragraph
            assert len(paragraph) < 1000
        return paragraph

    return run


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Downloads and saved results of this module's runs."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def own(tmp_path, project):
    """Copy the example's country, to be broken."""
    shutil.copytree(project / "data" / "example", tmp_path / "own")
    (tmp_path / "own" / "city.yml").rename(tmp_path / "own" / "own.yml")
    return tmp_path / "own"


def process(*arguments, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DIAGNOSIS_")}
    done = subprocess.run(
        [Path(sys.executable).with_name("diagnosis"), *map(str, arguments)],
        env=inherited | environment, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(call, command):
    for flag in ("--help", "-h"):
        status, out, err = call(*command, flag)
        assert (status, err) == (0, "")
        assert out.startswith("Usage: diagnosis")
        assert len(out.splitlines()) > 4


def test_no_command_is_missing_here():
    groups = {"data": cli.data, "release": cli.release}
    known = {*cli.commands.commands}
    known |= {f"{name} {command}" for name, group in groups.items() for command in group.commands}
    assert known == {" ".join(command) for command in COMMANDS} - {""}


def test_without_a_command_the_help_is_shown(call):
    _, out, err = call()
    assert "Commands:" in out + err


def test_the_installed_command_and_the_module_are_one():
    status, out, err = process("--version")
    assert (status, err) == (0, "")
    module = subprocess.run(
        [sys.executable, "-m", "diagnosis", "--version"], capture_output=True, text=True, check=True
    )
    assert module.stdout == out
    assert re.search(r"\d+\.\d+\.\d+", out)


@pytest.mark.parametrize("language", LANGUAGES)
def test_cities_are_listed(call, language):
    status, out, _ = call("cities", "--language", language)
    assert status == 0
    assert len(out.splitlines()) == len(city_files()) >= 13
    assert ("Syracuse" in out) == (language == "en")
    assert "089017" in out


@pytest.mark.parametrize(("language", "word"), [("it", "comuni"), ("en", "municipalities")])
def test_check_says_what_there_is(call, work, language, word):
    status, out, err = call("check", "example", "--work", work, "--lang", language)
    assert (status, err) == (0, "")
    assert "Portalba (901001)" in out
    assert word in out
    for table in ("flows", "population", "municipalities", "wellbeing"):
        assert re.search(rf"^{table} +[0-9.,]+ *$", out, re.MULTILINE), table


@pytest.mark.parametrize(("language", "word"), [("it", "Qualità dei dati"), ("en", "Quality of the data")])
def test_check_grades_the_data(call, work, language, word):
    status, out, err = call("check", "example", "--work", work, "--lang", language, "--edition", "2026")
    assert (status, err) == (0, "")
    assert f"{word} (" in out
    assert "2026" in out
    domains = load_catalogue().domains.values()
    for domain in domains:
        assert re.search(rf"^{re.escape(domain.name[language][:30])}.* [A-D–] +[0-9]+ ", out, re.MULTILINE)


def test_check_writes_json(call, work):
    status, out, err = call("check", "example", "--work", work, "--edition", "2030", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert (found["city"], found["flows"]) == ("example", "invented")
    assert found["quality"]["reference_year"] == 2030
    assert {row["domain"] for row in found["quality"]["domains"]} == set(load_catalogue().domains)
    assert found["quality"]["checks"][0]["reason_it"]


def test_check_names_a_table_that_is_missing(call, own, work):
    (own / "hazards.csv").unlink()
    status, out, _ = call("check", own / "own.yml", "--work", work, "--lang", "en")
    assert status == 0
    assert re.search(r"^- hazards: .+", out, re.MULTILINE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sources_are_listed(call, language):
    status, out, _ = call("data", "list", "--language", language)
    assert status == 0
    assert "ispra" in out.lower()
    assert "CC BY" in out
    assert len(out.splitlines()) >= 9


def test_status_without_a_mirror_says_what_is_missing_and_costs(call, tmp_path):
    status, out, err = call("data", "status", "--work", tmp_path, "--lang", "en")
    assert (status, err) == (0, "")
    assert "embedded" in out
    assert " no " in out
    assert not list(tmp_path.iterdir())


def test_status_with_the_mirror_says_what_a_report_waits_for(call, mirror, tmp_path):
    status, out, _ = call("data", "status", "--work", tmp_path, "--mirror", mirror, "--lang", "en")
    assert status == 0
    assert "mirror" in out
    assert out.count(" no ") <= 2  # commuting of 2011 and road times need not be in the mirror
    waiting = find_waiting(load_country(default_settings(tmp_path, mirror=mirror)).tables)
    assert re.search(rf"\b{len(waiting)} indicators? cannot be computed", " ".join(out.split()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_is_printed_or_written(call, tmp_path, language):
    status, out, _ = call("catalogue", "--language", language)
    assert status == 0
    assert out.startswith("# ")
    target = tmp_path / "a" / "catalogue.md"
    assert call("catalogue", "--language", language, "--write", target) == (0, "", "")
    assert target.read_text(encoding="utf-8") == out


@pytest.mark.skipif(sys.platform == "win32", reason="no such shell")
def test_a_closed_pipe_is_no_traceback():
    line = f"{Path(sys.executable).with_name('diagnosis')} catalogue | head -1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_a_terminal_of_few_characters_is_served():
    status, out, err = process("data", "list", PYTHONIOENCODING="ascii")
    assert "Traceback" not in err
    assert status == 0
    assert "ispra" in out.lower()


@pytest.mark.slow
def test_cities_are_compared(call, second_city, work, tmp_path):
    status, out, err = call("compare", "example", second_city, "--work", work, "--lang", "en")
    assert (status, err) == (0, "")
    assert "Portalba" in out
    assert "Second" in out
    target = tmp_path / "compare.csv"
    assert call("compare", "example", second_city, "--work", work, "--csv", target) == (0, "", "")
    rows = target.read_text(encoding="utf-8").splitlines()
    assert len(rows) > 8
    assert "Seconda" in rows[0]


@pytest.fixture
def second_city(tmp_path, project):
    path = tmp_path / "second.yml"
    data = os.path.relpath(project / "data" / "example", tmp_path)
    path.write_text(f'name: {{it: Seconda, en: Second}}\ncode: "901002"\npilot: false\ndata: {data}\n')
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report", "siracuse"), "'siracusa'"),
        (("report", "Siracussa"), "'siracusa'"),
        (("report", "example", "xyzzy"), "avellino"),
        (("check", "trevizo"), "'treviso'"),
        (("compare", "example", "rimny"), "'rimini'"),
        (("compare", "example", "example"), "different cities"),
        (("report", "example", "--edition", "../x"), "'../x'"),
        (("report", "example", "--edition", ".hidden"), "edition"),
        (("report", "example", "--edition", ""), "edition"),
        (("report", "example", "--edition", "a/b"), "edition"),
        (("report", "example", "--edition", "a\nb"), "edition"),
        (("report", "example", "--format", "doc"), "pdf"),
        (("report", "example", "--format", "html", "--format", "pdff"), "'pdf'"),
        (("report", "nowhere.yml"), "nowhere.yml"),
        (("report", "../../etc/passwd"), "known"),
        (("report", "."), "known"),
        (("report", "-"), "known"),
        (("report", "example", "--mirror", "/nowhere/at/all"), "/nowhere/at/all"),
        (("data", "status", "--mirror", "/nowhere/at/all"), "/nowhere/at/all"),
        (("data", "pull", "commuting_2012"), "commuting_2021"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_name_is_a_paragraph(refuse, tmp_path, arguments, words):
    options = ("--work", tmp_path) if arguments[0] != "cities" else ()
    assert words in refuse(*arguments, *options)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report",), "--all"),
        (("report", "example", "--all"), "--all"),
        (("report", "example", "--edition"), "--edition"),
        (("report", "example", "--editon", "x"), "--edition"),
        (("report", "example", "--workers", "0"), "workers"),
        (("report", "example", "--workers", "two"), "workers"),
        (("report", "example", "--language", "fr"), "language"),
        (("reports", "example"), "reports"),
        (("check",), "CITY"),
        (("check", "example", "siena"), "siena"),
        (("compare",), "CITIES"),
        (("data", "pul"), "pul"),
        (("catalogue", "--lang", "de"), "lang"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told(refuse, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words.lower() in refuse(*arguments).lower()
    assert not list(tmp_path.iterdir())


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


BROKEN = {
    "missing column": ("flows.csv", lambda path: edit(path, "commuters", "people"), "commuters"),
    "negative": ("flows.csv", lambda path: edit(path, ",21193", ",-5"), "-5"),
    "text": ("flows.csv", lambda path: edit(path, ",21193", ",many"), "many"),
    "decimal comma": ("flows.csv", lambda path: edit(path, ",21193", ',"3,5"'), "3,5"),
    "infinite": ("flows.csv", lambda path: edit(path, ",21193", ",inf"), "inf"),
    "not a number": ("flows.csv", lambda path: edit(path, ",21193", ",NaN"), "commuters"),
    "unknown codes": ("flows.csv", lambda path: edit(path, "901001,901002", "901001,082999"), "082999"),
    "codes without zeros": ("flows.csv", lambda path: edit(path, "901001,901002", "901001,9012"), "9012"),
    "repeated row": ("flows.csv", lambda path: edit(path, "901001,901002", "901001,901001"), "901001"),
    "no rows": ("flows.csv", lambda path: path.write_text(""), "flows.csv"),
    "not text": ("flows.csv", lambda path: path.write_bytes(b"\xff\xfe\x00\x81" * 50), "flows.csv"),
    "a row too long": ("flows.csv", lambda path: edit(path, ",21193", ",21193,1,2"), "flows.csv"),
    "a zip": ("flows.csv", lambda path: path.write_bytes(b"PK\x03\x04" + bytes(200)), "flows.csv"),
    "half a geojson": (
        "municipalities.geojson",
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        "municipalities.geojson",
    ),
    "no geojson": ("municipalities.geojson", lambda path: path.unlink(), "municipalities.geojson"),
    "geojson of points": (
        "municipalities.geojson",
        lambda path: path.write_text('{"type": "FeatureCollection", "features": []}'),
        "municipalities.geojson",
    ),
    "yaml": ("own.yml", lambda path: edit(path, "{it:", "{it"), "own.yml"),
    "yaml tabs": ("own.yml", lambda path: path.write_text("name:\n\t- x: [\n"), "own.yml"),
    "yaml of a list": ("own.yml", lambda path: path.write_text("- a\n- b\n"), "own.yml"),
    "empty yaml": ("own.yml", lambda path: path.write_text(""), "own.yml"),
    "yaml not text": ("own.yml", lambda path: path.write_bytes(b"\xff\xfe\x81"), "own.yml"),
    "yaml with code": (
        "own.yml",
        lambda path: path.write_text("name: !!python/object/apply:os.getcwd []"),
        "own.yml",
    ),
    "misspelt field": ("own.yml", lambda path: edit(path, "province:", "provicne:"), "'province'"),
    "code as number": ("own.yml", lambda path: edit(path, '"901001"', "901001"), "code"),
    "unknown code": ("own.yml", lambda path: edit(path, '"901001"', '"999999"'), "999999"),
    "another province": ("own.yml", lambda path: edit(path, '"901"', '"902"'), "901"),
    "id with a path": ("own.yml", lambda path: edit(path, "name:", "id: ../x\nname:"), "id"),
    "country": ("country.yml", lambda path: path.write_text("nam: {it: A}"), "country.yml"),
    "population": ("population.csv", lambda path: edit(path, "901001,298", "901001,-298"), "population.csv"),
    "provinces": ("provinces.csv", lambda path: edit(path, "901,Valdoria", "911,Valdoria"), "901"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_input_is_a_paragraph_and_leaves_nothing(refuse, own, work, tmp_path, case):
    name, spoil, words = BROKEN[case]
    spoil(own / name)
    reports = tmp_path / "reports"
    paragraph = refuse("report", own / "own.yml", "--work", work, "--reports", reports)
    assert words in paragraph
    assert not reports.exists()


def test_a_broken_city_stops_the_run_before_any_other_is_made(refuse, own, work, tmp_path):
    BROKEN["negative"][1](own / "flows.csv")
    refuse("report", "example", own / "own.yml", "--work", work, "--reports", tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def test_a_folder_that_cannot_be_made_is_a_paragraph(refuse, work, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file" in refuse("report", "example", "--work", work, "--reports", tmp_path / "file" / "reports")
    assert "file" in refuse("report", "example", "--work", tmp_path / "file" / "work")
    assert "file" in refuse("catalogue", "--write", tmp_path / "file" / "x.md")


def break_zip(folder, mirror):
    name = "matrix_pendoLAVORO_2021.zip"
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("matrix_pendoLAVORO_2021.txt", "".join(f"{n};{n * n}\n" for n in range(20000)))
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    return name


def break_xlsx(folder, mirror):
    name = "Bes_dei_territori_indic_provincia.xlsx"
    (folder / name).write_bytes(b"PK\x03\x04" + b"corrupt" * 100)
    return name


def break_csv(folder, mirror):
    name = "Bes_dei_territori_indic_provincia.xlsx"
    (folder / name).write_text("<html>Page not found</html>")
    return name


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [break_zip, break_xlsx, break_csv])
def test_a_broken_file_of_a_publisher_is_named(refuse, tmp_path, spoil):
    (tmp_path / "mirror" / "istat").mkdir(parents=True)
    name = spoil(tmp_path / "mirror" / "istat", tmp_path)
    paragraph = refuse("report", "siena", "--work", tmp_path / "work", "--mirror", tmp_path / "mirror")
    assert name in paragraph
    assert not (tmp_path / "work" / "reports").exists()
    assert not list((tmp_path / "work").rglob("*.part"))


@pytest.fixture
def batch_run(monkeypatch, tmp_path):
    """Replace the batch; return what it was called with."""
    import diagnosis.batch

    called = {}
    ends = [CityRun("example", "ok", 1.25, ("example/index.html",))]

    def run_batch(cities, settings, reports, *, on_event, **options):
        called.update(options, cities=cities, settings=settings, reports=reports)
        for item in ends:
            on_event(item)
        return Run(settings.edition, settings.language, tmp_path, "2026-01-01T00:00:00+00:00", tuple(ends))

    monkeypatch.setattr(diagnosis.batch, "run_batch", run_batch)
    called["ends"] = ends
    return called


def test_report_hands_everything_to_the_batch(call, batch_run, tmp_path):
    arguments = ("--work", tmp_path, "--edition", "e-1.2_x", "--format", "pdf", "--workers", "3", "--refresh")
    status, out, err = call("report", "example", *arguments, "--lang", "en", "--release", "2025")
    assert (status, err) == (0, "")
    assert batch_run["settings"].release == "2025"
    assert batch_run["cities"] == ("example",)
    assert batch_run["formats"] == ("pdf",)
    assert batch_run["workers"] == 3
    assert batch_run["refresh"] is True
    assert batch_run["reports"] == tmp_path / "reports"
    assert batch_run["settings"].edition == "e-1.2_x"
    assert out.splitlines()[0] == "example: complete, 1.2 s"
    assert str(tmp_path / "index.html") in out


def test_report_of_all_takes_every_pilot_city(call, batch_run, tmp_path):
    call("report", "--all", "--work", tmp_path)
    assert batch_run["cities"] == tuple(city_files())
    assert re.fullmatch("20[0-9]{2}", batch_run["settings"].edition)
    assert batch_run["formats"] == ("html", "pdf", "data")
    assert batch_run["settings"].language == "it"
    assert batch_run["settings"].release is None


@pytest.mark.parametrize(("language", "word"), [("it", "non riuscita"), ("en", "failed")])
def test_a_failed_city_ends_with_one(call, batch_run, tmp_path, language, word):
    batch_run["ends"] += [CityRun("siena", "failed", 2.0, (), "notebook cell 3: [red]KeyError[/red]: 'x'")]
    status, out, err = call("report", "example", "siena", "--work", tmp_path, "--lang", language)
    assert status == FAILED_CITY
    assert f"siena: {word}" in out
    assert "notebook cell 3: [red]KeyError[/red]: 'x'" in out
    assert "siena" in err
    assert "example" not in err


def test_partial_and_cached_cities_end_with_nought(call, batch_run, tmp_path):
    batch_run["ends"] += [
        CityRun("siena", "partial", 2.0, (), "areas: no flows"),
        CityRun("rimini", "cached"),
    ]
    status, out, err = call("report", "example", "siena", "rimini", "--work", tmp_path)
    assert (status, err) == (0, "")
    assert "areas: no flows" in out


def test_ctrl_c_ends_with_130(call, monkeypatch, tmp_path):
    import diagnosis.batch

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(diagnosis.batch, "run_batch", interrupted)
    status, _, err = call("report", "example", "--work", tmp_path)
    assert status == 130
    assert "interrupted" in err


def test_a_full_disk_is_a_paragraph(refuse, monkeypatch, tmp_path):
    import diagnosis.batch

    def full(*_, **__):
        raise OSError(28, "No space left on device", "/data/x.parquet")

    monkeypatch.setattr(diagnosis.batch, "run_batch", full)
    assert "No space left" in refuse("report", "example", "--work", tmp_path)


def test_the_environment_gives_mirror_work_and_language(call, batch_run, monkeypatch, tmp_path):
    monkeypatch.setenv("DIAGNOSIS_WORK", str(tmp_path))
    monkeypatch.setenv("DIAGNOSIS_MIRROR", str(tmp_path))
    monkeypatch.setenv("DIAGNOSIS_LANGUAGE", "en")
    status, out, _ = call("report", "example")
    assert status == 0
    assert "complete" in out
    settings = batch_run["settings"]
    assert (settings.mirror, settings.cache, settings.language) == (
        tmp_path,
        tmp_path / "data" / "cache",
        "en",
    )


def test_an_empty_mirror_variable_is_no_mirror(call, batch_run, monkeypatch, tmp_path):
    monkeypatch.setenv("DIAGNOSIS_MIRROR", "")
    assert call("report", "example", "--work", tmp_path)[0] == 0
    assert batch_run["settings"].mirror is None


def test_a_relative_mirror_is_found_from_anywhere(call, batch_run, monkeypatch, tmp_path):
    (tmp_path / "mirror").mkdir()
    monkeypatch.chdir(tmp_path)
    assert call("report", "example", "--work", tmp_path, "--mirror", "mirror")[0] == 0
    assert batch_run["settings"].mirror == tmp_path / "mirror"


def test_a_failing_process_ends_as_promised(tmp_path):
    status, out, err = process("report", "siracusaa", "--work", tmp_path)
    assert (status, out) == (BAD_INPUT, "")
    assert len(err.strip().splitlines()) == 1
    assert "siracusa" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("language", LANGUAGES)
def test_own_tables_are_checked_row_by_row(call, tmp_path, language):
    table = tmp_path / "servizi.csv"
    table.write_text("Comune;Posti nido (n.)\nSirausa;420\nNoto;60\n", encoding="utf-8")
    status, out, err = call("data", "check", tmp_path, "--language", language)
    assert status == 2
    assert "Sirausa" in out
    assert "Siracusa" in out
    assert "Traceback" not in out + err
    table.write_text("Comune;Posti nido (n.)\nSiracusa;420\nNoto;60\n", encoding="utf-8")
    status, out, _ = call("data", "check", tmp_path, "--language", language)
    assert status == 0
    assert "servizi.csv" in out
