"""What is said of proposed areas: their README, a summary, the meaning of columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from diagnosis.report.words import FOLDER, Words
from diagnosis.schema import read_yaml

README, MANIFEST = "README.txt", "manifest.json"
WIDTH = 100


@cache
def _texts() -> Mapping[str, Mapping[str, Any]]:
    return read_yaml(FOLDER / "delineation.yml")


@cache
def _quality_columns() -> Mapping[str, Any]:
    return read_yaml(FOLDER / "columns.yml")["area_quality"]


def say(key: str, language: str, **values: Any) -> str:
    """Return one of the sentences of ``i18n/delineation.yml`` with values filled in."""
    return _say(key, Words(language), values)


def summary(facts: Mapping[str, Any], comparisons: Mapping[str, pd.Series], words: Words) -> list[str]:
    """Say in a few sentences what was found.

    Parameters
    ----------
    facts, comparisons
        See :class:`diagnosis.studies.delineation.Delineation`.
    words : Words

    Returns
    -------
    list of str
    """
    low = "low_validity" if facts["low"] else "no_low_validity"
    lines = [_say("counts", words, facts), _say(low, words, facts)]
    if facts["pieces"] is not None:
        lines.append(_say("pieces", words, {"n": facts["pieces"]}))
    lines.append(_say("internal", words, {"share": words.percent(facts["internal_share"])}))
    return [*lines, *(_comparison(name, numbers, words) for name, numbers in comparisons.items())]


def readme(
    facts: Mapping[str, Any],
    comparisons: Mapping[str, pd.Series],
    inputs: Sequence[Mapping[str, Any]],
    remarks: Iterable[Mapping[str, str]],
    files: Iterable[str],
    words: Words,
) -> str:
    """Write the README of a folder of proposed areas.

    Parameters
    ----------
    facts, comparisons, inputs, remarks
        See :class:`diagnosis.studies.delineation.Delineation`.
    files : iterable of str
        Names of the files in the folder, without README and manifest.
    words : Words

    Returns
    -------
    str
        Plain text, lines of at most :data:`WIDTH` characters.
    """
    blocks = [_title("title", words, "="), *summary(facts, {}, words), _title("section_method", words)]
    blocks.append(_say(f"mode_{facts['mode']}", words, {}))
    if facts["mode"] == "clean":
        blocks.append(_say("no_contiguity" if facts["pieces"] is None else "contiguity", words, {}))
    if facts["within"]:
        blocks.append(_say("within", words, {"file": facts["within"]}))
    blocks.append(_say("parameters", words, _thresholds(facts["parameters"], words)))
    if facts["mode"] == "clean":
        blocks.append(_say("ties", words, {"n": facts["ties"]}))
    if facts["estimated_share"] is not None:
        blocks.append(_say("estimated", words, {"share": words.percent(facts["estimated_share"])}))
    if facts["runs"]:
        blocks.append(_say("stability", words, facts))
    blocks.append(_say("proposals", words, {}))
    if comparisons:
        blocks.append(_title("section_comparison", words))
        blocks += [f"- {_comparison(name, numbers, words)}" for name, numbers in comparisons.items()]
    blocks.append(_title("section_remarks", words))
    blocks += [f"- {words.pick(item)}" for item in remarks] or [_say("no_remarks", words, {})]
    blocks.append(_title("section_inputs", words))
    for item in inputs:
        role = words.pick(_texts()["roles"][item["role"]])
        blocks.append(
            f"- {item['file']} ({role}): {words.number(item['bytes'])} byte, SHA-256 {item['sha256']}"
        )
    blocks.append(_title("section_files", words))
    blocks += [f"- {name}: {_file(name, words)}" for name in [README, *files, MANIFEST]]
    text = "\n\n".join(_wrap(block) for block in blocks) + "\n"
    return text.replace("\n\n- ", "\n- ").replace("-\n- ", "-\n\n- ")  # a list without gaps, after its title


def describe_columns(tables: Mapping[str, pd.DataFrame], words: Words) -> pd.DataFrame:
    """Say what the columns of the tables mean, as far as it is written down."""
    rows = []
    for name, table in tables.items():
        kind = name.partition("_")[0]
        known = dict(_texts()["columns"].get(kind, {}))
        if kind == "quality":
            known = {**_quality_columns(), **known}
        columns = [*(item for item in table.index.names if item is not None), *map(str, table.columns)]
        rows += [
            {"file": f"{name}.csv", "column": column, "meaning": words.pick(known[column])}
            for column in columns
            if column in known
        ]
    return pd.DataFrame(rows, columns=["file", "column", "meaning"])


def _say(key: str, words: Words, values: Mapping[str, Any]) -> str:
    shown = {name: words.number(value) if isinstance(value, int) else value for name, value in values.items()}
    return words.pick(_texts()["texts"][key]).format_map(shown)


def _title(key: str, words: Words, sign: str = "-") -> str:
    text = _say(key, words, {})
    return f"{text}\n{sign * len(text)}"


def _thresholds(parameters: Mapping[str, float], words: Words) -> dict[str, str]:
    return {
        name: words.percent(value, 0) if name.endswith("containment") else words.number(value)
        for name, value in parameters.items()
    }


def _comparison(name: str, numbers: pd.Series, words: Words) -> str:
    values = {
        "name": name,
        "rand": words.number(numbers["adjusted_rand"], 3),
        "information": words.number(numbers["adjusted_mutual_information"], 3),
        "changing": words.number(numbers["municipalities_changing"]),
        "compared": words.number(numbers["municipalities_compared"]),
        "before": words.percent(numbers["internal_share_before"]),
        "after": words.percent(numbers["internal_share_after"]),
    }
    return _say("comparison", words, values)


def _file(name: str, words: Words) -> str:
    known = _texts()["files"]
    if name in known:
        return words.pick(known[name])
    kind, _, geography = name.removesuffix(".csv").partition("_")
    return words.pick(known[kind]).format(name=geography)


def _wrap(block: str) -> str:
    if "\n" in block:
        return block
    indent = "  " if block.startswith("- ") else ""
    return textwrap.fill(
        block, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
