"""SDMX files as tables: lists of data flows, their structure, observations as XML (SDMX-ML 2.1) or CSV (SDMX-CSV 1.0).

XML is looked through before it is read: a document type, in which entities could be defined and then expand without
end, is refused. The reading of SDMX-ML itself is that of the library ``sdmx1``.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.errors import DiagnosisError, InputError, SourceError, examples
from diagnosis.schema import LANGUAGES

if TYPE_CHECKING:
    from sdmx.message import Message

TIME, VALUE, STATUS, MULTIPLIER = "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "UNIT_MULT"
LARGEST_XML = 200_000_000
"""Bytes of XML that are read at once: the largest structure known, with all places of Italy, has 24 MB."""
BLOCK = 1 << 20
ROWS = 200_000
NARROWER = "Ask for fewer places, years or codes"


@dataclass(frozen=True)
class FlowStructure:
    """What a data flow is asked with: its dimensions in the order of the key, and the codes of each.

    Attributes
    ----------
    flow : str
        Identifier of the data flow.
    name : dict of str to str
        Name by language, as far as published.
    dimensions : dict of str to DataFrame
        By identifier, time left out: table indexed by ``code``, one column a language with the names; no row where any
        text may be given.
    """

    flow: str
    name: Mapping[str, str]
    dimensions: Mapping[str, pd.DataFrame]

    def to_content(self) -> dict[str, Any]:
        """Everything as JSON."""
        return {
            "flow": self.flow,
            "name": dict(self.name),
            "dimensions": [
                {"id": name, "codes": codes.reset_index().to_dict("list")}
                for name, codes in self.dimensions.items()
            ],
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> FlowStructure:
        """Build it from :meth:`to_content`'s result."""
        dimensions = {
            item["id"]: pd.DataFrame(item["codes"], columns=["code", *LANGUAGES], dtype="str").set_index(
                "code"
            )
            for item in content["dimensions"]
        }
        return cls(content["flow"], content["name"], dimensions)

    def name_codes(self, dimension: str, language: str = "it") -> pd.Series:
        """Return the names of a dimension's codes; those of the other language, or the code, where there is none."""
        codes = self.dimensions[dimension]
        other = codes[next(item for item in LANGUAGES if item != language)]
        names = codes[language].where(codes[language] != "", other)
        return names.where(names != "", codes.index.to_series())


def read_flows(path: Path) -> pd.DataFrame:
    """Read a list of data flows.

    Parameters
    ----------
    path : Path
        SDMX-ML 2.1 structure message.

    Returns
    -------
    DataFrame of str
        Indexed by ``flow``, sorted: ``version``, and the names ``it`` and ``en``, blank where there is none.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not such a message, or holds no data flow.
    """
    flows = _read_message(path).dataflow  # type: ignore[attr-defined]
    rows = {
        name: {"version": str(flow.version or ""), **_names(flow)} for name, flow in sorted(flows.items())
    }
    if not rows:
        raise SourceError(f"{Path(path).name} must list data flows", "it lists none")
    return pd.DataFrame.from_dict(rows, orient="index", dtype="str").rename_axis("flow")


def read_structure(path: Path, flow: str) -> FlowStructure:
    """Read the structure of a data flow.

    Parameters
    ----------
    path : Path
        SDMX-ML 2.1 structure message with the data flow, its data structure and code lists.
    flow : str
        Identifier of the data flow.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not such a message, or the data flow, its structure or a code list is not in it.
    """
    from sdmx.model.v21 import TimeDimension

    message = _read_message(path)
    found = message.dataflow.get(flow)  # type: ignore[attr-defined]
    definition = getattr(found, "structure", None)
    components = [
        item for item in getattr(definition, "dimensions", ()) if not isinstance(item, TimeDimension)
    ]
    if not components:
        raise SourceError(
            f"{Path(path).name} must hold the data flow {flow} with its structure",
            f"it holds {examples(message.dataflow) or 'none'}",  # type: ignore[attr-defined]
        )
    dimensions = {item.id: _codes(item) for item in sorted(components, key=lambda item: item.order or 0)}
    return FlowStructure(flow, _names(found), dimensions)


def write_observations(source: Path, target: Path, dimensions: tuple[str, ...]) -> int:
    """Write what is needed of a file of observations as CSV, and nothing else.

    Notes, names of senders and whatever else a message may hold are left behind.

    Parameters
    ----------
    source : Path
        SDMX-CSV 1.0, read in blocks, or SDMX-ML 2.1.
    target : Path
        CSV with the dimensions, ``TIME_PERIOD``, ``OBS_VALUE``, ``OBS_STATUS`` and ``UNIT_MULT``.
    dimensions : tuple of str
        Those of the structure, in order.

    Returns
    -------
    int
        Number of observations.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is of another kind, or lacks a dimension or the values.
    """
    columns = [*dimensions, TIME, VALUE, STATUS, MULTIPLIER]
    written = 0
    with target.open("w", encoding="utf-8", newline="") as stream:
        for block in _read_observation_blocks(Path(source)):
            absent = [name for name in columns[:-2] if name not in block.columns]
            if absent:
                raise SourceError(
                    f"{Path(source).name} must have the columns {', '.join(columns[:-2])}",
                    f"missing: {examples(absent)}; found: {examples(map(str, block.columns), 12)}",
                    "Ask for the structure again: it may have been changed",
                )
            block.reindex(columns=columns, fill_value="").to_csv(stream, index=False, header=not written)
            written += len(block)
    return written


