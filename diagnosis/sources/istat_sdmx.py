"""ISTAT's SDMX service: which data flows there are, what they are asked with, and what they answer.

Written from the reports of public projects that use the service; it was not reached from here, and this module has met
answers made by hand only. What they report, and what follows from it:

- five queries a minute and address; who asks more often is shut out for one or two days, and each attempt meanwhile is
  said to begin them anew. Queries come :data:`SECONDS_BETWEEN` apart, whatever process asks, and none is repeated.
- CSV is given to those who say so in the header ``Accept``; structures come as SDMX-ML only.
- ``endPeriod`` leaves out the year it names, or everything. It is not sent; later years are cut off here.
- keys beyond some 260 characters are cut by the server. They are refused here.
- a query whose answer is large takes minutes, or ends in an error.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.config import Settings, default_settings
from diagnosis.errors import InputError, SourceError, examples, unknown_name
from diagnosis.provenance import Source, digest, write_atomically
from diagnosis.schema import Text
from diagnosis.sources.patience import Pace, Patience, UnavailableError
from diagnosis.sources.sdmx_files import (
    NARROWER,
    TIME,
    FlowStructure,
    read_flows,
    read_observations,
    read_structure,
    write_observations,
)
from diagnosis.sources.transfer import Transfer, locked

if TYPE_CHECKING:
    import requests

ENDPOINT = "https://esploradati.istat.it/SDMXWS/rest"
AGENCY = "IT1"
SECONDS_BETWEEN = 13.0
"""Between the starts of two queries: 60 / 5 would be 12."""
LONGEST_KEY = 250
MAX_BYTES = 1_000_000_000
TIMEOUT = (20.0, 600.0)
"""Seconds to connect, and between two arrivals of data: large answers are prepared for minutes."""
FOLDER = "istat/sdmx"
LAST_QUERY = ".last_query"

CSV, XML = "application/vnd.sdmx.data+csv;version=1.0.0", "*/*"
FLOW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@$-]*")
CODE = re.compile(r"[A-Za-z0-9_@$-]+")

NO_ANSWER = "Wait a day before asking again: who is shut out for asking too often is so for one or two days"
REFUSALS = {
    404: ("it has none (404)", "Look the data flow up with `diagnosis data sdmx list`, then its codes"),
    413: ("the answer would be too large (413)", NARROWER),
    414: ("the query is too long (414)", NARROWER),
    422: (
        "the key is not one of this data flow (422)",
        "Ask for the structure again: it may have been changed",
    ),
    429: ("too many queries were made (429)", NO_ANSWER),
    500: ("the server failed (500), often because the answer would be too large", NARROWER),
}


class IstatService:
    """Ask ISTAT's SDMX service; answers are kept and asked for again only on demand.

    Parameters
    ----------
    folder : str or Path
        Where answers are kept, reduced to what is needed: no notes, no contacts.
    endpoint : str
        Address of the service.
    refresh : bool
        Ask, too, for what is here; the server is told which issue that is.
    timeout : tuple of float
        Seconds to connect, and between two arrivals of data.
    max_bytes : int
        Largest answer.
    seconds : float
        Between the starts of two queries.
    progress : callable, optional
        Called with the bytes that have come and their total, or None.
    clock, sleep : callable
        Clock that runs alike for all processes of the machine, and pause, in seconds.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        endpoint: str = ENDPOINT,
        refresh: bool = False,
        timeout: tuple[float, float] = TIMEOUT,
        max_bytes: int = MAX_BYTES,
        seconds: float = SECONDS_BETWEEN,
        progress: Callable[[int, int | None], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.folder, self.endpoint, self.refresh = Path(folder), endpoint.rstrip("/"), refresh
        self.progress = progress or (lambda done, total: None)
        self.patience = Patience(timeout, 0, max_bytes, None, clock, sleep)
        self.pace = _SharedPace(self.patience, seconds, self.folder / LAST_QUERY)

    def flows(self, search: str = "") -> pd.DataFrame:
        """List the data flows whose identifier or name, in either language, has all words of `search`.

        Returns
        -------
        DataFrame of str
            As returned by :func:`diagnosis.sources.sdmx_files.read_flows`.

        Raises
        ------
        diagnosis.errors.SourceError
            The service cannot be reached, or its answer is not a list of data flows.
        """
        path = self._ask("flows.json", f"dataflow/{AGENCY}/all/latest?references=none", XML, _keep_flows)
        flows = pd.DataFrame(_read_json(path), dtype="str").set_index("flow")
        text = flows.index.to_series() + " " + flows["it"] + " " + flows["en"]
        found = pd.Series(True, index=flows.index)
        for word in search.split():
            found &= text.str.contains(word, case=False, regex=False)
        return flows[found]

    def structure(self, flow: str) -> FlowStructure:
        """Return what a data flow is asked with.

        Raises
        ------
        diagnosis.errors.InputError
            `flow` cannot be an identifier.
        diagnosis.errors.SourceError
            The service cannot be reached, does not have it, or its answer is not a structure.
        """
        if not FLOW_NAME.fullmatch(flow):
            raise InputError("A data flow is named by letters, digits and underscores", f"{flow!r} was given")

        def keep(source: Path, target: Path) -> None:
            content = read_structure(source, flow).to_content()
            target.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

        path = self._ask(f"{flow}.json", f"dataflow/{AGENCY}/{flow}?references=all", XML, keep)
        return FlowStructure.from_content(_read_json(path))

    def observations(
        self, flow: str, start: int | None = None, end: int | None = None, **codes: str | Sequence[str]
    ) -> pd.DataFrame:
        """Ask for observations.

        Parameters
        ----------
        flow : str
            Identifier of the data flow.
        start, end : int, optional
            First and last year; all that are published by default.
        **codes : str or sequence of str
            By dimension, the codes wanted; all codes of a dimension that is not named.

        Returns
        -------
        DataFrame
            As returned by :func:`diagnosis.sources.sdmx_files.read_observations`; ``attrs`` has ``flow`` and ``url``.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            A dimension, or a code of its list, is unknown.
        diagnosis.errors.InputError
            The key is too long for the service, or the answer breaks a rule.
        diagnosis.errors.SourceError
            The service cannot be reached, has no such data, or its answer is not a table of observations.
        """
        structure = self.structure(flow)
        key = build_key(structure, codes)
        query = f"data/{AGENCY},{flow}/{key}" + ("" if start is None else f"?startPeriod={int(start)}")
        dimensions = tuple(structure.dimensions)

        def keep(source: Path, target: Path) -> None:
            if not write_observations(source, target, dimensions):
                raise _no_data(flow, key)

        path = self._ask(f"{flow}_{digest(query)}.csv", query, CSV, keep)
        frame = read_observations(path)
        year = frame[TIME].str[:4]
        wanted = pd.Series(True, index=frame.index)
        if start is not None:
            wanted &= year >= f"{int(start):04d}"
        if end is not None:
            wanted &= year <= f"{int(end):04d}"
        frame = frame[wanted].reset_index(drop=True)
        if frame.empty:
            raise _no_data(flow, key)
        frame.attrs = {"flow": flow, "url": f"{self.endpoint}/{query}"}
        return frame

    def _ask(self, name: str, query: str, accept: str, keep: Callable[[Path, Path], None]) -> Path:
        """Return the kept answer to a query, after asking if need be."""
        import requests

        path = self.folder / name
        if path.is_file() and not self.refresh:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / LAST_QUERY) as free, requests.Session() as session:
            if not free:
                raise SourceError(
                    "ISTAT's service must be asked by one process at a time", "another one is asking it"
                )
            session.headers["Accept"] = accept
            source = _describe(name, f"{self.endpoint}/{query}")
            try:
                _Query(source, path, session, self.patience, self.pace, self.progress, keep).run()
            except UnavailableError as error:
                raise SourceError("ISTAT's service must answer", error.text.en, NO_ANSWER) from error
        return path


