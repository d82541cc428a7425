"""The tables of the section on areas to run functions together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from diagnosis.areas.governance.reasons import LIMIT_WORDS
from diagnosis.report.document import Block, Prose, Table
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

MOST_NUMBERS = 12
MOST_NAMES = 20
MOST_MEMBERS, MOST_EDGE = 40, 25
"""Members of an area that are all explained; of a larger one, how many of those least firm."""
SETTLED = 0.95
"""Share of runs from which a municipality that touches no other area needs no explanation."""
LITTLE = 0.001
"""Smallest share that is told."""
DASH = "–"


def curve_table(result: Diagnosis, words: Words) -> Table:
    """Tabulate what each number of areas is worth; of many, those nearest to the proposal."""
    curve, facts = result.table("governance_curve"), result.facts["governance"]
    shown = curve.loc[choose_numbers(curve)]
    rows = tuple(
        (
            words.number(number),
            words.number(row["value"], 3),
            tell_status({**row, "areas": number}, words),
            words.percent(row["internal_share"]),
            words.number(row["smallest_population"]),
            words.number(row["longest_minutes"]),
            _remark(row, words) or DASH,
        )
        for number, row in zip(shown.index, shown.to_dict("records"), strict=True)
    )
    names = ("areas", "interaction", "how_good", "internal", "smallest", "longest", "remark")
    notes = [words("joint_curve_note")]
    if facts["minutes_estimated"]:
        notes.append(words("joint_minutes_note", n=facts["minutes_error"]))
    if len(shown) < len(curve):
        notes.append(words("joint_curve_first", shown=len(shown), n=len(curve)))
    return Table(
        "governance-curve-table",
        words("joint_curve_table"),
        _header(names, words),
        rows,
        "rrlrrrl",
        " ".join(notes),
        (0.8, 1.1, 1.7, 1.4, 1.3, 1, 2.3),
    )


def choose_numbers(curve: pd.DataFrame) -> list[int]:
    """Choose at most :data:`MOST_NUMBERS` rows of a curve.

    Parameters
    ----------
    curve : pandas.DataFrame
        The table ``governance_curve``.

    Returns
    -------
    list of int
        Ascending: the proposal, the largest interaction, the first and the last, then those nearest to the proposal,
        the ones on the front first.
    """
    chosen = int(curve.index[curve["chosen"]][0])
    kept = dict.fromkeys(
        [chosen, int(curve.index[curve["best"]][0]), int(curve.index[0]), int(curve.index[-1])]
    )
    nearest = sorted((not front, abs(int(k) - chosen), int(k)) for k, front in curve["front"].items())
    kept.update(dict.fromkeys(k for _, _, k in nearest))
    return sorted(list(kept)[:MOST_NUMBERS])


def tell_status(row: dict[str, Any], words: Words) -> str:
    """Say in a few words how good a partition is: proven best, at most so much worse than the best, or just found."""
    if row["areas"] == 1:
        return words("joint_status_single")
    if row["status"] == "optimal":
        return words("joint_status_optimal")
    if row["status"] == "no bound" or not pd.notna(row["gap"]) or row["gap"] == float("inf"):
        return words("joint_status_none")
    return words("joint_status_bounded", gap=words.percent(row["gap"]))


def _remark(row: dict[str, Any], words: Words) -> str:
    return ", ".join(words(f"governance_{name}") for name in ("chosen", "best") if row[name])


def reasons_table(result: Diagnosis, words: Words) -> list[Block]:
    """Say why the municipalities of the city's area are in it, the least firm first; nothing for one alone."""
    reasons = result.table("governance_reasons")
    members = _by_firmness(reasons[reasons["member"].astype(bool)])
    if len(members) < 2:
        return []
    settled = members["rule"].eq("only_neighbour") & (_stays(members) >= SETTLED)
    open_cases = members[~settled]
    shown = open_cases if len(members) <= MOST_MEMBERS else open_cases.head(MOST_EDGE)
    blocks: list[Block] = []
    if len(shown):
        blocks.append(_reasons(result, shown, len(open_cases), words))
    if settled.any():
        key = "joint_settled_runs" if "with_centre" in members else "joint_settled"
        blocks.append(
            Prose(
                words(
                    key,
                    n=int(settled.sum()),
                    names=list_names(sorted(members.loc[settled, "name"]), words),
                    centre=result.facts["governance"]["city_centre"],
                    k=words.number(100 * SETTLED),
                )
            )
        )
    return blocks


def _stays(members: pd.DataFrame) -> pd.Series:
    """Return the share of runs with the centre; 1 where there were none."""
    return members.get("with_centre", pd.Series(1.0, index=members.index)).fillna(1.0)


