"""ISTAT: minutes and kilometres by road between all municipalities, from the matrices of 2021.

The files have one row a pair, ``;`` between cells and a comma before decimals, in columns whose names may have blanks
around them: ``OR_PROCOM``, ``DEST_PROCOM``, ``TEP_TOT`` (minutes by car with traffic), ``TTP_TOT`` (minutes on empty
roads) and ``KM_TOT``, from town hall to town hall, among others that are not read. So a public project reads
``R12_RI.csv``, province of Rieti. This reader has met files made from that description, not the files themselves.
"""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from diagnosis.codes import link_codes
from diagnosis.errors import InputError, SourceError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import AGAIN
from diagnosis.sources.packing import DAMAGED, ZIP, unreadable
from diagnosis.tables import ROAD_TIMES, VINTAGE

COLUMNS = {
    "OR_PROCOM": "origin",
    "DEST_PROCOM": "destination",
    "TEP_TOT": "minutes",
    "KM_TOT": "km",
    "TTP_TOT": "free_minutes",
}
OPTIONAL = ("TTP_TOT",)
NUMBERS = ("minutes", "km", "free_minutes")
DAY = "2021-01-01"
"""Day of the municipalities of the files: 7,903, before Misiliscemi and the two that went over to Rimini."""

MOST_MINUTES = 60.0
ROWS = 400_000
"""Rows read at once."""
LARGEST_PART = 4_000_000_000
"""Bytes a part of the archive may unpack to: all of Italy takes some 4 GB as text."""


def read_travel_times(path: Path) -> pd.DataFrame:
    """Read road times, keeping the pairs of a province and the others up to :data:`MOST_MINUTES`.

    Parameters
    ----------
    path : Path
        A CSV of the matrices, an archive of them (that of a region), or an archive of such archives. Read in blocks,
        never whole.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.ROAD_TIMES`, codes of 2022, sorted. A renumbered municipality takes its
        new code; where several have become one, the shortest way between their parts counts; one created since (by
        a split: Misiliscemi) has no row, since nobody measured from its town hall. A pair without minutes has no way
        by road and no row, nor has a municipality with itself.

    Raises
    ------
    diagnosis.errors.SourceError
        A file does not have these columns, or none is there.
    diagnosis.errors.InputError
        A number is negative or not one, a pair is there twice with different minutes, or a code is not a municipality
        of that day.
    """
    path = Path(path)
    blocks: list[pd.DataFrame] = []
    read = unreachable = own = files = 0
    register = read_register()
    codes = _Codes(register)
    try:
        for name, stream in _open_parts(path):
            files += 1
            for block in _read_blocks(stream, name):
                read += len(block)
                same = block["origin"] == block["destination"]
                closed = block["minutes"].isna() & ~same
                own, unreachable = own + int(same.sum()), unreachable + int(closed.sum())
                blocks.append(codes.keep(block[~same & ~closed], name))
    except DAMAGED as problem:
        raise unreadable(path, problem) from problem
    if not read:
        raise SourceError(f"{path.name} must hold the matrices of road times", "it holds no row", AGAIN)
    kept = _join(blocks, path.name)
    labels = codes.labels
    table = kept.assign(**{name: labels[kept[name]] for name in ("origin", "destination")})
    frame = ROAD_TIMES.check(table.reset_index(drop=True), path.name)
    starts = frame["origin"].nunique()
    notes = [
        f"{read} pairs in {files} files; kept are the {len(frame)} of a province or up to {MOST_MINUTES:g} minutes.",
        f"{unreachable} pairs without minutes have no way by road; {own} of a municipality with itself are left out.",
        f"Times start from {starts} of {len(register)} municipalities; the others have none.",
        *codes.notes,
    ]
    frame.attrs = {"vintage": VINTAGE, "notes": [f"travel times: {note}" for note in notes]}
    return frame


class _Codes:
    """The municipalities of 2022 that the codes of the files have become."""

    def __init__(self, register: pd.DataFrame) -> None:
        self.labels = register.index
        self.register = register
        self.notes: list[str] = []
        self.place = np.full(1_000_000, -1, dtype=np.int32)  # by code as a number
        self.province = pd.factorize(register["province"])[0]

    def keep(self, block: pd.DataFrame, origin: str) -> pd.DataFrame:
        """Turn codes into positions and drop the pairs that are too far."""
        ends = block[["origin", "destination"]].to_numpy()
        new = np.unique(ends[self.place[ends] < 0])
        if len(new):
            self._learn(new, origin)
        ends = self.place[ends]
        near = (self.province[ends[:, 0]] == self.province[ends[:, 1]]) | (
            block["minutes"].to_numpy() <= MOST_MINUTES
        )
        near &= ends[:, 0] != ends[:, 1]  # two parts of what is one today
        return block[near].assign(origin=ends[near, 0], destination=ends[near, 1])

    def _learn(self, numbers: np.ndarray, origin: str) -> None:
        codes = pd.Index([f"{number:06d}" for number in numbers])
        try:
            links, notes = link_codes(codes, DAY, self.register)
        except InputError as problem:
            raise InputError(
                f"{origin}: every code must be a municipality of {DAY}", problem.found
            ) from problem
        self.place[links["source"].astype(int).to_numpy()] = self.labels.get_indexer(links["code"])
        self.notes += [note for note in notes if note not in self.notes]


