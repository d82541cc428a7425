"""Data and method: every source with its licence, what is missing, how it was computed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from diagnosis.indicators import REASONS
from diagnosis.provenance import LicenceBasis, SourceRecord
from diagnosis.report.document import Block, Items, Notice, Prose, Section, Table
from diagnosis.report.file_sources import list_attributions, tell_basis
from diagnosis.report.sections.quality import write_quality
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

BASES: tuple[str, ...] = get_args(LicenceBasis)
STAGE_TABLES = {
    "indicators": ("population",),
    "wellbeing": ("wellbeing",),
    "networks": ("flows",),
    "areas": ("flows",),
    "governance": ("flows",),
}


def write_method(result: Diagnosis, words: Words) -> list[Section]:
    """Write sources, gaps and method."""
    manifest = result.manifest
    blocks: list[Block] = [
        Prose(words("method_text")),
        Prose(words("method_scores")),
        *_release(result, words),
        Prose(words("method_areas")),
        _sources(result, words),
    ]
    if attributions := list_attributions(manifest, words):
        blocks.append(Items(tuple(attributions), words("attributions")))
    absent = result.facts["territory"]["absent"]
    sections = [Section("method", words("method"), tuple(blocks))]
    sections += write_quality(result, words)
    if absent:
        items = Items(tuple(dict.fromkeys(words.pick(reason) for reason in absent.values())))
        sections.append(Section("absent", words("absent_title"), (items,), level=3))
    if "gaps" in result.tables and len(result.table("gaps")):
        sections.append(_gaps(result, words))
    closing = Prose(words("reproduce", code=manifest.code_version, settings=manifest.settings_digest))
    sections.append(Section("notes", words("notes_title"), (Prose(words("notes_text")), closing), level=3))
    return sections


def _release(result: Diagnosis, words: Words) -> list[Block]:
    """Say on which frozen goalposts the scores are; nothing where they are on those of the current data."""
    named = [result.facts.get(stage, {}).get("release") for stage in ("indicators", "wellbeing")]
    return [Prose(words("method_release", release=name)) for name in dict.fromkeys(filter(None, named))]


def write_missing(result: Diagnosis, words: Words, stage: str) -> Section:
    """Write in place of a section why it is not there: its data are missing, or it has no meaning here."""
    if stage not in result.failed:
        return Section(stage, words(stage), (Prose(words(f"{stage}_skipped")),))
    return Section(
        stage, words(stage), (Notice(missing_reason(result, words, stage), words("failed_title")),)
    )


def missing_reason(result: Diagnosis, words: Words, stage: str) -> str:
    """Say why a stage failed: the source that is missing and what it costs, or the error itself."""
    absent = result.facts.get("territory", {}).get("absent", {})
    reasons = [words.pick(absent[table]) for table in STAGE_TABLES.get(stage, ()) if table in absent]
    return " ".join(reasons) or words("failed_detail", reason=result.failed[stage])


def _sources(result: Diagnosis, words: Words) -> Table:
    header = tuple(
        words(f"column_{name}") for name in ("source", "publisher", "reference", "licence", "modified")
    )
    rows = tuple(_source_row(item, words) for item in result.manifest.sources)
    note = _explain_licences(result.manifest.sources, words)
    return Table("sources", words("sources_table"), header, rows, "lllll", note, (3, 2, 1.5, 1.5, 3.5))


def _explain_licences(records: Iterable[SourceRecord], words: Words) -> str:
    """Say what the mark beside a licence means, and of which files it means something else than the general rule."""
    titles: dict[str, list[str]] = {}
    for record in records:
        if basis := tell_basis(record):
            titles.setdefault(basis, []).append(words.pick(record.title))
    if not titles:
        return ""
    told = [
        words(f"licence_note_{basis}", names="; ".join(titles[basis])) for basis in BASES if basis in titles
    ]
    return " ".join([words("licence_note"), *told])


def _source_row(item: SourceRecord, words: Words) -> tuple[str, ...]:
    title = words.pick(item.title)
    if item.stands_in and item.note is not None:
        title = words("stand_in", title=title, note=words.pick(item.note))
    licence = item.licence or words("licence_not_declared" if item.publisher else "own_file")
    if item.licence and not item.licence_confirmed:
        licence = words("licence_unconfirmed", licence=licence)
    return (
        title,
        item.publisher or words("own_file"),
        item.reference_date or "–",
        licence,
        words.pick(item.modified) if item.modified is not None else "–",
    )


def _gaps(result: Diagnosis, words: Words) -> Section:
    gaps = result.table("gaps")
    counts = gaps["reason"].value_counts()
    lines = tuple(
        words("gaps_line", reason=REASONS[reason][words.language], n=int(number))
        for reason, number in counts.items()
    )
    text = Prose(words("gaps_text", n=len(gaps)))
    return Section("gaps", words("gaps_title"), (text, Items(lines)), level=3)
