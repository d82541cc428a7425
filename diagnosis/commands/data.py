"""The commands `diagnosis data ...`: list, check, download, verify and explain the sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnosis.commands.options import (
    json_option,
    language_option,
    make_settings,
    mirror_option,
    offline_option,
    words_of,
    work_option,
)
from diagnosis.commands.questions import ask
from diagnosis.commands.sdmx import sdmx
from diagnosis.commands.terminal import download_progress, write_json, write_table
from diagnosis.config import Settings, default_settings

if TYPE_CHECKING:
    from diagnosis.commands.data_texts import DataWords
    from diagnosis.commands.losses import Losses
    from diagnosis.provenance import Source
    from diagnosis.sources.dependence import Dependants
    from diagnosis.sources.fetch import PullResult
    from diagnosis.sources.store import Store

QUICK_PULL = {"timeout": (3, 5), "retries": 1, "deadline": 20}
"""A report does not wait for publishers who do not answer."""
NOT_ALL, WRONG, BAD_INPUT = 1, 1, 2
LIST_WIDTH = 120


@click.group()
def data() -> None:
    """List, check, download, verify and explain the sources; ask the tables made from them."""


data.add_command(ask)
data.add_command(sdmx)


@data.command("list")
@json_option
@language_option
def list_sources(as_json: bool, language: str) -> None:
    """List every source: the name to pull it by, what it is, its licence and its address."""
    from diagnosis.provenance import load_sources

    words, say = words_of(language), _data_words(language)
    sources = load_sources(default_settings().sources).values()
    if as_json:
        write_json([item.model_dump(mode="json") for item in sources])
        return
    header = [say("name"), *(words(f"column_{name}") for name in ("source", "reference", "licence"))]
    write_table(
        [*header, say("address")],
        [
            (
                item.id,
                item.label[language],
                item.reference_date,
                _licence(item.licence, item.licence_confirmed, say),
                say(f"address_{item.address}"),
            )
            for item in sources
        ],
        LIST_WIDTH,
    )
    click.echo(say("list_note"))


@data.command("check")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@language_option
def check_own(folder: Path, language: str) -> None:
    """Check a city's own tables in FOLDER, row by row; exit status 2 where a file, or none, can be used."""
    from diagnosis.sources.embedded import read_municipalities, read_population, read_register
    from diagnosis.sources.own.data import read_own_data
    from diagnosis.sources.own.report import write_report

    found = read_own_data(
        folder,
        read_municipalities(),
        register=read_register(),
        residents=read_population().sum(axis=1, skipna=False),
    )
    click.echo(write_report(found, language), nl=False)
    if not found.files:
        click.echo(_data_words(language)("check_nothing", folder=str(folder)), err=True)
        raise SystemExit(BAD_INPUT)
    if (found.problems["severity"] == "error").any():
        raise SystemExit(BAD_INPUT)


@data.command()
@json_option
@language_option
@mirror_option
@work_option
def status(as_json: bool, language: str, mirror: Path | None, work: Path | None) -> None:
    """Say which sources are here, from where, how sure they are, and what the others cost."""
    from diagnosis.commands.losses import find_losses

    words, say = words_of(language), _data_words(language)
    settings = make_settings(work, mirror, language=language)
    store = _store(settings)
    frame, dependants = store.status(language), _dependants(store)
    if as_json:
        frame["indicators"] = [len(dependants[name].indicators) for name in frame.index]
        write_json(frame.reset_index().to_dict("records"))
        return
    rows = [
        (
            store.sources[name].label[language],
            row["tier"] if row["available"] else words("cli_no"),
            row["reference_date"],
            say(f"checksum_{row['checksum']}"),
            _licence(row["licence"], row["licence_confirmed"], say),
            say(f"address_{row['address']}"),
            words.number(len(dependants[name].indicators)),
        )
        for name, row in frame.iterrows()
    ]
    header = (words("cli_source"), words("cli_here"), *map(say, ("reference", "checksum", "licence")))
    write_table((*header, say("address"), say("indicators")), rows)
    for row in frame[frame["note"] != ""].itertuples():
        click.echo(f"- {row.title}: {row.note}")
    _sum_up(store, find_losses(settings), frame["available"].sum(), say)


@data.command()
@click.argument("sources", nargs=-1)
@click.option("--refresh", is_flag=True, help="Ask again for what is already here.")
@click.option("--timeout", type=float, default=60, show_default=True, help="Seconds without an answer.")
@click.option(
    "--hosts", type=click.IntRange(1), default=3, show_default=True, help="Servers asked at a time."
)
@click.option(
    "--pause",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Seconds between two requests to a server.",
)
@offline_option
@language_option
@mirror_option
@work_option
def pull(
    sources: tuple[str, ...],
    refresh: bool,
    timeout: float,
    hosts: int,
    pause: float,
    offline: bool,
    language: str,
    mirror: Path | None,
    work: Path | None,
) -> None:
    """Download what the publishers offer: all sources, or the SOURCES named.

    Cut downloads are resumed, unchanged files not sent again. What the mirror holds is not downloaded. Exit status 1
    where a source that has an address is not here in the end.
    """
    settings = make_settings(work, mirror, language=language)
    results = _pull(
        settings,
        only=sources or None,
        refresh=refresh,
        timeout=(5, timeout),
        workers=hosts,
        pause=pause,
        offline=offline,
    )
    listed = _store(settings).sources
    if any(item.cost and listed[item.id].url for item in results):
        raise SystemExit(NOT_ALL)