def list_names(names: Iterable[str], words: Words) -> str:
    """Join names, at most :data:`MOST_NAMES`, and say how many others there are."""
    listed = list(names)
    if len(listed) <= MOST_NAMES + 1:
        return words.join(listed)
    return words("names_and_others", names=", ".join(listed[:MOST_NAMES]), n=len(listed) - MOST_NAMES)


def _reasons(result: Diagnosis, shown: pd.DataFrame, number: int, words: Words) -> Table:
    runs = "with_centre" in shown
    rows = tuple(
        (
            str(row["name"]),
            _share(row["own_share"], words),
            str(row["second_name"]) if _has_next(row) else DASH,
            _share(row["second_share"] if _has_next(row) else None, words),
            *([_share(row["with_centre"], words)] if runs else []),
            tell_rule(row, words),
        )
        for row in shown.to_dict("records")
    )
    names = ("municipality", "own_area", "next_area", "next_share", *(["stays"] if runs else []), "why")
    notes = [words("joint_reasons_note")]
    if runs:
        notes.append(words("joint_reasons_runs", centre=result.facts["governance"]["city_centre"]))
    if len(shown) < number:
        notes.append(words("joint_reasons_first", shown=len(shown), n=number))
    return Table(
        "governance-reasons",
        words("joint_reasons_table", city=result.city.name[words.language]),
        _header(names, words),
        rows,
        "lrlr" + "r" * runs + "l",
        " ".join(notes),
        (2, 1, 1.6, 1, *[1.2] * runs, 4.2),
    )


def _by_firmness(members: pd.DataFrame) -> pd.DataFrame:
    """Sort: seldom with the centre first, then those that exchange little more with their area than with the next."""
    alone = ~members.apply(_has_next, axis=1).astype(bool)
    keys = pd.DataFrame(
        {
            "stays": _stays(members),
            "alone": alone,
            "margin": members["own_share"] - members["second_share"],
            "name": members["name"],
        },
        index=members.index,
    )
    return members.loc[keys.sort_values(list(keys), kind="stable").index]


def _has_next(row: Any) -> bool:
    """Whether a municipality touches another area it might be in."""
    return row["rule"] not in ("only_neighbour", "bound") and pd.notna(row["second_name"])


def tell_rule(row: dict[str, Any], words: Words) -> str:
    """Say what keeps a municipality in its area, or what would happen if it went to the next one."""
    rule, limits = row["rule"], str(row["limit"] or "").split()
    if rule in ("only_neighbour", "bound"):
        return words({"only_neighbour": "joint_rule_only", "bound": "joint_rule_bound"}[rule])
    limit = LIMIT_WORDS[words.language].get(limits[0], "") if limits else ""
    share = row["interaction_change"]
    little = abs(share) < LITTLE / 2
    if rule == "closest" and limit:
        return words("joint_rule_limit", limit=limit)
    if rule == "closest":
        change = words("joint_rule_unchanged") if little else _signed_percent(share, words)
        return words("joint_rule_stays", change=change)
    if rule in ("breaks_own", "breaks_other"):
        return words("joint_rule_held", limit=limit)
    change = (
        words("joint_rule_little", share=words.percent(LITTLE)) if little else _signed_percent(share, words)
    )
    if row["open_choice"]:
        more = max(1, round(row["internal_change"]))
        return words("joint_rule_open", second=row["second_name"], n=more, change=change)
    return words({"sum_falls": "joint_rule_falls", "sum_rises": "joint_rule_rises"}[rule], change=change)


def _signed_percent(share: float, words: Words) -> str:
    return f"+{words.percent(share)}" if share > 0 else words.percent(share)


def practice_table(result: Diagnosis, words: Words) -> list[Block]:
    """Tabulate what makes the areas that touch the territory easy or hard to set up."""
    summary, facts = result.table("governance_summary"), result.facts["governance"]
    rows = tuple(
        (
            str(row["name"]),
            words.number(row["members"]),
            words.number(row["population"] or None),
            f"{words.number(row['small_members'])} ({words.percent(row['small_share'], 0)})",
            _borders(row, words),
            words("joint_of", n=int(row["ties_kept"]), of=words.number(row["ties"])) if row["ties"] else DASH,
            words("joint_minutes", name=row["farthest"], minutes=words.number(row["longest_minutes"]))
            if row["members"] > 1 and pd.notna(row["farthest"])
            else DASH,
            _screen(row, words),
        )
        for row in summary.to_dict("records")
    )
    names = ("area", "members", "residents", "small", "borders", "ties", "farthest", "screen")
    notes = [words("joint_practice_note")]
    if facts["minutes_estimated"]:
        notes.append(words("joint_minutes_note", n=facts["minutes_error"]))
    if (summary["without_population"] > 0).any():
        notes.append(words("quality_without"))
    return [
        Prose(words("joint_practice_text")),
        Table(
            "governance-practice-table",
            words("joint_practice_table"),
            _header(names, words),
            rows,
            "lrrrllll",
            " ".join(notes),
            (1.9, 1.3, 1.2, 1.3, 1.6, 1.6, 2.2, 1.4),
        ),
    ]


