"""Many cities: nothing done twice, no city stopping the others, nothing lost when a run is killed."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from diagnosis import batch, kernel
from diagnosis.batch import run_batch
from diagnosis.config import load_city
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.national.releases import freeze_scorings, write_releases
from diagnosis.notebook import NotebookError
from diagnosis.release_files import read_release, write_release
from diagnosis.report import FORMATS
from diagnosis.studies.city import run_key
from diagnosis.territory import country_key

pytestmark = pytest.mark.xdist_group("batch")
QUICK = ("data",)
TINY_NOTEBOOK = """
assert city, "parameters are missing"
raise ValueError("no such <b>value</b>\\n  in two lines of " + city)
"""


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if tag == "a" and name == "href"]


@pytest.fixture(scope="session")
def second(tmp_path_factory, project) -> Path:
    """Write a city of one's own: another municipality of the example's country."""
    path = tmp_path_factory.mktemp("cities") / "second.yml"
    data = os.path.relpath(project / "data" / "example", path.parent)
    path.write_text(f'name: {{it: Seconda, en: Second}}\ncode: "901002"\npilot: false\ndata: {data}\n')
    return path


@pytest.fixture
def settings(example_settings):
    return example_settings.model_copy(update={"edition": "e1"})


@pytest.fixture
def executed(monkeypatch, example_result):
    """Replace the notebook by the example's result; return the cities it was asked for."""
    asked = []

    def execute(city, settings, output, kept):
        asked.append(city.id)
        output.write_text("{}")
        key = run_key(city, settings, country_key(settings, city.data))
        changes = {"city": city.id, "edition": settings.edition, "settings_digest": key}
        manifest = example_result.manifest.model_copy(update=changes)
        return replace(example_result, city=city, manifest=manifest)

    monkeypatch.setattr(batch, "execute_notebook", execute)
    return asked


def run(cities, settings, reports, **options):
    return run_batch(cities, settings, reports, **{"formats": QUICK, "workers": 1} | options)


