"""The first page: who this is about, a dozen figures, strengths and weaknesses."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis.catalogue import Indicator, load_catalogue
from diagnosis.indicators.breaks import is_provisional
from diagnosis.report.document import (
    Block,
    Card,
    Cards,
    Drawing,
    Finding,
    Findings,
    Lead,
    Notice,
    Prose,
    Section,
)
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.sections.governance_members import tell_city_area
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.stages import findings
from diagnosis.stages.own import LEVEL as OWN_LEVEL
from diagnosis.stages.own import merge_catalogue

FEWEST_DOMAINS = 3
ALIKE = 0.01
"""Part of the yardstick below which a difference is none."""


def write_notices(result: Diagnosis, words: Words) -> tuple[Notice, ...]:
    """Write what must be known before any figure is read: invented, modelled or partly estimated data."""
    kind = result.manifest.flows_kind
    notices = [] if kind == "observed" else [Notice(words(kind), words(f"{kind}_title"))]
    if result.city.comment is not None:
        notices.append(Notice(result.city.comment[words.language], words("comment_title")))
    return tuple(notices)


def write_summary(result: Diagnosis, words: Words) -> Section:
    """Write the score card, the strengths and the weaknesses."""
    text = " ".join(_in_short(result, words))
    place = drawings(result, words, ("locator",))
    blocks: list[Block] = [Lead(text, block) for block in place if isinstance(block, Drawing)]
    blocks = [*(blocks or [Prose(text)]), Cards(headline(result, words))]
    if "findings" in result.tables:
        blocks.append(_findings(result, words))
    return Section("summary", words("summary"), tuple(blocks))


def nation(result: Diagnosis, words: Words) -> str:
    """Name of the country in the language of the report."""
    return result.facts["territory"]["country_name"][words.language]


def headline(result: Diagnosis, words: Words) -> tuple[Card, ...]:
    """Write the figures of the first page, those there are data for."""
    facts = result.facts
    territory = facts["territory"]
    cards = []
    if territory["city_residents"]:
        share = words.percent(territory["city_residents"] / territory["residents"])
        note = words("card_city_residents_note", share=share)
        cards.append(_card("city_residents", (territory["city_residents"], 0, ""), note, words))
    if territory["residents"]:
        cards += _resident_cards(territory, words)
    cards += _indicator_card(result, words, "old", "old_age_index", "territory")
    cards += _indicator_card(result, words, "self", "residents_self_containment", "city")
    if result.has("networks"):
        networks = facts["networks"]
        note = words("card_in_note", out=words.number(networks["city_out"])) + _modelled(result, words)
        cards.append(_card("in", (networks["city_in"], 0, ""), note, words))
    if result.has("networks") and networks["share_residents_inside"] is not None:
        inside = (100 * networks["share_residents_inside"], 1, "%")
        shown = words.measure(*inside)
        observed = _at_least(
            networks["commuters_inside_observed"], networks["commuters_resident"], shown, words
        )
        cards.append(
            _card("inside", inside, words("card_inside_note") + observed + _modelled(result, words), words)
        )
    if result.has("areas") and facts["areas"]["city_area"] is not None:
        cards += _area_cards(result, words)
    for name in ("flood", "landslide"):
        cards += _indicator_card(result, words, name, f"{name}_residents_share", "territory")
    cards += _indicator_card(result, words, "inner", "inner_areas_residents_share", "territory")
    return tuple(cards)


def _resident_cards(territory: dict[str, Any], words: Words) -> list[Card]:
    density = words.number(territory["density"])
    known = territory["municipalities"] - len(territory["without_residents"])
    part = "" if known == territory["municipalities"] else "_part"
    note = words(f"card_residents_note{part}", n=territory["municipalities"], known=known, density=density)
    share = words.percent(territory["small_residents"] / territory["residents"])
    return [
        _card("residents", (territory["residents"], 0, ""), note, words),
        _card(
            "small",
            (territory["small_municipalities"], 0, ""),
            words("card_small_note", share=share),
            words,
        ),
    ]


def _card(name: str, number: tuple[float, int, str], note: str, words: Words, tone: str = "") -> Card:
    value, decimals, unit = number
    return Card(name, words(f"card_{name}"), words.measure(value, decimals, unit), note, tone, number)


def _indicator_card(result: Diagnosis, words: Words, name: str, indicator: str, row: str) -> list[Card]:
    """One card of an indicator beside its yardstick; none where it has no value."""
    if "groups" not in result.tables or indicator not in result.tables["groups"]:
        return []
    item = load_catalogue()[indicator]
    value = result.tables["groups"].at[row, indicator]
    if pd.isna(value):
        return []
    unit = "%" if item.unit[words.language] == "%" else ""
    modelled = indicator in result.facts["indicators"]["modelled"]
    yardstick, label = _yardstick(result, words, item)
    note = words(f"card_{name}_note", yardstick=f"{label} {words.measure(yardstick, item.decimals, unit)}")
    if modelled:
        note = words("card_modelled")
    tone = _tone(value, yardstick, item.direction) if item.comparable and not modelled else ""
    if item.endowment and tone == "good":
        tone = ""
    return [_card(name, (float(value), item.decimals, unit), note, words, tone)]


def _yardstick(result: Diagnosis, words: Words, item: Indicator) -> tuple[float, str]:
    """Return the country's value, or the median of the like cities where the country's is 100 by construction."""
    if item.comparable:
        return result.tables["groups"].at["country", item.id], nation(result, words)
    like = result.facts["indicators"]["compared_with"]
    others = result.tables["capitals"][item.id].drop(result.city.code)
    return others.median(), words(f"median_{like}")


def _tone(value: float, yardstick: float, direction: str) -> str:
    if direction == "neutral" or pd.isna(yardstick) or abs(value - yardstick) <= ALIKE * abs(yardstick):
        return ""
    return "good" if (value > yardstick) == (direction == "positive") else "bad"


def _area_cards(result: Diagnosis, words: Words) -> list[Card]:
    areas = result.facts["areas"]
    quality = result.table("area_quality").loc[areas["city_area"]]
    outside = areas["city_outside_territory"]
    key = "card_area_note" if outside else "card_area_note_inside"
    note = words(key, residents=words.number(areas["city_residents"]), n=outside) + _modelled(result, words)
    demand = words.percent(quality["demand_self_containment"])
    closed = (100 * float(quality["supply_self_containment"]), 1, "%")
    at_least = _at_least(
        areas["city_internal_observed"], quality["employed_residents"], words.measure(*closed), words
    )
    return [
        _card("area", (areas["city_members"], 0, ""), note, words),
        _card(
            "closed",
            closed,
            words("card_closed_note", demand=demand) + at_least + _modelled(result, words),
            words,
        ),
    ]


def _at_least(observed: int | None, total: float, shown: str, words: Words) -> str:
    """Say which part of a share rests on observed flows, where the others are estimates and it is not all as shown."""
    if observed is None or not total:
        return ""
    share = words.percent(observed / total)
    return "" if share == shown else "; " + words("card_observed", share=share)


def _modelled(result: Diagnosis, words: Words) -> str:
    """Say behind a figure that the flows it rests on are modelled."""
    return f"; {words('card_modelled')}" if result.manifest.flows_kind == "modelled" else ""


def _in_short(result: Diagnosis, words: Words) -> list[str]:
    """Two or three sentences that say what matters most."""
    facts = result.facts
    city = result.city.name[words.language]
    sentences = []
    if result.has("networks"):
        networks = facts["networks"]
        more = networks["city_in"] > networks["city_out"]
        sentences.append(
            words(
                "short_attracts" if more else "short_sends",
                city=city,
                city_in=words.number(networks["city_in"]),
                city_out=words.number(networks["city_out"]),
            )
        )
    if result.has("areas") and facts["areas"]["city_area"] is not None:
        areas = facts["areas"]
        key = "short_area" if areas["city_outside_territory"] else "short_area_inside"
        members, outside = areas["city_members"], areas["city_outside_territory"]
        sentences.append(words(key, city=city, n=members, outside=outside))
    if result.has("governance") and result.facts["governance"]["city_area"] is not None:
        proposal = result.facts["governance"]
        if proposal["city_members"] > 1 and proposal["functions"] > 1:
            sentences.append(tell_city_area(result, words))
    if sentences and result.manifest.flows_kind == "modelled":
        sentences.append(words("short_modelled"))
    if result.has("wellbeing"):
        sentences += _domains_in_short(result, words)
    return sentences


def _domains_in_short(result: Diagnosis, words: Words) -> list[str]:
    facts = result.facts["wellbeing"]
    scores = result.table("domain_scores").loc[facts["province"]].dropna().sort_values()
    if len(scores) < FEWEST_DOMAINS:
        return []
    names = {name: domain.name[words.language] for name, domain in load_catalogue().domains.items()}
    best, worst = scores.index[-1], scores.index[0]
    verdicts = list(facts["verdicts"].values())
    settled = {name: verdicts.count(name) for name in ("above", "below")}
    parts = words.join(words(f"domains_{name}", n=number) for name, number in settled.items() if number)
    unsettled = len([name for name in verdicts if name]) - sum(settled.values())
    country = nation(result, words)
    if parts:
        made = int(facts["replications"]["each"])
        text = words("short_domains", nation=country, parts=parts, n=made)
        text += words("domains_open", n=unsettled) if unsettled else ""
    else:
        text = words("domains_none", nation=country)
    shown = {
        "best": names[best],
        "best_score": words.number(scores[best], 1),
        "worst": names[worst],
        "worst_score": words.number(scores[worst], 1),
    }
    return [f"{text}.", words("short_extremes", **shown)]


def _findings(result: Diagnosis, words: Words) -> Findings:
    found = result.table("findings")
    group = result.facts.get("indicators", {}).get("compared_with", "capitals")
    number = int(result.facts.get("indicators", {}).get("like", 0))
    return Findings(
        strengths_title=words("strengths"),
        weaknesses_title=words("weaknesses"),
        strengths=_finding_list(result, words, findings.choose(found, "strength")),
        weaknesses=_finding_list(result, words, findings.choose(found, "weakness")),
        none=words("findings_none"),
        rule=words("findings_rule", group=words(f"group_{group}", n=number))
        + (f" {words('findings_rule_own')}" if (found["level"] == OWN_LEVEL).any() else ""),
    )


def write_year(indicator: str, year: str, words: Words) -> str:
    """Write the year of a value, and that it is provisional where its publisher says so."""
    return words("year_provisional", year=year) if is_provisional(indicator, year) else str(year)


def _finding_list(result: Diagnosis, words: Words, chosen: pd.DataFrame) -> tuple[Finding, ...]:
    catalogue = merge_catalogue(result.tables)
    years = result.tables["wellbeing"]["year"] if "wellbeing" in result.tables else {}
    items = []
    for row in chosen.to_dict("records"):
        item = catalogue[row["indicator"]]
        unit = item.unit[words.language]
        name = item.name[words.language]
        whose = "capital" if name.endswith(words("capital_only")) else row["level"]
        details: dict[str, Any] = {
            "position": words.ordinal(int(row["position"])),
            "of": words.number(row["of"]),
            "year": write_year(row["indicator"], years.get(row["indicator"], item.year), words),
        }
        detail = [words(f"finding_{whose}", **details)]
        if row["tied"]:
            detail.append(words("finding_tied", n=int(row["tied"])))
        if pd.notna(row["reference"]):
            reference = words.measure(row["reference"], item.decimals, "%" if unit == "%" else "")
            whose = words("own_territory") if row["level"] == OWN_LEVEL else nation(result, words)
            detail.append(f"{whose} {reference}")
        shown_unit = "" if words.says_unit(name, unit) else unit
        text = words("finding", name=name, value=words.measure(row["value"], item.decimals, shown_unit))
        items.append(Finding(text, " · ".join([*detail, details["year"]])))
    return tuple(items)