class _Query(Transfer):
    """A query: what is kept of the answer is written by `keep`; the answer itself is thrown away."""

    def __init__(self, *arguments: Any) -> None:
        *usual, self._keep = arguments
        super().__init__(*usual)

    def _take(self, response: requests.Response, have: int, held: dict[str, Any]) -> bool:
        if told := REFUSALS.get(response.status_code):
            raise SourceError(f"ISTAT's service must have an answer to {self.source.url}", *told)
        return super()._take(response, have, held)

    def _place(self) -> None:
        write_atomically(self.path, lambda target: self._keep(self.part, target))


class _SharedPace(Pace):
    """Turns that all processes share, through a file with the moment of the last query."""

    def __init__(self, patience: Patience, seconds: float, path: Path) -> None:
        super().__init__(patience, 0.0)
        self._between, self._path, self._clock = seconds, path, patience.clock

    def take_turn(self) -> None:
        """Wait until the last query is long enough ago, and note this one."""
        super().take_turn()
        last = None
        with suppress(OSError, ValueError):
            last = float(self._path.read_text(encoding="ascii"))
        if last is not None:
            elapsed = self._clock() - last  # below 0: the machine was started again since
            rest = self._between if elapsed < 0 else self._between - elapsed
            if rest > 0:
                self._patience.wait(rest)
        write_atomically(self._path, repr(self._clock()))