def read_run(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def statuses(run):
    return {item.city: item.status for item in run.cities}


def left_over(folder):
    return [path.name for path in folder.rglob(".*") if path.name != ".lock"]


def test_run_says_how_each_city_ended(executed, settings, second, tmp_path):
    shown = []
    result = run(["example", second], settings, tmp_path, on_event=shown.append)
    assert statuses(result) == {"example": "ok", "second": "ok"}
    assert result.failed == ()
    assert tuple(shown) == result.cities
    content = read_run(tmp_path / "e1")
    assert content["edition"] == "e1"
    assert content["language"] == "it"
    assert [item["city"] for item in content["cities"]] == ["example", "second"]
    for item in content["cities"]:
        assert set(item) == {"city", "status", "seconds", "outputs", "error"}
        assert item["error"] == ""
        assert item["seconds"] > 0
        assert f"{item['city']}/manifest.json" in item["outputs"]
        for name in item["outputs"]:
            assert (tmp_path / "e1" / name).is_file()
    assert not left_over(tmp_path)


def test_index_leads_to_every_file(executed, settings, second, tmp_path):
    run(["example", second], settings, tmp_path)
    links = Links((tmp_path / "e1" / "index.html").read_text(encoding="utf-8")).found
    assert "second/manifest.json" in links
    assert all((tmp_path / "e1" / link).is_file() for link in links)


def test_nothing_is_done_twice(executed, settings, second, tmp_path):
    run(["example", second], settings, tmp_path)
    start = time.perf_counter()
    again = run(["example", second], settings, tmp_path)
    assert time.perf_counter() - start < 3
    assert set(statuses(again).values()) == {"cached"}
    assert executed == ["example", "second"]
    for item in again.cities:
        assert item.outputs
        assert all((tmp_path / "e1" / name).is_file() for name in item.outputs)


@pytest.mark.parametrize(
    "change", ["delete", "edit", "manifest", "language", "refresh", "format", "parameters"]
)
def test_only_what_has_changed_is_made_again(executed, settings, second, tmp_path, change):
    run(["example", second], settings, tmp_path)
    folder, options, city = tmp_path / "e1" / "example", {}, "example"
    if change == "delete":
        (folder / "data" / "areas.gpkg").unlink()
    elif change == "edit":
        (folder / "data" / "areas.csv").write_text("code\n")
    elif change == "manifest":
        (folder / "manifest.json").write_text("{")
    elif change == "language":
        settings = settings.model_copy(update={"language": "en"})
    elif change == "format":
        options = {"formats": ("html",)}
    elif change == "parameters":
        city = load_city("example")
        city = city.model_copy(update={"areas": city.areas.model_copy(update={"min_size": 900.0})})
    else:
        options = {"refresh": True}
    everything = change in {"language", "refresh", "format"}
    cities = [city] if everything else [city, second]
    again = run(cities, settings, tmp_path, **options)
    assert statuses(again) == ({"example": "ok"} if everything else {"example": "ok", "second": "cached"})
    assert executed == ["example", "second", "example"]


@pytest.mark.slow
def test_a_changed_input_makes_the_report_again(executed, settings, project, tmp_path):
    import shutil

    shutil.copytree(project / "data" / "example", tmp_path / "data")
    city = tmp_path / "data" / "city.yml"
    city.rename(tmp_path / "data" / "own.yml")
    own = tmp_path / "data" / "own.yml"
    run([own], settings, tmp_path)
    assert statuses(run([own], settings, tmp_path)) == {"own": "cached"}
    flows = tmp_path / "data" / "flows.csv"
    flows.write_text(flows.read_text().replace("901001,901001,21193", "901001,901001,21194"))
    assert statuses(run([own], settings, tmp_path)) == {"own": "ok"}


@pytest.fixture
def releases(example_study, tmp_path):
    """Freeze the example's country under the name 2025; return the folder."""
    national = example_study.national
    found = freeze_scorings(national.scorings(), "2025", national.country.name.it)
    write_releases(found, tmp_path / "releases")
    return tmp_path / "releases"


@pytest.mark.slow
def test_a_report_is_made_again_for_another_release_not_for_another_folder(
    executed, settings, releases, tmp_path
):
    run(["example"], settings, tmp_path / "reports")
    settings = settings.model_copy(update={"release": "2025", "releases": releases})
    assert statuses(run(["example"], settings, tmp_path / "reports")) == {"example": "ok"}
    moved = settings.model_copy(update={"releases": releases.rename(tmp_path / "moved")})
    assert statuses(run(["example"], moved, tmp_path / "reports")) == {"example": "cached"}
    path = tmp_path / "moved" / "provinces-2025.json"
    write_release(replace(read_release(path), penalty="+"), path, replace=True)
    assert statuses(run(["example"], moved, tmp_path / "reports")) == {"example": "ok"}


@pytest.mark.parametrize("fault", ["absent", "broken", "foreign"])
def test_a_release_that_cannot_be_used_stops_the_run_at_once(executed, settings, releases, tmp_path, fault):
    path = releases / "provinces-2025.json"
    if fault == "absent":
        path.unlink()
    elif fault == "broken":
        path.write_text("{")
    else:
        write_release(replace(read_release(path), reference_name="Italia"), path, replace=True)
    settings = settings.model_copy(update={"release": "2025", "releases": releases})
    with pytest.raises(InputError, match=r"provinces-2025\.json"):
        run(["example"], settings, tmp_path / "reports")
    assert not (tmp_path / "reports").exists()
    assert not executed


def test_a_partial_report_is_tried_again(executed, monkeypatch, settings, tmp_path):
    whole = batch.execute_notebook

    def execute(*arguments):
        return replace(whole(*arguments), failed={"areas": "there are no flows"})

    monkeypatch.setattr(batch, "execute_notebook", execute)
    for _ in range(2):
        (item,) = run(["example"], settings, tmp_path).cities
        assert item.status == "partial"
        assert "there are no flows" in item.error
        assert item.outputs
    assert len(executed) == 2


def test_one_failure_does_not_stop_the_others(executed, monkeypatch, settings, second, tmp_path):
    whole = batch.execute_notebook
    errors = [
        NotebookError("notebook cell 7: KeyError: 'x'"),
        RuntimeError("odd\n  thing"),
        MemoryError(),
        OSError(28, "No space"),
    ]
    for error in errors:

        def execute(city, *arguments, error=error):
            if city.id == "example":
                raise error
            return whole(city, *arguments)

        monkeypatch.setattr(batch, "execute_notebook", execute)
        result = run(["example", second], settings, tmp_path, refresh=True)
        assert statuses(result) == {"example": "failed", "second": "ok"}
        assert result.failed == ("example",)
        (failed, _) = read_run(tmp_path / "e1")["cities"]
        assert failed["outputs"] == []
        assert failed["error"]
        assert "\n" not in failed["error"]
        assert "Traceback" not in failed["error"]
        assert not (tmp_path / "e1" / "example").exists()
        assert not left_over(tmp_path)
    assert "failed" in (tmp_path / "e1" / "index.html").read_text(encoding="utf-8")


def test_a_failure_leaves_the_earlier_report(executed, monkeypatch, settings, tmp_path):
    run(["example"], settings, tmp_path)
    before = (tmp_path / "e1" / "example" / "manifest.json").read_bytes()

    def fail(*_):
        raise NotebookError("notebook cell 1: no")

    monkeypatch.setattr(batch, "execute_notebook", fail)
    assert statuses(run(["example"], settings, tmp_path, refresh=True)) == {"example": "failed"}
    assert (tmp_path / "e1" / "example" / "manifest.json").read_bytes() == before


def test_index_keeps_the_cities_of_earlier_runs(executed, settings, second, tmp_path):
    run(["example", second], settings, tmp_path)
    run([second], settings, tmp_path)
    assert [item["city"] for item in read_run(tmp_path / "e1")["cities"]] == ["second"]
    links = Links((tmp_path / "e1" / "index.html").read_text(encoding="utf-8")).found
    assert "example/manifest.json" in links
    assert all((tmp_path / "e1" / link).is_file() for link in links)


def test_a_city_named_twice_is_made_once(executed, settings, tmp_path):
    assert statuses(run(["example", "example", load_city("example")], settings, tmp_path)) == {
        "example": "ok"
    }
    assert executed == ["example"]


def test_no_city_at_all_is_an_empty_run(settings, tmp_path):
    assert run([], settings, tmp_path).cities == ()


def test_two_cities_with_one_id_are_refused(settings, tmp_path):
    other = load_city("example").model_copy(update={"code": "901002"})
    with pytest.raises(InputError, match="example"):
        run(["example", other], settings, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("cities", "options", "names"),
    [
        (["exampel"], {}, "example"),
        (["example", "sienna"], {}, "siena"),
        (["example"], {"formats": ("data", "hmtl")}, "html"),
        (["example"], {"workers": 0}, "workers"),
        ([Path("nowhere.yml")], {}, "nowhere.yml"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    executed, settings, tmp_path, cities, options, names
):
    with pytest.raises(InputError, match=names):
        run(cities, settings, tmp_path, **options)
    assert not list(tmp_path.iterdir())
    assert not executed


def test_an_unknown_format_is_an_unknown_name(settings, tmp_path):
    with pytest.raises(UnknownNameError):
        run(["example"], settings, tmp_path, formats=("docx",))


def test_a_file_in_place_of_the_reports_is_an_error_in_words(executed, settings, tmp_path):
    (tmp_path / "reports").write_text("")
    with pytest.raises(InputError, match="writable"):
        run(["example"], settings, tmp_path / "reports")
    assert not executed


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="rights do not bind the superuser")
def test_a_closed_folder_is_an_error_in_words(executed, settings, tmp_path):
    (tmp_path / "reports").mkdir(mode=0o500)
    with pytest.raises(InputError, match="writable"):
        run(["example"], settings, tmp_path / "reports")
    assert not executed


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_two_runs_do_not_work_on_one_edition(executed, settings, tmp_path):
    refused = []

    def second_run(_):
        with pytest.raises(InputError, match="at work") as error:
            run(["example"], settings, tmp_path, refresh=True)
        refused.append(error)

    run(["example"], settings, tmp_path, on_event=second_run)
    assert refused
    assert statuses(run(["example"], settings, tmp_path)) == {"example": "cached"}


def test_leftovers_of_a_killed_run_are_cleared(executed, settings, tmp_path):
    folder = tmp_path / "e1"
    (folder / ".example.abc123.part" / "data").mkdir(parents=True)
    (folder / ".siena.abc123.old").mkdir()
    (folder / ".0123456789abcdef.json").write_text("{")
    (folder / ".hidden").write_text("mine")
    (folder / "example").mkdir()  # half a report, without a manifest
    (folder / "example" / "index.html").write_text("half")
    assert statuses(run(["example"], settings, tmp_path)) == {"example": "ok"}
    assert left_over(folder) == [".hidden"]
    assert not (folder / "example" / "index.html").exists()


def test_a_callback_that_fails_is_not_a_failed_city(executed, settings, second, tmp_path):
    """A closed terminal ends the run; what is finished stays."""

    def closed(_):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run(["example", second], settings, tmp_path, on_event=closed, executor=Inline())
    (item,) = read_run(tmp_path / "e1")["cities"]
    assert item["status"] == "ok"


class Inline(Executor):
    """Run at once, here."""

    def submit(self, function, /, *arguments, **named):
        future = Future()
        try:
            future.set_result(function(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)
        return future


def test_any_executor_will_do(executed, settings, second, tmp_path):
    with ThreadPoolExecutor(2) as executor:
        result = run(["example", second], settings, tmp_path, executor=executor)
    assert statuses(result) == {"example": "ok", "second": "ok"}


@pytest.mark.parametrize(
    "error", [BrokenProcessPool("gone"), RuntimeError("odd"), TypeError("cannot pickle")]
)
def test_a_worker_that_dies_is_a_failed_city(executed, settings, second, tmp_path, error):
    class Dying(Inline):
        def submit(self, function, /, city, *arguments):
            if city.id == "example":
                future = Future()
                future.set_exception(error)
                return future
            return super().submit(function, city, *arguments)

    result = run(["example", second], settings, tmp_path, executor=Dying())
    assert statuses(result) == {"example": "failed", "second": "ok"}
    assert result.cities[0].error


def test_a_dying_worker_takes_no_other_city_along(executed, monkeypatch, settings, second, tmp_path):
    """A dead process breaks its whole pool: the cities run again alone, and only the culprit fails."""
    pools = []

    class Pool(Inline):
        def __init__(self, workers, **_):
            pools.append(workers)

        def submit(self, function, /, city, *arguments):
            if len(pools) == 1 or city.id == "example":
                future = Future()
                future.set_exception(BrokenProcessPool("gone"))
                return future
            return super().submit(function, city, *arguments)

    monkeypatch.setattr(batch, "ProcessPoolExecutor", Pool)
    result = run(["example", second], settings, tmp_path, workers=2)
    assert statuses(result) == {"example": "failed", "second": "ok"}
    assert "died" in result.cities[0].error
    assert pools == [2, 1, 1]


def test_a_national_stage_that_breaks_is_told_in_its_city(executed, monkeypatch, settings, tmp_path):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(batch, "compute_all", broken)
    assert statuses(run(["example"], settings, tmp_path)) == {"example": "ok"}


@pytest.mark.slow
def test_what_is_national_is_computed_once(executed, example_settings, second, tmp_path):
    settings = example_settings.model_copy(update={"cache": tmp_path / "cache"})
    run(["example", second], settings, tmp_path / "reports")
    kept = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / "cache").iterdir() if path.is_dir())
    assert kept == sorted(set(kept))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    run(["example", second], settings, tmp_path / "reports", refresh=True)
    assert before == {
        path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*") if path.is_file()
    }


@pytest.mark.slow
def test_a_broken_cell_is_named_and_its_notebook_kept(monkeypatch, settings, second, tmp_path):
    """With a real kernel: the notebook of the project, cut to one cell that fails."""
    import diagnosis.notebook

    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    parameters = "\n".join(f'{name} = ""' for name in ("city", "edition", "language", "job", "save_to"))
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(TINY_NOTEBOOK)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "diagnosis.ipynb")
    monkeypatch.setattr(diagnosis.notebook, "project_folder", lambda: tmp_path / "project")
    result = run(["example", second], settings, tmp_path / "{reports}")
    assert statuses(result) == {"example": "failed", "second": "failed"}
    for item in result.cities:
        assert "notebook cell" in item.error
        assert f"ValueError: no such <b>value</b> in two lines of {item.city}" in item.error
        assert any(character.isdigit() for character in item.error.split(":")[0])
    edition = tmp_path / "{reports}" / "e1"
    assert {path.name for path in (edition / "failed").iterdir()} == {"example.ipynb", "second.ipynb"}
    assert "<b>" not in (edition / "index.html").read_text(encoding="utf-8")
    assert not left_over(edition)


