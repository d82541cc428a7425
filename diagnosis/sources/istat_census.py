"""ISTAT: daily travel to study and work at the census of 2011, from the matrix of 4.9 million records.

The layout is that of the note in ISTAT's archive ("leggimi file matrix_pendo2011_10112014.doc"), as two public
projects that read the file give it, position by position, and a third shows it in lines of the file. This reader has
met files made from that description, not the file itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from diagnosis.codes import link_codes
from diagnosis.codes.history import CodeHistory
from diagnosis.errors import SourceError
from diagnosis.sources.code_lists import read_code_history
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import AGAIN
from diagnosis.sources.packing import DAMAGED, open_text, unreadable
from diagnosis.tables import DAILY_TRAVEL_2011, VINTAGE
from diagnosis.tables.economy import PURPOSES, TRAVEL_MODES, TRAVEL_TIMES

FIELDS = {
    # first position, counted from 1, and length
    "record": (1, 1),  # S: one stratum, counted; L: a part of it by means, hour and time, estimated
    "origin": (5, 3, 9, 3),  # province and municipality
    "sex": (14, 1),  # 1 man, 2 woman
    "purpose": (16, 1),  # 1 study, 2 work
    "place": (18, 1),  # 1 the same municipality, 2 another one, 3 abroad
    "destination": (20, 3, 24, 3),
    "state": (28, 3),
    "mode": (32, 2),
    "time": (37, 1),  # 1 up to 15 minutes, 2 to 30, 3 to 60, 4 longer
    "estimate": (39, 12),
    "number": (51, 10),
}
"""Not read: kind of residence (3), a household or an institution; hour of departure (35)."""
LENGTH = 60
"""Characters of a record that are read; a line has one more, and its end."""

MODES = {
    # train, tram, underground, urban bus, coach; bus of a firm or school; car as driver and as passenger, motorcycle;
    # bicycle and on foot; other
    **dict.fromkeys((1, 2, 3, 4, 5), "public_transport"),
    6: "service_bus",
    **dict.fromkeys((7, 8, 9), "private_motor"),
    **dict.fromkeys((10, 12), "walking_or_cycling"),
    11: "other_mode",
}
COUNTED, ESTIMATED = ord("S"), ord("L")
WOMAN, ABROAD = 2, 3
AROUND = np.frombuffer(b". \r\n", dtype=np.uint8)
"""Characters that may stand in or around a number."""
BLOCK = 8 << 20
"""Bytes read at once."""
MOST_PARTS = 8

CENSUS = "2011"
NUMBERS = ("travellers", "women", *TRAVEL_MODES, *TRAVEL_TIMES)
FOREIGN = 900_000
"""Added to the code of a foreign state: no province has so high a number."""


def read_daily_travel(path: Path, suppressed: Path, list_2025: Path) -> pd.DataFrame:
    """Read who travels from where to where, to study and to work.

    Parameters
    ----------
    path : Path
        ISTAT's archive ``matrici_pendolarismo_2011.zip``, or the text file in it, plain or gzipped. It is read in
        blocks: never whole.
    suppressed, list_2025 : Path
        ISTAT's lists that tell what became of the codes of 2011, see
        :func:`diagnosis.sources.code_lists.read_code_history`.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.DAILY_TRAVEL_2011`, codes of 2022. ``travellers`` and ``women`` are
        counted; means and times are estimates, in municipalities of 20,000 residents or more from a sample, and leave
        out residents of institutions. What came from a municipality split since stays with its core.

    Raises
    ------
    diagnosis.errors.SourceError
        A file is not what it should be.
    diagnosis.errors.InputError
        A code is not a municipality of 2011, or the archive holds no text file, or several.
    """
    path = Path(path)
    records, key, sums = _read_records(path)
    history = read_code_history(Path(suppressed), Path(list_2025))
    frame = _carry(key, sums, history, path.name)
    everybody = frame["travellers"].to_numpy().sum(dtype=float)
    notes = [
        f"{records} records; {everybody:.0f} residents who travel every day (ISTAT: 28871447).",
        "Codes of 2011 carried to 2022; what came from a municipality split since stays with its core.",
        "Not a series with the commuting of 2021: another definition, another method, and to work only.",
    ]
    frame.attrs = {"vintage": VINTAGE, "notes": [f"daily travel 2011: {note}" for note in notes]}
    return frame


def _read_records(path: Path) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the number of records, and the sums of those from, to and for the same."""
    records = 0
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    try:
        with open_text(path) as stream:
            for lines in _read_lines(stream, path.name):
                parts.append(_sum_up(*_strata(lines, path.name, records)))
                records += len(lines)
                if len(parts) > MOST_PARTS:  # what several blocks share is added up before memory grows
                    parts = [_join(parts)]
    except DAMAGED as problem:
        raise unreadable(path, problem) from problem
    if not records:
        raise SourceError(f"{path.name} must hold the matrix of daily travel of 2011", "it is empty", AGAIN)
    return records, *_join(parts)


def _carry(key: np.ndarray, sums: np.ndarray, history: CodeHistory, origin: str) -> pd.DataFrame:
    """Carry the sums to the codes of 2022 and write them as a table."""
    ends, purpose = np.divmod(key, 4)
    home, away = np.divmod(ends, 1_000_000)
    home, homes = _names(home, history)
    away, others = _names(away, history)
    key, sums = _sum_up((home * len(others) + away) * 4 + purpose, sums)
    ends, purpose = np.divmod(key, 4)
    home, away = np.divmod(ends, len(others))
    columns = {
        "origin": homes[home],
        "destination": others[away],
        "purpose": pd.Index(PURPOSES, dtype="str")[purpose - 1],
        **dict(zip(NUMBERS, sums.T, strict=True)),
    }
    return DAILY_TRAVEL_2011.check(pd.DataFrame(columns, copy=False), origin)


def _read_lines(stream: IO[bytes], origin: str) -> Iterator[np.ndarray]:
    """Read a block at a time, as a table of characters: one row a record, the first 60 of each."""
    rest = b""
    while block := stream.read(BLOCK):
        whole, end, rest = (rest + block).rpartition(b"\n")
        if end:
            yield _table(whole + end, origin)
        elif len(rest) > BLOCK:
            raise _wrong(origin, "it has no lines")
    if rest.strip():
        yield _table(rest + b"\n", origin)


def _table(text: bytes, origin: str) -> np.ndarray:
    characters = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    kept = ends - starts > 1  # neither empty nor only a carriage return
    starts, ends = starts[kept], ends[kept]
    if (
        short := ends - starts < LENGTH - 1
    ).any():  # the last character is a blank that may have been cut off
        row = int(starts[short.argmax()])
        found = text[row : text.index(b"\n", row)][:LENGTH].decode("ascii", "replace")
        raise _wrong(origin, f"a record is shorter than {LENGTH} characters: {found!r}")
    places = starts.astype(np.int32)[:, None] + np.arange(LENGTH, dtype=np.int32)
    return characters[np.minimum(places, len(characters) - 1, out=places)]


def _strata(lines: np.ndarray, origin: str, before: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the key of each record (from, to, why) and what it adds to each sum."""
    fields = {
        name: _field(lines, *place) for name, place in FIELDS.items() if name not in ("estimate", "number")
    }
    record = lines[:, 0]
    counted, estimated = record == COUNTED, record == ESTIMATED
    mode, time = fields["mode"], fields["time"]
    abroad = fields["place"] == ABROAD
    count, estimate = (_amount(lines, *FIELDS[name]) for name in ("number", "estimate"))
    right = (
        (counted & np.isfinite(count))
        | (estimated & np.isfinite(estimate) & (mode >= 1) & (mode <= 12) & (time >= 1) & (time <= 4))
    ) & (
        (fields["origin"] > 0)
        & (fields["origin"] < FOREIGN)
        & (fields["destination"] < FOREIGN)
        & np.isin(fields["sex"], (1, 2))
        & np.isin(fields["purpose"], (1, 2))
        & ((fields["place"] >= 1) & (fields["place"] <= ABROAD))
        & (np.where(abroad, fields["state"], fields["destination"]) > 0)
    )
    if not right.all():
        row = int(right.argmin())
        text = lines[row].tobytes().decode("ascii", "replace")
        raise _wrong(origin, f"record {before + row + 1} is {text!r}")
    destination = np.where(abroad, FOREIGN + fields["state"], fields["destination"])
    key = (fields["origin"] * 1_000_000 + destination) * 4 + fields["purpose"]
    sums = np.zeros((len(lines), len(NUMBERS)))
    sums[counted, 0] = count[counted]
    women = counted & (fields["sex"] == WOMAN)
    sums[women, 1] = count[women]
    of_mode = np.array([0, *(NUMBERS.index(MODES[number]) for number in sorted(MODES))])
    rows = np.flatnonzero(estimated)
    sums[rows, of_mode[mode[rows]]] = estimate[rows]
    sums[rows, NUMBERS.index(TRAVEL_TIMES[0]) - 1 + time[rows]] = estimate[rows]
    return key, sums


def _field(lines: np.ndarray, *places: int) -> np.ndarray:
    """Read a whole number of digits that may lie in two places; -1 where one of them is no digit."""
    value, wrong = np.zeros(len(lines), dtype=np.int64), np.zeros(len(lines), dtype=bool)
    for first, length in zip(places[::2], places[1::2], strict=True):
        for position in range(first - 1, first - 1 + length):
            digit = lines[:, position] - np.uint8(ord("0"))  # wraps around: no digit is above 9
            wrong |= digit > 9
            value = value * 10 + digit
    value[wrong] = -1
    return value


def _amount(lines: np.ndarray, first: int, length: int) -> np.ndarray:
    """Read a number with or without decimals, blanks around it; missing where it is not available (``ND``)."""
    value, scale = np.zeros(len(lines)), np.ones(len(lines))
    digits, pointed = np.zeros(len(lines), dtype=bool), np.zeros(len(lines), dtype=bool)
    wrong = np.zeros(len(lines), dtype=bool)
    for position in range(first - 1, first - 1 + length):
        character = lines[:, position]
        digit = character - np.uint8(ord("0"))
        is_digit = digit <= 9
        value = np.where(is_digit, value * 10 + digit, value)
        scale = np.where(is_digit & pointed, scale * 10, scale)
        digits |= is_digit
        pointed |= character == ord(".")
        wrong |= ~is_digit & ~np.isin(character, AROUND)
    return np.where(digits & ~wrong, value / scale, np.nan)


def _sum_up(key: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add up the rows of one key; keys sorted."""
    keys, place = np.unique(key, return_inverse=True)
    added = np.empty((len(keys), len(NUMBERS)), dtype=np.float32, order="F")
    for column in range(len(NUMBERS)):  # added up in doubles, kept in half the room: seven digits are enough
        added[:, column] = np.bincount(place, weights=sums[:, column], minlength=len(keys))
    return keys, added


def _join(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return _sum_up(np.concatenate([key for key, _ in parts]), np.concatenate([sums for _, sums in parts]))


def _names(codes: np.ndarray, history: CodeHistory) -> tuple[np.ndarray, pd.Index]:
    """Return the position of each place among the names of 2022: municipalities, and foreign states as ``F`` + code."""
    numbers, place = np.unique(codes, return_inverse=True)
    names = pd.Series(numbers).astype("str").str.zfill(6)
    abroad = numbers > FOREIGN
    links, _ = link_codes(names[~abroad], CENSUS, read_register(), history=history)
    successors = links.set_index("source")["code"]
    known = names.map(successors).where(~abroad, "F" + names.str[-3:])
    position, unique = pd.factorize(known, sort=True)
    return position[place], pd.Index(unique, dtype="str")


def _wrong(origin: str, found: str) -> SourceError:
    return SourceError(
        f"{origin} must be the matrix of daily travel of the census of 2011, in its fixed layout",
        found,
        "Use ISTAT's archive matrici_pendolarismo_2011.zip, unchanged",
    )
