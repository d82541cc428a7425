"""The report of a check of a city's own files, for people who have never seen a program: row, column, what, how."""

from __future__ import annotations

import pandas as pd

from diagnosis.catalogue import check_language
from diagnosis.sources.own.data import OwnData
from diagnosis.sources.own.problems import words
from diagnosis.sources.tabular import remark

SEVERITIES = ("error", "warning", "note")
MOST_SHOWN = 20
"""Cases of one problem that the report shows one by one."""
QUOTES = {"it": ("«", "»"), "en": ("“", "”")}


def list_problems(problems: pd.DataFrame, language: str = "it") -> pd.DataFrame:
    """Return the problems in one language, as a table to hand on.

    Parameters
    ----------
    problems : DataFrame
        :attr:`diagnosis.sources.own.data.OwnData.problems`.
    language : {"it", "en"}

    Returns
    -------
    DataFrame of str
        ``file``, ``row``, ``column`` (heading and letter), ``value``, ``problem``, ``advice``, ``severity``; errors
        first. A value may begin like a formula: :func:`diagnosis.csv_files.to_csv` defuses it.
    """
    check_language(language)
    filled = problems.fillna("")
    rank = filled["severity"].map({severity: i for i, severity in enumerate(SEVERITIES)})
    ordered = filled.assign(rank=rank).sort_values(["file", "rank"], kind="stable")
    column = ordered["column"].where(
        ordered["letter"] == "", (ordered["letter"] + " " + ordered["column"]).str.strip()
    )
    return pd.DataFrame(
        {
            "file": ordered["file"],
            "row": ordered["row"],
            "column": column,
            "value": ordered["value"],
            "problem": ordered[f"problem_{language}"],
            "advice": ordered[f"advice_{language}"],
            "severity": ordered["severity"],
        }
    ).reset_index(drop=True)


def write_report(own: OwnData, language: str = "it") -> str:
    """Write what was found, file by file, as plain text that is Markdown too.

    Parameters
    ----------
    own : OwnData
    language : {"it", "en"}

    Returns
    -------
    str
        Ends in a line break.
    """
    check_language(language)
    parts = [f"# {words()['title'][language]}"]
    files = list(dict.fromkeys([*own.files, *own.problems["file"]]))
    if not files:
        parts.append(words()["nothing"][language])
    for file in files:
        found = own.problems[own.problems["file"] == file].fillna("")
        parts.append(f"## {_plain(file)}")
        errors = int((found["severity"] == "error").sum())
        indicators = sum(entry.file == file for entry in own.entries)
        if file in own.files:
            key = "used" if not errors else "partly" if indicators else "refused"
            parts.append(_say(key, language, n=errors if key == "refused" else indicators))
        for severity in SEVERITIES:
            part = found[found["severity"] == severity]
            if len(part):
                parts.append(f"### {words()[severity][language]} ({len(part)})")
                parts.append("\n".join(_tell(part, language)))
    return "\n\n".join(parts) + "\n"


def _tell(problems: pd.DataFrame, language: str) -> list[str]:
    """One line a case; the advice once where all cases of a kind share it."""
    lines = []
    nothing = words()["nothing_to_do"][language]
    for _, cases in problems.groupby("kind", sort=False):
        shared = cases[f"advice_{language}"].nunique() == 1 and len(cases) > 1
        for case in cases.head(MOST_SHOWN).to_dict("records"):
            advice = case[f"advice_{language}"]
            advice = "" if shared or advice == nothing else f" → {_plain(advice)}"
            lines.append(f"- {_where(case, language)}{_plain(case[f'problem_{language}'])}{advice}")
        if len(cases) > MOST_SHOWN:
            lines.append(f"- {_say('and_more', language, n=len(cases) - MOST_SHOWN)}")
        if shared and cases[f"advice_{language}"].iloc[0] != nothing:
            lines.append(f"  → {_plain(cases[f'advice_{language}'].iloc[0])}")
    return lines


def _where(case: dict[str, str], language: str) -> str:
    first, last = QUOTES[language]
    parts = []
    if case["sheet"]:
        parts.append(_say("sheet", language, sheet=_plain(case["sheet"])))
    if case["row"]:
        parts.append(_say("row", language, row=case["row"]))
    if case["column"] or case["letter"]:
        name = f"{first}{_plain(case['column'])}{last}" if case["column"] else ""
        parts.append(_say("column", language, column=f"{case['letter']} {name}".strip()))
    if case["value"]:
        parts.append(_say("found", language, value=_plain(case["value"])))
    where = ", ".join(parts)
    return f"{where[:1].upper()}{where[1:]}: " if where else ""


def _plain(text: str) -> str:
    """Keep what comes from a file from being read as HTML or as a link."""
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace("](", "] (")
        if "<" in text or "](" in text
        else text
    )


def _say(key: str, language: str, **values: object) -> str:
    text = words()[key]
    return remark(text.it, text.en, **values)[language]