def read_observations(path: Path) -> pd.DataFrame:
    """Read observations that :func:`write_observations` wrote.

    Returns
    -------
    DataFrame
        One row an observation: the dimensions and ``TIME_PERIOD`` as text, ``value`` (in units, a published multiplier
        carried out; missing where the publisher gives none), ``status`` (the publisher's flag, or blank).

    Raises
    ------
    diagnosis.errors.InputError
        A value is not a number, or a combination of dimensions and time is there twice.
    """
    path = Path(path)
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    values = pd.to_numeric(raw[VALUE].str.strip(), errors="coerce")
    multiplier = pd.to_numeric(raw[MULTIPLIER].str.strip().replace("", "0"), errors="coerce")
    for name, numbers in ((VALUE, values), (MULTIPLIER, multiplier)):
        wrong = ~numbers.between(-1e18, 1e18) & (raw[name].str.strip() != "")
        if wrong.any():
            raise InputError(
                f"{path.name}: {name} must be a number",
                f"{int(wrong.sum())} are not, for instance {examples(raw.loc[wrong, name].unique())}",
            )
    keys = raw.drop(columns=[VALUE, STATUS, MULTIPLIER])
    if (repeated := keys.duplicated()).any():
        shown = (".".join(row) for row in keys[repeated].head().itertuples(index=False))
        raise InputError(
            f"{path.name}: every observation must be there once",
            f"{int(repeated.sum())} are repeated, for instance {examples(shown)}",
        )
    return keys.assign(value=values * 10.0**multiplier, status=raw[STATUS].str.strip())


def check_xml(path: Path) -> None:
    """Check that a file is complete XML without a document type, in one pass and little memory.

    Raises
    ------
    diagnosis.errors.SourceError
        It is larger than :data:`LARGEST_XML`, has a document type (and hence perhaps entities), or is not complete.
    """
    from xml.parsers import expat

    path = Path(path)
    if (size := path.stat().st_size) > LARGEST_XML:
        raise SourceError(
            f"{path.name} must have at most {LARGEST_XML // 1_000_000} MB as XML",
            f"it has {size // 1_000_000}",
            NARROWER,
        )

    def refuse(*_: object) -> None:
        raise SourceError(f"{path.name} must not have a document type", "its XML has one: it was not read")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except expat.ExpatError as problem:
        raise SourceError(f"{path.name} must be complete XML", f"it is not: {problem}", NARROWER) from problem


def _read_message(path: Path) -> Message:
    """Read a message with sdmx1, whatever the library thinks of it."""
    import sdmx

    path = Path(path)
    check_xml(path)
    try:
        # what it cannot read, the library also prints
        with path.open("rb") as stream, contextlib.redirect_stdout(io.StringIO()):
            return sdmx.read_sdmx(stream, format="XML")
    except DiagnosisError:
        raise
    except Exception as problem:  # of any kind: its parser follows references wherever they lead
        reason = str(problem.__cause__ or problem) or type(problem).__name__
        raise SourceError(
            f"{path.name} must be a message of SDMX-ML 2.1", f"it cannot be read: {reason}"
        ) from problem


def _read_observation_blocks(path: Path) -> Iterator[pd.DataFrame]:
    with path.open("rb") as stream:
        start = stream.read(BLOCK).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        if start[:9].lower() in (b"<!doctype", b"<html>") or start[:5].lower() == b"<html":
            raise SourceError(f"{path.name} must hold observations", "it is a web page")
        yield _read_xml_observations(path)
        return
    try:
        yield from pd.read_csv(
            path, dtype=str, keep_default_na=False, chunksize=ROWS, encoding="utf-8-sig", index_col=False
        )
    except (ValueError, csv.Error) as problem:
        raise SourceError(
            f"{path.name} must be SDMX-CSV in UTF-8", f"it cannot be read: {problem}"
        ) from problem


def _read_xml_observations(path: Path) -> pd.DataFrame:
    import sdmx

    sets = getattr(_read_message(path), "data", None)
    if sets is None:
        raise SourceError(f"{path.name} must hold observations", "it holds a message of another kind")
    frames = [sdmx.to_pandas(item, attributes="o").reset_index() for item in sets if len(item)]
    if not frames:
        return pd.DataFrame()
    frame = pd.concat(frames, ignore_index=True).rename(columns={"value": VALUE})
    frame[VALUE] = frame[VALUE].map(lambda value: "" if pd.isna(value) else repr(float(value)))
    return frame.fillna("").astype("str")


def _codes(dimension: Any) -> pd.DataFrame:
    """Return the code list of a dimension, from its own representation or that of its concept."""
    concept = getattr(dimension, "concept_identity", None)
    representations = (dimension.local_representation, getattr(concept, "core_representation", None))
    lists = [item.enumerated for item in representations if item is not None and item.enumerated is not None]
    rows = {code.id: _names(code) for code in lists[0]} if lists else {}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(LANGUAGES), dtype="str").rename_axis(
        "code"
    )


def _names(item: Any) -> dict[str, str]:
    given = item.name.localizations
    return {language: str(given.get(language, "")).strip() for language in LANGUAGES}