def build_key(structure: FlowStructure, codes: Mapping[str, str | Sequence[str]]) -> str:
    """Build the key of a query: the codes of each dimension, ``+`` between them, ``.`` between dimensions.

    Parameters
    ----------
    structure : FlowStructure
    codes : mapping of str to str or sequence of str
        By dimension; one that is not named is left open.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        A dimension, or a code of its list, is unknown.
    diagnosis.errors.InputError
        A code cannot be one, or the key is longer than :data:`LONGEST_KEY`.
    """
    parts = []
    for name in codes:
        if name not in structure.dimensions:
            raise unknown_name(f"A dimension of {structure.flow}", name, structure.dimensions)
    for name, known in structure.dimensions.items():
        given = codes.get(name, ())
        wanted = list(dict.fromkeys([given] if isinstance(given, str) else map(str, given)))
        if wrong := [code for code in wanted if not CODE.fullmatch(code)]:
            raise InputError(
                f"{name}: a code is of letters, digits and underscores", f"found {examples(wrong)}"
            )
        for code in wanted:
            if len(known) and code not in known.index:
                raise unknown_name(f"A code of {name} in {structure.flow}", code, known.index)
        parts.append("+".join(wanted))
    key = ".".join(parts)
    if len(key) > LONGEST_KEY:
        raise InputError(
            f"The codes asked for must take at most {LONGEST_KEY} characters",
            f"they take {len(key)}",
            "Ask in parts, or leave the longest dimension open and choose from the answer",
        )
    return key


def read_istat(
    flow: str,
    start: int | None = None,
    end: int | None = None,
    *,
    settings: Settings | None = None,
    refresh: bool = False,
    **codes: str | Sequence[str],
) -> pd.DataFrame:
    """Read observations of one of ISTAT's data flows, from what is kept or from the service.

    ``dg.read_istat("22_289_DF_DCIS_POPRES1_24", 2022, 2022, REF_AREA="089017", SEX=["1", "2"])``. See
    :meth:`IstatService.observations`; the answer is kept in ``istat/sdmx`` below the raw folder of `settings`.
    """
    service = IstatService((settings or default_settings()).raw / FOLDER, refresh=refresh)
    return service.observations(flow, start, end, **codes)


def list_istat(search: str = "", *, settings: Settings | None = None, refresh: bool = False) -> pd.DataFrame:
    """List ISTAT's data flows whose identifier or name has all words of `search`: see :meth:`IstatService.flows`."""
    return IstatService((settings or default_settings()).raw / FOLDER, refresh=refresh).flows(search)


def _keep_flows(source: Path, target: Path) -> None:
    content = read_flows(source).reset_index().to_dict("list")
    target.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise SourceError(
            f"{path.name} must be what was kept of an answer", str(problem), "Remove it and ask again"
        ) from problem


def _no_data(flow: str, key: str) -> SourceError:
    return SourceError(
        f"ISTAT's service must have data of {flow} for {key}",
        "its answer holds none",
        "Choose other codes or years",
    )


def _describe(name: str, url: str) -> Source:
    """Describe an answer as a source, which is what a transfer is given."""
    title = Text(it=f"Istat, servizio SDMX, {name}", en=f"ISTAT, SDMX service, {name}")
    return Source(
        id="istat_sdmx",
        title=title,
        label=Text(it="Istat, SDMX", en="ISTAT, SDMX"),
        publisher="ISTAT",
        landing_page="https://esploradati.istat.it/databrowser/",
        url=url,
        file=f"{FOLDER}/{name}",
        licence="CC BY 4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        licence_confirmed=False,
        citation="ISTAT, IstatData",
        reference_date="see the data",
        needed_for=title,
        attribution=title,
        modified=title,
    )