@data.command()
@json_option
@language_option
@mirror_option
@work_option
def verify(as_json: bool, language: str, mirror: Path | None, work: Path | None) -> None:
    """Hold every file against the list, the record of its download and its content; exit status 1 if one is wrong."""
    from diagnosis.sources.verification import count_verdicts, find_unlisted, verify

    words, say = words_of(language), _data_words(language)
    store = _store(make_settings(work, mirror, language=language))
    found = verify(store)
    unlisted = find_unlisted(store)
    wrong = [item for item in found if item.is_wrong]
    if as_json:
        files = [
            {
                "source": item.source,
                "file": item.file,
                "path": item.path and str(item.path),
                "tier": item.tier,
                "verdict": item.verdict,
                "wrong": item.is_wrong,
                "bytes": item.bytes,
                "sha256": item.sha256,
                "listed_sha256": item.listed_sha256,
                "recorded_sha256": item.recorded_sha256,
                "detail": item.detail[language] if item.detail else "",
            }
            for item in found
        ]
        write_json({"files": files, "unlisted": unlisted, "wrong": len(wrong)})
    else:
        rows = [
            (
                item.file,
                item.tier,
                words.number(item.bytes),
                say(f"verdict_{item.verdict}"),
                item.detail[language] if item.detail else "",
            )
            for item in found
        ]
        write_table((say("file"), *(words(f"cli_{name}") for name in ("tier", "bytes")), say("verdict"),
                     words("cli_note")), rows)  # fmt: skip
        counts = [say(f"count_{kind}", n=n) for kind, n in count_verdicts(found).items()]
        click.echo(say("verify_sum", counts=", ".join(counts), wrong=len(wrong)))
        if unlisted:
            click.echo(say("verify_unlisted", n=len(unlisted), names=", ".join(unlisted[:5])))
    if wrong:
        raise SystemExit(WRONG)


@data.command()
@click.argument("indicator")
@click.option("--city", help="Its values, those around it, and what became of its municipalities' codes.")
@json_option
@language_option
@mirror_option
@work_option
def explain(
    indicator: str, city: str | None, as_json: bool, language: str, mirror: Path | None, work: Path | None
) -> None:
    """Explain INDICATOR (its id, or its name): definition, sources, coverage and, for a city, values and codes."""
    from diagnosis.commands.explanation import show_explanation, to_json
    from diagnosis.national.explanation import explain_indicator

    found = explain_indicator(indicator, city, make_settings(work, mirror, language=language))
    if as_json:
        write_json(to_json(found, language))
    else:
        show_explanation(found, language)


def pull_missing(settings: Settings) -> None:
    """Try for a short time to download what is not here, before a report."""
    missing = [name for name, row in _store(settings).status().iterrows() if not row["available"]]
    if missing:
        _pull(settings, only=missing, **QUICK_PULL)


def _pull(settings: Settings, **options: Any) -> list[PullResult]:
    from diagnosis.commands.losses import find_losses
    from diagnosis.provenance import load_sources
    from diagnosis.sources.fetch import pull as fetch

    words, say = words_of(settings.language), _data_words(settings.language)
    sources = load_sources(settings.sources)
    titles = {name: item.label[settings.language] for name, item in sources.items()}
    with download_progress(titles) as on_event:
        results = fetch(
            sources,
            settings.raw,
            mirror=settings.mirror,
            on_event=on_event,
            language=settings.language,
            **options,
        )
    for item in results:
        result = words(f"cli_pull_{item.status}")
        line = f"- {sources[item.id].title[settings.language]}: {result}"
        click.echo(". ".join(part.rstrip(".") for part in (line, item.detail, item.cost) if part) + ".")
    store = _store(settings)
    lost = {item.id for item in results if item.cost and store.sources[item.id].tier == "download"}
    lost = {name for name in lost if not store.has(name)}
    dependants = _dependants(store)
    losses = find_losses(settings, {name for source in lost for name in dependants[source].indicators})
    click.echo(say("pull_sum", here=len(results) - len(lost), total=len(results), lost=len(losses.waiting)))
    if losses.modelled:
        click.echo(say("modelled_sum", n=len(losses.modelled)))
    return results


def _sum_up(store: Store, losses: Losses, here: int, say: DataWords) -> None:
    sources: list[Source] = list(store.sources.values())
    if losses.modelled:
        click.echo(say("modelled_sum", n=len(losses.modelled)))
    click.echo(
        say(
            "status_sum",
            here=int(here),
            total=len(sources),
            lost=len(losses.waiting),
            doubtful=sum(not item.licence_confirmed for item in sources),
            by_hand=sum(item.address == "by_hand" for item in sources),
        )
    )


def _licence(name: str, confirmed: bool, say: DataWords) -> str:
    return name if confirmed else say("licence_doubt", licence=name)


def _dependants(store: Store) -> dict[str, Dependants]:
    from diagnosis.catalogue import load_catalogue
    from diagnosis.sources.dependence import find_dependants

    return find_dependants(store.sources, load_catalogue())


def _data_words(language: str) -> DataWords:
    from diagnosis.commands.data_texts import DataWords

    return DataWords(language)


def _store(settings: Settings) -> Store:
    from diagnosis.provenance import load_sources
    from diagnosis.sources.store import Store

    return Store(load_sources(settings.sources), settings.raw, settings.mirror)
