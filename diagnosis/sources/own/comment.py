"""The free text of a city, ``comment.md``: a small part of Markdown, without HTML, pictures or hidden signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from diagnosis.sources.own.files import COMMENT, check_sound
from diagnosis.sources.own.privacy import find_mention, tell_kind
from diagnosis.sources.own.problems import Place, RefusedFileError

LONGEST_COMMENT = 10_000
LARGEST_COMMENT = 60_000
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()\s]*(?:\s[^()]*)?\)")
INLINE = re.compile(
    r"\*\*(?P<strong>[^*\n]+)\*\*|\*(?P<emphasis>[^*\n]+)\*"
    r"|\[(?P<label>[^\[\]\n]+)\]\((?P<link>[^()\s]+)\)"
)
BRACKET = re.compile(r"\](?=[(\[:])")
SAFE_LINK = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
HEADING, ITEM, NUMBERED = re.compile(r"#{1,6}\s+"), re.compile(r"[-*+]\s+"), re.compile(r"\d{1,3}[.)]\s+")


@dataclass(frozen=True)
class Run:
    """A piece of text: plain, ``"strong"``, ``"emphasis"`` or a link; not escaped for any format."""

    text: str
    style: str = ""
    link: str = ""


@dataclass(frozen=True)
class Block:
    """A ``"heading"``, ``"paragraph"``, ``"item"`` (of a list) or ``"numbered"`` (item) of a comment."""

    kind: str
    runs: tuple[Run, ...]


def read_comment(folder: Path | str) -> str:
    """Read the comment of a city, made harmless.

    Parameters
    ----------
    folder : path
        Folder with the city's own files; the comment is ``comment.md`` in it.

    Returns
    -------
    str
        Markdown with headings, paragraphs, lists, emphasis and links (http and https only). Signs that could
        begin HTML are written as character references, pictures are replaced by their description, hidden signs and
        those that turn the direction of text removed. ``""`` if there is no comment.

    Raises
    ------
    diagnosis.errors.InputError
        It is no text, no ordinary file, longer than :data:`LONGEST_COMMENT` signs, or holds an e-mail address or a
        tax code.
    """
    path = Path(folder) / COMMENT
    if not path.is_symlink() and not path.exists():
        return ""
    try:
        check_sound(path, LARGEST_COMMENT)
    except RefusedFileError as refusal:
        if refusal.kind == "empty_file":
            return ""
        raise
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise RefusedFileError("binary_file", found="?") from None
    if "\0" in text:
        raise RefusedFileError("binary_file", found="NUL")
    if len(text) > LONGEST_COMMENT:
        raise RefusedFileError("comment_too_long", limit=LONGEST_COMMENT)
    text = HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for number, line in enumerate(text.split("\n"), start=1):
        if kind := find_mention(line) or find_mention(re.sub(r"[*_\\]", "", line)):
            raise RefusedFileError("personal_comment", Place(number), what=tell_kind(kind))
    text = IMAGE.sub(r"\1", text)
    text = _keep_safe_links(text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").strip()


def _keep_safe_links(text: str) -> str:
    """Leave links to safe addresses; of any other form of link in Markdown, brackets that link no more."""
    parts, start = [], 0
    for found in INLINE.finditer(text):
        parts.append(BRACKET.sub("] ", text[start : found.start()]))
        if found["link"] is None:
            parts.append(BRACKET.sub("] ", found[0]))
        else:
            parts.append(found[0] if SAFE_LINK.fullmatch(found["link"]) else found["label"])
        start = found.end()
    return "".join([*parts, BRACKET.sub("] ", text[start:])])


def comment_blocks(text: str) -> tuple[Block, ...]:
    """Take a comment apart, for a renderer that escapes texts itself.

    Parameters
    ----------
    text : str
        What :func:`read_comment` returns.

    Returns
    -------
    tuple of Block
        Texts without character references: they must be escaped for the format they are put into.
    """
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    blocks: list[tuple[str, list[str]]] = []
    gap = True
    for line in plain.split("\n"):
        stripped = line.strip()
        if not stripped:
            gap = True
            continue
        kinds = ((HEADING, "heading"), (ITEM, "item"), (NUMBERED, "numbered"))
        marked = next(((kind, hit) for pattern, kind in kinds if (hit := pattern.match(stripped))), None)
        if marked:
            blocks.append((marked[0], [stripped[marked[1].end() :]]))
        elif gap or not blocks or blocks[-1][0] == "heading":
            blocks.append(("paragraph", [stripped]))
        else:
            blocks[-1][1].append(stripped)
        gap = False
    return tuple(Block(kind, _runs(" ".join(lines))) for kind, lines in blocks)


def _runs(text: str) -> tuple[Run, ...]:
    runs, start = [], 0
    for found in INLINE.finditer(text):
        if found.start() > start:
            runs.append(Run(text[start : found.start()]))
        style = found.lastgroup if found.lastgroup in ("strong", "emphasis") else ""
        runs.append(Run(found[style or "label"], style or "", found["link"] or ""))
        start = found.end()
    if start < len(text):
        runs.append(Run(text[start:]))
    return tuple(runs)