def _borders(row: dict[str, Any], words: Words) -> str:
    told = [
        words(f"joint_borders_{name}", n=int(row[f"{name}_crossed"]))
        for name in ("province", "region")
        if row.get(f"{name}_crossed", 0)
    ]
    return ", ".join(told) or words("joint_borders_none")


def _screen(row: dict[str, Any], words: Words) -> str:
    """Compare with the threshold of an association; open where residents are missing and the others are too few."""
    if pd.isna(row["reaches_association"]):
        return DASH
    return words("joint_above" if row["reaches_association"] else "joint_below")


def functions_table(result: Diagnosis, words: Words) -> list[Block]:
    """Set the functions beside each other, and say which have no areas and which networks are missing."""
    functions, layers = result.table("governance_functions"), result.table("governance_layers")
    drawn = functions[functions["areas"].notna()]
    blocks: list[Block] = []
    if len(drawn):
        rows = tuple(
            (
                _function_name(row, words),
                ", ".join(_networks(layers[layers["function"] == name], words)),
                words.number(row["areas"]),
                words.number(row["single"]),
                words.number(row["city_members"]),
                words.percent(row["internal_share"]),
                tell_status(row, words),
            )
            for name, row in zip(drawn.index, drawn.to_dict("records"), strict=True)
        )
        names = ("function", "networks", "areas", "single", "city_members", "internal", "how_good")
        table = Table(
            "governance-functions-table",
            words("joint_functions_table"),
            _header(names, words),
            rows,
            "llrrrrl",
            " ".join([words("joint_functions_note"), *_function_remarks(drawn, words)]),
            (2.3, 2.8, 0.8, 1, 1.1, 1.2, 1.6),
        )
        blocks.append(table)
    texts = [
        words(
            "joint_not_drawn",
            name=row[words.language],
            reason=row[f"reason_{words.language}"].rstrip("."),
        )
        for row in functions[functions["areas"].isna()].to_dict("records")
        if not row["main"] or len(drawn) == 0
    ]
    absent = layers[~layers["found"].astype(bool)].drop_duplicates("layer")
    if len(absent):
        named = words.join(
            words(
                "joint_layer_absent",
                name=words(f"joint_layer_{row['layer']}"),
                reason=row[f"reason_{words.language}"],
            )
            for row in absent.to_dict("records")
        )
        texts.append(words("joint_layers_absent", names=named))
    return [*blocks, Prose(" ".join(texts))] if texts else blocks


def _function_remarks(drawn: pd.DataFrame, words: Words) -> list[str]:
    """Say which functions have the very same partition, and where estimated minutes exceed what is wished."""
    names = drawn[words.language]
    remarks = []
    first = drawn["same_as"].where(drawn["same_as"] != "", drawn.index.to_series())
    groups = [words.join(named) for _, named in names.groupby(first, sort=False) if len(named) > 1]
    if groups:
        remarks.append(words("joint_functions_same", groups="; ".join(groups)))
    beyond = names[drawn["longest_minutes"] > drawn["max_minutes"]]
    remarks += [
        words("joint_functions_minutes", n=words.number(minutes), names=words.join(named))
        for minutes, named in beyond.groupby(drawn["max_minutes"])
    ]
    return remarks


def _function_name(row: dict[str, Any], words: Words) -> str:
    name = row[words.language]
    if row["main"]:
        return words("joint_main_function", name=name)
    return words("joint_own_function", name=name) if row["own"] else name


def _networks(layers: pd.DataFrame, words: Words) -> list[str]:
    """Name the networks of a function that were found, those that a model estimated marked."""
    named = []
    for row in layers[layers["found"].astype(bool)].to_dict("records"):
        name = words(f"joint_layer_{row['layer']}")
        named.append(words("joint_layer_modelled", name=name) if row["modelled"] else name)
    return named


def _header(names: tuple[str, ...], words: Words) -> tuple[str, ...]:
    return tuple(words(f"column_{name}") for name in names)


def _share(value: Any, words: Words) -> str:
    return DASH if pd.isna(value) else words.percent(value, 0)
