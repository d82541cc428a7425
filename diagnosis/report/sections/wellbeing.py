"""The well-being of the province: published indicators, by domain, beside region and country."""

from __future__ import annotations

import pandas as pd

from diagnosis.catalogue import Catalogue, Indicator, load_catalogue
from diagnosis.report.document import Block, Prose, Section, Table
from diagnosis.report.sections.blocks import drawings, interval
from diagnosis.report.sections.quality import grade_cell, graded_name
from diagnosis.report.sections.summary import nation, write_year
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

VERDICTS = ("above", "below", "mostly_above", "mostly_below", "open")
SHARED_VERDICTS = {"mostly_above", "mostly_below", "open"}
"""Verdicts that are told with the share of the recalculations in which they hold."""
SARDINIA = "Sardegna"
"""Where crimes are published for the provinces of 2005, as ISTAT notes in the file."""


def write_wellbeing(result: Diagnosis, words: Words) -> list[Section]:
    """Write the profile of the province and the table of its indicators."""
    facts = result.facts["wellbeing"]
    catalogue = load_catalogue()
    blocks: list[Block] = [
        Prose(
            words(
                "wellbeing_text",
                n=facts["indicators"],
                body=result.facts["territory"]["name"][words.language],
                first=facts["first_year"],
                last=facts["last_year"],
            )
        )
    ]
    if facts["flagged"]:
        names = words.join(catalogue[name].name[words.language] for name in facts["flagged"])
        blocks.append(Prose(words("wellbeing_flagged", names=names)))
    if facts["without_value"]:
        names = words.join(catalogue[name].name[words.language] for name in facts["without_value"])
        blocks.append(Prose(words("wellbeing_without", names=names)))
    if result.facts["territory"]["region_name"] == SARDINIA:
        blocks.append(Prose(words("wellbeing_sardinia")))
    blocks += [Prose(text) for text in _certainty(result, words)]
    blocks += drawings(result, words, ("domains",), ("domain_ranks",))
    blocks.append(_scores(result, words))
    blocks += _reach(result, words)
    blocks += _course(result, words)
    blocks += drawings(result, words, ("trends",))
    blocks.append(_table(result, words))
    return [Section("wellbeing", words("wellbeing"), tuple(blocks))]


def _certainty(result: Diagnosis, words: Words) -> list[str]:
    """Say which comparisons with the country survive every choice of method, and which do not."""
    facts = result.facts["wellbeing"]
    domains = load_catalogue().domains
    names: dict[str, list[str]] = {}
    for domain, found in facts["verdicts"].items():
        names.setdefault(found, []).append(words("quoted", text=domains[domain].name[words.language]))
    told = [
        words(f"verdicts_{found}", names=words.join(names[found]), n=len(names[found]))
        for found in VERDICTS
        if found in names
    ]
    replications = facts["replications"]
    texts = [
        words("wellbeing_choices", n=replications["each"], nation=nation(result, words)),
        " ".join(told),
    ]
    texts[0] += " " + words("replications_failed", n=replications["failed"]) if replications["failed"] else ""
    choices = result.table("domain_choices")
    if len(choices):
        shares = choices.groupby("factor")["total"].mean()
        most = words(f"choice_{shares.idxmax()}")
        texts.append(words("wellbeing_choice", choice=most, share=words.number(shares.max(), 2)))
    return texts


def _scores(result: Diagnosis, words: Words) -> Table:
    """Tabulate the scores of the domains with their intervals and places."""
    facts = result.facts["wellbeing"]
    found = result.table("domain_intervals")
    rows = found[found["unit"] == facts["province"]].set_index("domain")
    names = load_catalogue().domains
    lines = tuple(
        (
            names[domain].name[words.language],
            words.number(row["score"], 1),
            interval(row["lower"], row["upper"], 1, words),
            "–" if pd.isna(row["rank"]) else f"{words.number(row['rank'])}/{words.number(row['of'])}",
            words(
                f"verdict_{facts['verdicts'][domain]}",
                share=_share(row["above"], facts["verdicts"][domain], words),
            )
            if facts["verdicts"].get(domain)
            else "–",
            grade_cell(result, str(domain)),
        )
        for domain, row in rows.iterrows()
    )
    country = nation(result, words)
    notes = [words("domain_scores_note"), words("grades_where")]
    if any(facts["verdicts"].get(domain) in SHARED_VERDICTS for domain in rows.index):
        notes.insert(1, words("domain_scores_share"))
    header = (
        words("column_domain"),
        words("column_score"),
        words("column_interval"),
        words("column_rank"),
        words("column_verdict", nation=country),
        words("column_quality"),
    )
    return Table(
        "domain-scores",
        words("domain_scores_table", nation=country),
        header,
        lines,
        "lrrrll",
        " ".join(notes),
    )


