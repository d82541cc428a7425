"""The whole report of a diagnosis as one document."""

from __future__ import annotations

from collections.abc import Callable

from diagnosis.report.document import Document, Section
from diagnosis.report.sections.areas import write_areas
from diagnosis.report.sections.fragility import write_fragility
from diagnosis.report.sections.governance import write_governance
from diagnosis.report.sections.method import write_method, write_missing
from diagnosis.report.sections.networks import write_networks
from diagnosis.report.sections.own import write_own
from diagnosis.report.sections.summary import write_notices, write_summary
from diagnosis.report.sections.territory import write_territory
from diagnosis.report.sections.wellbeing import write_wellbeing
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

CHAPTERS: dict[str, Callable[[Diagnosis, Words], list[Section]]] = {
    "territory": write_territory,
    "fragility": write_fragility,
    "own": write_own,
    "wellbeing": write_wellbeing,
    "networks": write_networks,
    "areas": write_areas,
    "governance": write_governance,
}


def compose(result: Diagnosis, language: str = "it") -> Document:
    """Write the report of a diagnosis in one language.

    Parameters
    ----------
    result : Diagnosis
        What was found; a stage that failed has a remark in place of its section.
    language : {"it", "en"}

    Returns
    -------
    Document
    """
    words = Words(language)
    facts = result.facts["territory"]
    sections = [write_summary(result, words)]
    for stage, write in CHAPTERS.items():
        sections += write(result, words) if result.has(stage) else [write_missing(result, words, stage)]
    sections += write_method(result, words)
    created = result.manifest.created
    return Document(
        title=result.city.name[language],
        subtitle=words(
            "subtitle",
            territory=facts["name"][language],
            n=facts["municipalities"],
            residents=words.number(facts["residents"]),
        ),
        language=language,
        edition=result.manifest.edition,
        date=created.strftime("%d/%m/%Y") if created.year > 1970 else "",
        city=result.city.id,
        notices=write_notices(result, words),
        sections=tuple(sections),
        keywords=(words("report"), result.city.name[language], facts["region_name"]),
    )
