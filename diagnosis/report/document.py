"""The report as a tree of blocks, written once and rendered as HTML and as PDF."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagnosis.figure import Figure
from diagnosis.sources.own.comment import Run


@dataclass(frozen=True)
class Prose:
    """A paragraph of plain text."""

    text: str
    kind: str = "prose"


@dataclass(frozen=True)
class Notice:
    """A remark that must not be overlooked: modelled data, a missing section."""

    text: str
    title: str = ""
    kind: str = "notice"


@dataclass(frozen=True)
class Card:
    """One figure of the score card."""

    id: str
    label: str
    value: str
    note: str = ""
    tone: str = ""  # "", "good" or "bad": only where better and worse can be said
    number: tuple[float, int, str] | None = None  # the figure itself, its decimals and its unit


@dataclass(frozen=True)
class Cards:
    """The score card."""

    items: tuple[Card, ...]
    kind: str = "cards"


@dataclass(frozen=True)
class Finding:
    """One strength or weakness."""

    text: str
    detail: str


@dataclass(frozen=True)
class Findings:
    """Strengths beside weaknesses."""

    strengths_title: str
    weaknesses_title: str
    strengths: tuple[Finding, ...]
    weaknesses: tuple[Finding, ...]
    none: str
    rule: str
    kind: str = "findings"


@dataclass(frozen=True)
class Drawing:
    """A figure with its table."""

    figure: Figure
    wide: bool = False
    kind: str = "figure"


@dataclass(frozen=True)
class Lead:
    """The first words of the report beside a small figure."""

    text: str
    drawing: Drawing
    kind: str = "lead"


@dataclass(frozen=True)
class Table:
    """A table of formatted text.

    `align` has one letter a column: ``l`` text, ``r`` numbers. A row with one cell is a heading inside the table.
    `widths` are the shares of the columns on paper; by default numbers take what they need.
    """

    id: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    note: str = ""
    widths: tuple[float, ...] = ()
    kind: str = "table"


@dataclass(frozen=True)
class Pair:
    """Two figures or tables side by side where the page is wide enough."""

    left: Drawing | Table
    right: Drawing | Table
    kind: str = "pair"


@dataclass(frozen=True)
class Items:
    """A list of short texts; with a title it is folded on screen, and one paragraph on paper."""

    items: tuple[str, ...]
    title: str = ""
    kind: str = "items"


@dataclass(frozen=True)
class Part:
    """A ``"heading"``, ``"paragraph"``, ``"list"`` or ``"numbered"`` list of a free text, line by line."""

    kind: str
    lines: tuple[tuple[Run, ...], ...]


@dataclass(frozen=True)
class FreeText:
    """What somebody else wrote, with emphasis and links."""

    parts: tuple[Part, ...]
    kind: str = "free"


Block = Prose | Notice | Cards | Findings | Drawing | Lead | Pair | Table | Items | FreeText


@dataclass(frozen=True)
class Section:
    """A chapter, or a part of one (`level` 3), with its blocks."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True)
class Document:
    """A whole report in one language."""

    title: str
    subtitle: str
    language: str
    edition: str
    date: str
    city: str
    notices: tuple[Notice, ...]
    sections: tuple[Section, ...]
    keywords: tuple[str, ...] = field(default=())