def command(*arguments, **options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIAGNOSIS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "diagnosis", *map(str, arguments)],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        **options,
    )  # fmt: skip


def wait_for(condition, process, seconds=90):
    limit = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "it takes too long"
        time.sleep(0.1)


def group_is_gone(leader, seconds=10):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            os.killpg(leader, 0)
        except (ProcessLookupError, PermissionError):
            return True
        time.sleep(0.1)
    return False


def kernels_at_work(folder):
    """Count the notebooks whose first cell has run: they are saved after every cell."""
    notebooks = [path.read_text(encoding="utf-8") for path in folder.glob(".*.part/diagnosis.ipynb")]
    return sum('"execution_count": 1,' in text for text in notebooks)


@pytest.fixture(scope="module")
def killed(second, tmp_path_factory):
    """Kill a run with its children when the first city is finished and the second at work; start it again."""
    work = tmp_path_factory.mktemp("killed")
    arguments = ["report", "example", second, "--work", work, "--edition", "k", "--workers", "1"]
    folder = work / "reports" / "k"
    process = command(*arguments)
    try:
        wait_for(lambda: list(folder.glob(".second.*.part")) and (folder / "run.json").is_file(), process)
        first = read_run(folder)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert group_is_gone(process.pid)
    before = {path.name for path in folder.iterdir()}
    again = command(*arguments)
    output, errors = again.communicate(timeout=120)
    return folder, first, before, again.returncode, output, errors


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_a_killed_run_loses_nothing(killed):
    folder, first, before, status, output, errors = killed
    assert [(item["city"], item["status"]) for item in first["cities"]] == [("example", "ok")]
    assert "second" not in before
    assert any(name.startswith(".second.") for name in before)
    assert (status, errors) == (0, "")
    again = {item["city"]: item["status"] for item in read_run(folder)["cities"]}
    assert again == {"example": "cached", "second": "ok"}
    assert not left_over(folder)
    assert len(output.splitlines()) == 3


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_a_real_run_keeps_the_output_contract(killed):
    folder = killed[0]
    for item in read_run(folder)["cities"]:
        city = folder / item["city"]
        files = {path.relative_to(folder).as_posix() for path in city.rglob("*") if path.is_file()}
        assert set(item["outputs"]) == files
        for name in ("index.html", "report.pdf", "manifest.json", "diagnosis.ipynb", "data/areas.csv"):
            assert f"{item['city']}/{name}" in files
        notebook = nbformat.read(city / "diagnosis.ipynb", as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        outputs = [output for cell in code for output in cell.outputs]
        assert not [output for output in outputs if output.output_type in {"error", "stream"}]
        assert any(
            "image/svg+xml" in output.get("data", {}) or "<svg" in output.get("data", {}).get("text/html", "")
            for output in outputs
        )
        manifest = json.loads((city / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["created"].startswith("20")
        assert set(manifest["outputs"]) == {name.split("/", 1)[1] for name in files} - {"manifest.json"}
    links = Links((folder / "index.html").read_text(encoding="utf-8")).found
    assert {"example/index.html", "second/report.pdf", "second/diagnosis.ipynb"} <= set(links)
    assert all((folder / link).is_file() for link in links)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_run_leaves_no_process(killed, second, number, status):
    folder = killed[0]
    arguments = ["report", "example", second, "--work", folder.parents[1], "--edition", "k", "--refresh"]
    process = command(*arguments)
    try:
        wait_for(lambda: kernels_at_work(folder) == 2, process)
        os.kill(process.pid, number)
        assert process.wait(timeout=20) == status
        assert group_is_gone(process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate()
    assert "Traceback" not in errors
    assert all((folder / name / "manifest.json").is_file() for name in ("example", "second"))
    if number == signal.SIGINT:
        assert not left_over(folder)
        assert "interrupted" in errors


def test_workers_follow_their_parent(monkeypatch):
    """The thread that ends a worker waits for the end of its parent, not for anything else."""
    ended = []

    class Parent:
        def join(self):
            ended.append("joined")

    monkeypatch.setattr(multiprocessing, "parent_process", Parent)
    monkeypatch.setattr(kernel.os, "_exit", ended.append)
    kernel.follow_parent()
    limit = time.monotonic() + 5
    while len(ended) < 2 and time.monotonic() < limit:
        time.sleep(0.01)
    assert ended == ["joined", 1]


def test_formats_are_those_of_the_report():
    assert FORMATS == ("html", "pdf", "data")