def _course(result: Diagnosis, words: Words) -> list[Block]:
    """Tell how the scores of the domains changed, and which changes can be read; nothing without five years."""
    changes = result.table("domain_changes")
    known = changes[changes["score_first"].notna()]
    if known.empty:
        return []
    catalogue = load_catalogue()
    names = {domain: catalogue.domains[str(domain)].name[words.language] for domain in changes.index}
    readings = {domain: _reading(row) for domain, row in known.iterrows()}
    told = [
        words(f"course_{kind}", names=words.join(words("quoted", text=names[name]) for name in found))
        for kind in ("rises", "falls", "gains", "loses")
        if (found := [name for name, reading in readings.items() if reading == kind])
    ]
    rows = tuple(
        (
            names[domain],
            f"{row['first']}–{row['last']}",
            words.signed(row["change"], 1),
            "–" if pd.isna(row["country_change"]) else words.signed(row["country_change"], 1),
            words.number(row["indicators"]),
            words(f"reading_{readings[domain]}"),
            _mover(row, readings[domain], catalogue, words),
        )
        for domain, row in known.iterrows()
    )
    columns = ("domain", "years", "change_points", "change_country", "indicators", "reading", "mover")
    header = tuple(words(f"column_{name}", nation=nation(result, words)) for name in columns)
    without = [names[domain] for domain in changes.index if domain not in known.index]
    note = words("course_note") + (
        " " + words("course_without", names=words.join(without)) if without else ""
    )
    text = words("course_text", nation=nation(result, words))
    return [
        Prose(" ".join([text, *(told or [words("course_none")])])),
        *drawings(result, words, ("domain_courses",)),
        Table(
            "domain-changes",
            words("course_table"),
            header,
            rows,
            "lrrrrll",
            note,
            (3, 1.4, 0.9, 0.9, 1.2, 2.2, 3.2),
        ),
    ]


def _reading(row: pd.Series) -> str:
    """Say what can be read from a change: only what all ways of calculation agree on and is above the usual."""
    if row["clear"] and row["verdict"] in {"rises", "falls"}:
        return str(row["verdict"])
    if row["relative_clear"] and row["relative_verdict"] in {"rises", "falls"}:
        return "gains" if row["relative_verdict"] == "rises" else "loses"
    return "nothing"


def _mover(row: pd.Series, reading: str, catalogue: Catalogue, words: Words) -> str:
    """Name the indicator that pushed most in the direction that is told; none where nothing is."""
    upwards = reading in {"rises", "gains"}
    for which in ("mover", "brake") if reading != "nothing" else ():
        name, part = row[which], row[f"{which}_part"]
        if isinstance(name, str) and name and (part > 0) == upwards:
            return f"{catalogue[name].name[words.language]} ({words.signed(part, 1)})"
    return "–"


def _share(above: float, found: str, words: Words) -> str:
    """Share of the recalculations in which what is said of the comparison holds."""
    return words.percent(1 - above if found == "mostly_below" else above, 0)


def _reach(result: Diagnosis, words: Words) -> list[Block]:
    """Say what would have to change for the lowest domain to have the country's score: arithmetic, no forecast."""
    facts = result.facts["wellbeing"]["smallest_change"]
    if not facts:
        return []
    catalogue = load_catalogue()
    found = result.table("smallest_change")
    moved = found[found["change"].abs() > 0]
    domain = catalogue.domains[facts["domain"]].name[words.language]
    shown = {
        "domain": domain,
        "score": words.number(facts["score"], 1),
        "target": words.number(facts["target"] if facts["reached"] else facts["best_score"], 1),
    }
    rows = tuple(_reach_row(catalogue[str(name)], row, words) for name, row in moved.iterrows())
    columns = ["indicator", "now", "needed", "change", "alone"]
    if moved["alone_value"].isna().all():
        columns = columns[:-1]
    header = tuple(words(f"column_{name}") for name in columns)
    table = Table(
        "smallest-change",
        words("reach_table", domain=domain),
        header,
        tuple(row[: len(columns)] for row in rows),
        "l" + "r" * (len(columns) - 1),
        words("reach_note" if "alone" in columns else "reach_none"),
    )
    return [Prose(words("reach" if facts["reached"] else "reach_not", **shown)), table]


def _reach_row(item: Indicator, row: pd.Series, words: Words) -> tuple[str, ...]:
    return (
        words.with_unit(item.name[words.language], item.unit[words.language]),
        _cell(item, row["value"], words),
        _cell(item, row["value_needed"], words),
        words.signed(row["change"], item.decimals),
        _cell(item, row["alone_value"], words),
    )


def _table(result: Diagnosis, words: Words) -> Table:
    catalogue = load_catalogue()
    found = result.table("wellbeing").drop(index=result.facts["wellbeing"]["flagged"])
    rows: list[tuple[str, ...]] = []
    for domain in catalogue.domains.values():
        items = [item for item in catalogue.select(domain=domain.id) if item.id in found.index]
        if items:
            rows.append((graded_name(result, domain, words),))
            rows += [_row(item, found.loc[item.id], words) for item in items]
    header = (
        words("column_indicator"),
        words("column_year"),
        words("column_province"),
        words("column_region"),
        nation(result, words),
        words("column_rank"),
    )
    return Table(
        "wellbeing-indicators",
        words("wellbeing_table"),
        header,
        tuple(rows),
        "lrrrrr",
        words("wellbeing_note"),
    )


def _row(item: Indicator, values: pd.Series, words: Words) -> tuple[str, ...]:
    return (
        words.with_unit(item.name[words.language], item.unit[words.language]),
        "–" if pd.isna(values["year"]) else write_year(item.id, values["year"], words),
        _cell(item, values["value"], words) + _mark(item, values),
        _cell(item, values["region"], words),
        _cell(item, values["country"], words),
        "–"
        if pd.isna(values["position"])
        else f"{words.number(values['position'])}/{words.number(values['of'])}",
    )


def _cell(item: Indicator, value: float, words: Words) -> str:
    return "–" if pd.isna(value) else words.number(value, item.decimals)


def _mark(item: Indicator, values: pd.Series) -> str:
    """Say by shape, not by colour alone, whether the province does better than the country."""
    value, country = values["value"], values["country"]
    if item.direction == "neutral" or pd.isna(value) or pd.isna(country) or value == country:
        return ""
    return " ▲" if (value > country) == (item.direction == "positive") else " ▼"
