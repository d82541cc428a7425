"""How an explained indicator is shown on the terminal, and written as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from diagnosis.commands.data_texts import DataWords
from diagnosis.commands.terminal import write_table
from diagnosis.errors import EXAMPLES_SHOWN
from diagnosis.indicators import REASONS
from diagnosis.schema import LANGUAGES, lower_first

if TYPE_CHECKING:
    from diagnosis.national.explanation import IndicatorExplanation, PlaceValues

EMPTY = "–"


def show_explanation(found: IndicatorExplanation, language: str) -> None:
    """Write an explanation: definition, sources, coverage; for a city values and codes."""
    say = DataWords(language)
    item = found.indicator
    click.echo(f"{item.name[language]} [{item.id}]")
    others = [item.name[other] for other in LANGUAGES if other != language]
    click.echo(f"{', '.join(others)}\n")
    write_table(("", ""), [row for row in _definition(found, say) if row[1]])
    click.echo(f"\n{say('explain_sources')}")
    if found.place is not None and found.place.territory.city.data:
        click.echo(say("own_country"))
    write_table(("", ""), list(_sources(found, say)))
    click.echo("")
    for line in _coverage(found, say):
        click.echo(line)
    if found.place is not None:
        _show_place(found, found.place, say)


def to_json(found: IndicatorExplanation, language: str) -> dict[str, Any]:
    """Return an explanation as JSON can say it."""
    item, place = found.indicator, found.place
    sources = []
    for name, source in found.sources.items():
        here = found.files.get(name)
        sources.append(
            {
                **source.model_dump(mode="json"),
                "address": source.address,
                "here": here is not None,
                "tier": here.tier if here else "",
                "file_here": here.file if here else "",
                "sha256_here": here.sha256 if here else "",
                "as_listed": here.as_listed if here else None,
                "stands_in": here.stands_in if here else False,
            }
        )
    content: dict[str, Any] = {
        "indicator": item.model_dump(mode="json"),
        "domain": found.domain.model_dump(mode="json"),
        "sources": sources,
        "units": found.units,
        "with_value": found.with_value,
        "without_value": dict(found.reasons),
        "year": found.year,
        "modelled": found.modelled,
    }
    if place is not None:
        content["place"] = {
            "city": place.territory.city.id,
            "territory": place.territory.name[language],
            "groups": place.groups.to_dict("index"),
            "municipalities": place.members.reset_index().to_dict("records"),
            "series": place.series.to_dict(),
            "reason": place.reason,
            "code_events": {life.code: life.events.to_dict("records") for life in place.lives},
        }
    return content


def _definition(found: IndicatorExplanation, say: DataWords) -> Iterator[tuple[str, str]]:
    item, language = found.indicator, say.language
    yield say("explain_domain"), found.domain.name[language]
    yield say("explain_measures"), item.description[language]
    yield say("explain_formula"), item.formula
    yield say("explain_numerator"), item.numerator[language] if item.numerator else ""
    yield say("explain_denominator"), item.denominator[language] if item.denominator else ""
    yield say("explain_unit"), item.unit[language]
    yield say("explain_direction"), say(f"direction_{item.direction}")
    yield say("explain_level"), say(f"level_{item.level}")
    yield say("explain_sdg"), say("sdg_note", n=item.sdg)
    yield say("explain_year"), item.year
    yield say("explain_scored"), found.domain.scoring[language] if item.scored else EMPTY
    yield (
        say("explain_classes"),
        "; ".join(f"{code}: {name[language]}" for code, name in item.categories.items()),
    )
    yield say("explain_limits"), item.limits[language] if item.limits else ""


def _sources(found: IndicatorExplanation, say: DataWords) -> Iterator[tuple[str, str]]:
    language = say.language
    for name, source in found.sources.items():
        file = found.files.get(name)
        sure = "licence_sure" if source.licence_confirmed else "licence_unsure"
        lines = [
            f"{source.title[language]}. {source.publisher}",
            say(sure, licence=source.licence),
            source.reference_date + (f"; {say('vintage', year=source.vintage)}" if source.vintage else ""),
            f"{say('page')}: {source.landing_page} ({say('address')}: {say(f'address_{source.address}')})",
        ]
        if file is None:
            lines.append(say("not_here", cost=source.needed_for[language]))
        else:
            listed = {True: "listed", False: "other", None: "unlisted"}[file.as_listed]
            size = say.number(file.bytes)
            lines.append(say("here_as", tier=file.tier, file=file.file, bytes=size))
            lines.append(f"SHA-256 {file.sha256} ({say(f'checksum_{listed}')})")
            if file.note is not None:
                lines.append(file.note[language])
        yield from zip([name] + [""] * (len(lines) - 1), lines, strict=True)


def _coverage(found: IndicatorExplanation, say: DataWords) -> Iterator[str]:
    yield say(f"coverage_{found.indicator.level}", n=found.with_value, total=found.units)
    for reason, number in found.reasons.items():
        yield f"- {say('coverage_without', n=number, reason=_reason(reason, say))}"
    if found.modelled:
        yield say("modelled")


def _reason(reason: str, say: DataWords) -> str:
    if say.has(f"reason_{reason}"):
        return say(f"reason_{reason}")
    return lower_first(REASONS[reason][say.language])


def _show_place(found: IndicatorExplanation, place: PlaceValues, say: DataWords) -> None:
    language = say.language
    city = place.territory.city
    click.echo(f"\n{say('place', city=city.name[language], territory=place.territory.name[language])}")
    if place.reason:
        told = _reason(place.reason, say)
        click.echo(f"{told[:1].upper()}{told[1:]}.")
    if len(place.groups):
        rows = [
            (say(f"group_{name}"), _value(row["value"], found, say), row["year"])
            for name, row in place.groups.iterrows()
        ]
        write_table((say("group"), say("value"), say("explain_year")), rows)
    if len(place.series):
        values = ", ".join(f"{year}: {_value(value, found, say)}" for year, value in place.series.items())
        click.echo(say("course", values=values))
    if len(place.members):
        click.echo("")
        rows = [
            (
                code,
                row["name"],
                say("missing_because", reason=_reason(row["reason"], say))
                if row["reason"]
                else _value(row["value"], found, say),
            )
            for code, row in place.members.iterrows()
        ]
        write_table((say("code"), say("municipality"), say("value")), rows)
    if not city.data:
        click.echo("")
        for line in _codes(place, say):
            click.echo(line)


def _value(value: Any, found: IndicatorExplanation, say: DataWords) -> str:
    item = found.indicator
    if pd.isna(value):
        return EMPTY
    if item.categories:
        name = item.categories.get(str(value))
        return f"{value}: {name[say.language]}" if name else str(value)
    return say.measure(value, item.decimals, item.unit[say.language])


def _codes(place: PlaceValues, say: DataWords) -> Iterator[str]:
    if not place.history:
        yield say("codes_unknown")
        return
    since, until = place.history
    key = "codes_changed" if place.lives else "codes_unchanged"
    yield say(key, changed=len(place.lives), n=len(place.territory.codes), since=since, until=until)
    if place.lives:
        for line in _events(place, say):
            yield f"- {line}."


def _events(place: PlaceValues, say: DataWords) -> Iterator[str]:
    """Tell mergers and splits one by one; codes that changed together, with the province or its number, in one line."""
    events = pd.concat([life.events for life in place.lives]).drop_duplicates()
    for (day, kind), step in events.groupby(["date", "kind"]):
        authority = step["authority"].iloc[0]
        if kind == "renumbering":
            moved = step[step["before"] != step["after"]]
            pairs = [f"{row.before} > {row.after}" for row in moved.itertuples()]
            shown = ", ".join(pairs[:EXAMPLES_SHOWN]) + (", ..." if len(pairs) > EXAMPLES_SHOWN else "")
            yield say("events_renumbering", n=len(pairs), pairs=shown, day=day, authority=authority)
            continue
        for (after, name), rows in step.groupby(["after", "after_name"]):
            parts = [
                f"{row.before} {row.before_name}".strip()
                for row in rows.itertuples()
                if kind == "merger" or row.before != after
            ]
            if parts:
                new = f"{after} {name}".strip()
                before, count = ", ".join(parts), len(parts)
                yield say(f"event_{kind}", before=before, n=count, after=new, day=day, authority=authority)