def _join(blocks: list[pd.DataFrame], origin: str) -> pd.DataFrame:
    """Put the kept pairs together; the same pair with the same numbers may be there more than once."""
    kept = pd.concat(blocks, ignore_index=True).drop_duplicates(ignore_index=True)
    kept = kept.sort_values(["origin", "destination", "minutes"], kind="stable")
    first = kept.drop_duplicates(["origin", "destination"])
    repeated = kept[kept.duplicated(["origin", "destination"], keep=False)]
    again = repeated[repeated.duplicated(["origin", "destination", "source"], keep=False)]
    if len(again):
        shown = again["source"].unique()
        raise InputError(
            f"{origin}: a pair must have one time",
            f"{len(shown)} have several, for instance {examples(_show_pair(pair) for pair in shown[:5])}",
            "Leave out the file that is there in two issues",
        )
    return first.drop(columns="source")


def _show_pair(pair: int) -> str:
    return f"{pair // 1_000_000:06d}-{pair % 1_000_000:06d}"


def _read_blocks(stream: IO[bytes], name: str) -> Iterator[pd.DataFrame]:
    """Read a CSV a block at a time; codes as numbers, ``source`` the pair of codes as one number."""
    text = io.TextIOWrapper(stream, encoding="latin-1", newline="")  # names of places may be in any encoding
    try:
        yield from _read_text(text, name)
    finally:
        text.detach()  # else it would close what it does not own


def _read_text(text: IO[str], name: str) -> Iterator[pd.DataFrame]:
    header = text.readline().removeprefix("ï»¿")  # a byte order mark, so read
    separator = max(";,\t", key=header.count)
    found = [cell.strip().strip('"').strip().upper() for cell in header.rstrip("\r\n").split(separator)]
    wanted = {published: ours for published, ours in COLUMNS.items() if published in found}
    missing = [
        published for published in COLUMNS if found.count(published) != 1 and published not in OPTIONAL
    ]
    if missing:
        raise SourceError(
            f"{name} must have the columns {', '.join(COLUMNS)}",
            f"missing or repeated: {examples(missing)}; found: {examples(found, 12)}",
            "Use the matrices of 2021; those issued before have other columns",
        )
    ours = {found.index(published): column for published, column in wanted.items()}
    chunks = pd.read_csv(
        text,
        sep=separator,
        header=None,
        names=range(len(found)),
        usecols=list(ours),
        dtype=str,
        keep_default_na=False,
        chunksize=ROWS,
        index_col=False,
    )
    while True:
        try:
            chunk = next(chunks, None)
        except (ValueError, csv.Error) as problem:  # the parser's own error is a ValueError
            raise SourceError(
                f"{name} must be a table of {len(found)} columns", str(problem).strip(), AGAIN
            ) from problem
        if chunk is None:
            return
        yield _clean(chunk.rename(columns=ours).fillna(""), name)


def _clean(chunk: pd.DataFrame, name: str) -> pd.DataFrame:
    columns = {end: _code_numbers(chunk[end], end, name) for end in ("origin", "destination")}
    for column in NUMBERS:
        if column in chunk:
            columns[column] = _numbers(chunk[column], column, name)
    frame = pd.DataFrame(columns)
    return frame.assign(source=frame["origin"] * 1_000_000 + frame["destination"])


def _code_numbers(values: pd.Series, end: str, name: str) -> np.ndarray:
    text = values.str.strip()
    wrong = ~text.str.fullmatch(r"\d{1,6}")
    if wrong.any():
        raise InputError(
            f"{name}: {end!r} must hold codes of municipalities",
            f"{int(wrong.sum())} are not, for instance {examples(text[wrong].unique())}",
        )
    return text.astype("int64").to_numpy()


def _numbers(values: pd.Series, column: str, name: str) -> np.ndarray:
    text = values.str.strip()
    numbers = pd.to_numeric(text.str.replace(",", ".", regex=False), errors="coerce").to_numpy(dtype=float)
    blank = (text == "").to_numpy()
    wrong = ~blank & ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        raise InputError(
            f"{name}: {column!r} must hold numbers from 0 on, or nothing where there is no way",
            f"{int(wrong.sum())} are something else, for instance {examples(text[wrong].unique())}",
        )
    return numbers


def _open_parts(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Open every CSV of an archive, of the archives in it, or the one file."""
    with path.open("rb") as raw:
        packed = raw.read(len(ZIP)) == ZIP
        raw.seek(0)
        if packed:
            yield from _open_members(raw, path.name, deeper=True)
        else:
            yield path.name, raw


def _open_members(raw: IO[bytes], name: str, *, deeper: bool) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(raw) as archive:
        members = [
            item for item in archive.infolist() if not item.is_dir() and "__MACOSX" not in item.filename
        ]
        tables = [item for item in members if item.filename.lower().endswith((".csv", ".txt"))]
        archives = [item for item in members if deeper and item.filename.lower().endswith(".zip")]
        if not tables and not archives:
            raise SourceError(
                f"{name} must hold CSV files" + (" or archives of them" if deeper else ""),
                f"found {examples(item.filename for item in members) or 'nothing'}",
                AGAIN,
            )
        for item in (*tables, *archives):
            if item.file_size > LARGEST_PART:
                raise SourceError(
                    f"{name}: a part must unpack to at most {LARGEST_PART // 1_000_000} MB",
                    f"{item.filename} declares {item.file_size // 1_000_000} MB",
                )
        for item in tables:
            with archive.open(item) as member:
                yield f"{name}/{item.filename}", member
        for item in archives:
            with _unpacked(archive, item) as inner:
                yield from _open_members(inner, f"{name}/{item.filename}", deeper=False)


@contextmanager
def _unpacked(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    """Unpack an archive in an archive to a file of the system's, since it is read from its end."""
    with tempfile.TemporaryFile() as copy, archive.open(item) as member:
        shutil.copyfileobj(member, copy)
        copy.seek(0)
        yield copy
