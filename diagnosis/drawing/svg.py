"""SVG as drawn by matplotlib made fit for a page: accessible, small, safe beside other figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from diagnosis.figure import clean_text

NAMESPACE = "http://www.w3.org/2000/svg"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_UNWANTED = ("metadata", "style", "title", "desc")
SCREEN = 1.7
"""Most pixels a point on a screen, so that no figure swells beyond what it was drawn for."""
LONG_PATH = 300
"""Paths with more characters than this are borders, for which a tenth of a point is enough."""


def finish_svg(
    raw: str, figure_id: str, title: str, description: str, tooltips: Mapping[str, str] | None = None
) -> str:
    """Turn matplotlib's SVG document into one accessible element that can stand in any page.

    Prolog, document type, metadata, comments and the style sheet (which would reach every other drawing of
    the page) go; ids that nothing refers to go; the others begin with `figure_id`; numbers are rounded;
    title and description are added, and a title for each shape named in `tooltips`.

    Parameters
    ----------
    raw : str
        Document written by matplotlib's SVG backend.
    figure_id : str
        Unique in the page.
    title, description : str
        Name and text alternative of the figure.
    tooltips : mapping of str to str, optional
        Id given to an artist (``gid``) -> text shown when the pointer is on it.

    Returns
    -------
    str
        One ``<svg>`` element as wide as its container, up to a limit, in the proportions of the sheet.
    """
    tooltips = tooltips or {}
    source = ElementTree.fromstring(raw)
    used = {name for element in source.iter() for name in _references(element)}
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": NAMESPACE,
            "id": figure_id + "-svg",
            "viewBox": _shorten(source.attrib["viewBox"], 2),
            "width": "100%",
            "style": f"max-width:{SCREEN * float(source.attrib['viewBox'].split()[2]):.0f}px",
            "role": "img",
            "aria-labelledby": f"{figure_id}-title {figure_id}-desc",
            "stroke-linejoin": "round",
            "stroke-linecap": "butt",
        },
    )
    for tag, text in (("title", title), ("desc", description)):
        ElementTree.SubElement(root, tag, {"id": f"{figure_id}-{tag}"}).text = clean_text(text)
    for child in source:
        _copy(child, root, figure_id, used=used, tooltips=tooltips)
    return ElementTree.tostring(root, encoding="unicode")


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]


def _references(element: ElementTree.Element) -> list[str]:
    found: list[str] = []
    for name, value in element.attrib.items():
        found += [value[1:]] if _local(name) == "href" else _REFERENCE.findall(value)
    return found


def _copy(
    element: ElementTree.Element,
    parent: ElementTree.Element,
    prefix: str,
    *,
    used: set[str],
    tooltips: Mapping[str, str],
    tooltip: str = "",
) -> None:
    tag = _local(element.tag)
    if tag in _UNWANTED:
        return
    identifier = element.attrib.get("id", "")
    tooltip = tooltips.get(identifier, tooltip)
    attributes = _clean_attributes(element, prefix, used)
    idle = tag == "g" and not attributes  # a group that only held an id
    nested = tag == "defs" and parent.tag == "defs"
    target = parent if idle or nested else ElementTree.Element(tag, attributes)
    for child in element:
        _copy(child, target, prefix, used=used, tooltips=tooltips, tooltip=tooltip)
    if target is parent or (tag in ("g", "defs") and not len(target)):
        return
    if tooltip and tag == "path":
        ElementTree.SubElement(target, "title").text = clean_text(tooltip)
    parent.append(target)


def _clean_attributes(element: ElementTree.Element, prefix: str, used: set[str]) -> dict[str, str]:
    attributes = {}
    for full_name, text in element.attrib.items():
        name, value = _local(full_name), text
        if name == "id":
            if value not in used:
                continue
            value = f"{prefix}-{value}"
        elif name == "href":
            value = f"#{prefix}-{value[1:]}"
        elif name == "d":
            value = _shorten_path(value)
        else:
            value = _REFERENCE.sub(lambda match: f"url(#{prefix}-{match[1]})", value)
            value = _shorten(value, 4 if name == "transform" else 2)
            value = re.sub(r"([:;])\s+", r"\1", value)
        attributes[name] = value
    return attributes


def _shorten(text: str, decimals: int) -> str:
    return _NUMBER.sub(lambda match: _round(match[0], decimals), text)


def _round(number: str, decimals: int) -> str:
    text = f"{float(number):.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _shorten_path(path: str) -> str:
    text = _shorten(path, 1 if len(path) > LONG_PATH else 2)
    text = re.sub(r"\s*([A-Za-z])\s*", r"\1", text.strip())
    text = re.sub(r"\s+", " ", text)
    if set(re.findall(r"[A-Za-z]", text)) <= {"M", "L", "z"}:  # pairs after M are lines anyway
        text = re.sub(r"(?<=\d)L", " ", text)
    return text
