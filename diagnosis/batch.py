"""Reports of many cities: two at a time, nothing done twice, no city stopping the others."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from textwrap import shorten
from threading import Thread
from time import perf_counter
from typing import Any

from diagnosis.config import NOTEBOOK, City, Settings, load_city
from diagnosis.errors import DiagnosisError, InputError, unknown_name
from diagnosis.governance.cooperation import read_cooperation
from diagnosis.kernel import follow_parent, warm_up
from diagnosis.national.shared import compute_all, load_national
from diagnosis.notebook import NotebookError, execute_notebook
from diagnosis.provenance import write_atomically
from diagnosis.report import FORMATS, missing_reason, outputs_of, write_index, write_report
from diagnosis.report.words import Words
from diagnosis.stages.own_data import check_own_data
from diagnosis.storage import whole_folder
from diagnosis.studies.city import run_key
from diagnosis.territory import country_key, load_country, load_territory

RUN_FILE = "run.json"
LOCK_FILE = ".lock"
FAILED = "failed"
LEFTOVERS = {".part", ".old", ".json", ".html"}
"""Endings of the hidden files and folders that a killed run leaves in the folder of its edition."""
ERROR_LENGTH = 600
DEAD_WORKER = "The process at work on this city died, perhaps for want of memory."

OK, PARTIAL, FAILED_STATUS, CACHED = "ok", "partial", "failed", "cached"


@dataclass(frozen=True)
class CityRun:
    """How the report of one city ended.

    Attributes
    ----------
    city : str
        Its id.
    status : str
        ``ok``; ``partial``: made, but a section is missing; ``failed``; ``cached``: nothing had changed.
    seconds : float
        Wall seconds.
    outputs : tuple of str
        Files made, relative to the folder of the edition.
    error : str
        What failed, with the number of the notebook's cell.
    """

    city: str
    status: str
    seconds: float = 0.0
    outputs: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Run:
    """How a whole batch ended."""

    edition: str
    language: str
    folder: Path
    started: str
    cities: tuple[CityRun, ...] = field(default=())

    @property
    def failed(self) -> tuple[str, ...]:
        """Ids of the cities that failed."""
        return tuple(item.city for item in self.cities if item.status == FAILED_STATUS)

    def write(self, waiting: Iterable[str] = ()) -> None:
        """Write ``run.json``, and the index page of every city of the edition.

        Parameters
        ----------
        waiting : iterable of str
            Cities still to come: what an earlier run left of them is not shown.
        """
        content = {**asdict(self), "folder": None, "cities": [asdict(item) for item in self.cities]}
        del content["folder"]
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_atomically(self.folder / RUN_FILE, text)
        named = {*waiting, *(item.city for item in self.cities)}
        others = [asdict(item) for item in _earlier(self.folder) if item.city not in named]
        write_index(self.folder, self.edition, self.language, [*content["cities"], *others])


def _earlier(folder: Path) -> Iterator[CityRun]:
    """Yield what earlier runs have finished of an edition."""
    for path in sorted(folder.glob("[!.]*/manifest.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            names = [*json.loads(path.read_text(encoding="utf-8"))["outputs"], path.name]
            city = path.parent.name
            yield CityRun(city, CACHED, outputs=tuple(f"{city}/{name}" for name in names))


def run_batch(
    cities: Iterable[str | Path | City],
    settings: Settings,
    reports: Path,
    *,
    formats: Sequence[str] = FORMATS,
    workers: int = 2,
    on_event: Callable[[CityRun], None] | None = None,
    executor: Executor | None = None,
    refresh: bool = False,
) -> Run:
    """Diagnose many cities and write their reports.

    Parameters
    ----------
    cities : iterable of str, Path or City
        Pilot cities by name, YAML files or configurations.
    settings : Settings
        Folders, mirror, edition and language.
    reports : Path
        Folder that gets ``<edition>/<city>/``.
    formats : sequence of str
        Of :data:`diagnosis.report.FORMATS`.
    workers : int
        Cities at the same time.
    on_event : callable, optional
        Called with the :class:`CityRun` of each city as it ends.
    executor : concurrent.futures.Executor, optional
        Runs the cities instead of local processes; ``dask.distributed.Client.get_executor()`` is one.
    refresh : bool
        Make every report again, changed or not.

    Returns
    -------
    Run
        In the order of `cities`; also written as ``run.json`` and ``index.html`` after every city.

    Raises
    ------
    diagnosis.errors.DiagnosisError
        A city or format is unknown, a file broken, the folder not writable or held by another run: found before
        any report is made.
    """
    chosen = _choose(cities)
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("The format", name, FORMATS)
    if workers < 1:
        raise InputError("At least one city must be at work at a time", f"workers={workers} was given")
    folder = reports / settings.edition
    keys = {data: country_key(settings, data) for data in {city.data for city in chosen.values()}}
    ready = {
        city.id: ()
        if refresh
        else outputs_of(folder / city.id, run_key(city, settings, keys[city.data]), formats)
        for city in chosen.values()
    }
    todo = [city for city in chosen.values() if not ready[city.id]]
    countries = {data: load_country(settings, data) for data in dict.fromkeys(city.data for city in todo)}
    nationals = {data: load_national(country, settings) for data, country in countries.items()}
    territories = [load_territory(city, settings, countries[city.data]) for city in todo]
    check_own_data(territories, settings.language)
    for territory in territories:
        read_cooperation(territory.city, territory.country.municipalities.index)
    started = datetime.now(UTC).replace(microsecond=0)
    done: dict[str, CityRun] = {}

    def state() -> Run:
        cities = tuple(done[name] for name in chosen if name in done)
        return Run(settings.edition, settings.language, folder, started.isoformat(), cities)

    def finish(item: CityRun) -> None:
        done[item.city] = item
        state().write(waiting=chosen)
        if on_event:
            on_event(item)

    with _hold(folder), _children_ended():
        for name, files in ready.items():
            if files:
                finish(CityRun(name, CACHED, outputs=tuple(f"{name}/{file}" for file in files)))
        if todo and executor is None and (workers == 1 or len(todo) == 1):
            warm_up()  # the kernel's libraries load while the shared stages are computed
        for data, national in nationals.items():
            for parameters in dict.fromkeys(city.areas for city in todo if city.data == data):
                with suppress(Exception):  # a stage that fails here fails again, and is told, in its city
                    compute_all(national, parameters)
        arguments = (settings, folder, tuple(formats), started)
        lost: list[City] = []
        if executor is not None:
            lost = _collect({executor.submit(run_city, city, *arguments): city for city in todo}, finish)
        elif workers == 1 or len(todo) < 2:
            for city in todo:
                finish(run_city(city, *arguments))
        else:
            # A worker that dies takes its pool along: whose fault it was shows when each city runs alone.
            for city in _run_in_pool(todo, arguments, workers, finish):
                lost += _run_in_pool([city], arguments, 1, finish)
        for city in lost:
            finish(CityRun(city.id, FAILED_STATUS, error=DEAD_WORKER))
    return state()


def _choose(cities: Iterable[str | Path | City]) -> Mapping[str, City]:
    chosen: dict[str, City] = {}
    for item in cities:
        city = item if isinstance(item, City) else load_city(item)
        if chosen.setdefault(city.id, city) != city:
            raise InputError(
                "Every city of a run must have an id of its own: it names the folder of its report",
                f"two different cities are called {city.id!r}",
                "Write another id into one of the files",
            )
    return chosen


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Keep the folder of an edition for this run, and clear what a killed one left there.

    The lock ends with the process, however that ends. Windows has none: the user takes care.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / LOCK_FILE).open("w")
    except OSError as error:
        raise InputError(
            "The folder of the reports must be writable",
            f"{folder}: {error.strerror}",
            "Choose another one with --reports",
        ) from None
    with stream:
        with suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    "Only one run at a time can work on an edition",
                    f"another one is at work in {folder}",
                    "Wait for it, or choose another --edition",
                ) from None
            except OSError:  # a file system without locks
                pass
        _clear(folder)
        try:
            yield
        finally:
            _clear(folder)


def _clear(folder: Path) -> None:
    for path in folder.glob(".*"):
        if path.suffix in LEFTOVERS and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix in LEFTOVERS:
            path.unlink(missing_ok=True)


@contextmanager
def _children_ended() -> Iterator[None]:
    """On Ctrl-C, or when the caller's `on_event` fails, end the processes at work; what is finished is kept."""
    others = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise


def _run_in_pool(
    cities: Sequence[City], arguments: tuple, workers: int, finish: Callable[[CityRun], None]
) -> list[City]:
    """Run cities in processes; return those that were lost with a dead one."""
    # spawn: a fork would copy the threads of the libraries already at work in this process.
    context = multiprocessing.get_context("spawn")
    workers = min(workers, len(cities))
    with (
        ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool,
        _children_ended(),  # before the pool would wait for them
    ):
        return _collect({pool.submit(run_city, city, *arguments): city for city in cities}, finish)


def _start_worker() -> None:
    """End this worker with the process that started it, leave Ctrl-C to that one, and warm its kernels."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow_parent()
    warm_up()


def _collect(futures: dict[Future, City], finish: Callable[[CityRun], None]) -> list[City]:
    """Finish cities as their results come; return those that were lost with a dead process."""
    lost = []
    for future in as_completed(futures):
        city = futures[future]
        try:
            item = future.result()
        except BrokenExecutor:
            lost.append(city)
            continue
        except Exception as error:  # one city must not stop the others, whatever it is
            item = CityRun(city.id, FAILED_STATUS, error=_one_line(f"{type(error).__name__}: {error}"))
        finish(item)
    return lost


def run_city(
    city: City, settings: Settings, folder: Path, formats: Sequence[str], created: datetime
) -> CityRun:
    """Execute the notebook of one city and write its report, whole or not at all.

    Returns
    -------
    CityRun
        A failure is part of it, never raised.
    """
    start = perf_counter()
    kept = folder / FAILED / f"{city.id}.ipynb"
    try:
        with whole_folder(folder / city.id) as part:
            result = _aside(execute_notebook, city, settings, part / NOTEBOOK, kept).at(created)
            write_report(result, part, formats=formats, language=settings.language)
            names = sorted(
                str(path.relative_to(part).as_posix()) for path in part.rglob("*") if path.is_file()
            )
        status = PARTIAL if result.failed else OK
        words = Words(settings.language)
        error = " ".join(f"{words(stage)}: {missing_reason(result, words, stage)}" for stage in result.failed)
        outputs = tuple(f"{city.id}/{name}" for name in names)
        kept.unlink(missing_ok=True)
        return CityRun(city.id, status, round(perf_counter() - start, 2), outputs, error)
    except Exception as error:  # one city must not stop the others, whatever it is
        known = isinstance(error, DiagnosisError | NotebookError)
        message = _one_line(str(error) if known else f"{type(error).__name__}: {error}")
        return CityRun(city.id, FAILED_STATUS, round(perf_counter() - start, 2), error=message)


def _aside(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a thread: in the main one, nbclient takes Ctrl-C and SIGTERM for the kernel's alone."""
    from jupyter_core.utils import ensure_event_loop

    done: Future = Future()

    def call() -> None:
        try:
            with closing(ensure_event_loop()):  # nbclient would leave the one it makes for a thread open
                result = function(*arguments)
            done.set_result(result)
        except BaseException as error:
            done.set_exception(error)

    Thread(target=call, daemon=True).start()
    return done.result()


def _one_line(text: str) -> str:
    return shorten(text, ERROR_LENGTH, placeholder=" ...")
