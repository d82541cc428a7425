"""Placing labels on a map so that none covers another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from diagnosis.drawing.canvas import Box, Canvas, text_box, text_width

MARGIN = 2.0
"""Least distance in points between two labels (twice that side by side), and to the frame."""


@dataclass(frozen=True)
class Label:
    """A text that names a place on the map.

    Attributes
    ----------
    text : str
    place : tuple of float
        The place named, or the centre of the text once placed, in points.
    size : float
        Height of the font in points.
    bold : bool
    colour : str
    clear : float
        Radius around the place that the label should leave free (a dot or a circle); 0: may cover it.
    needed : bool
        Written even where it covers something, inside the frame.
    """

    text: str
    place: tuple[float, float]
    size: float
    bold: bool = False
    colour: str = "#22272b"
    clear: float = 0.0
    needed: bool = False


def place_labels(labels: Iterable[Label], frame: Box, obstacles: Sequence[Box] = ()) -> list[Label]:
    """Give each label, in the order of importance, the first free position around its place.

    Parameters
    ----------
    labels : iterable of Label
        The most important first.
    frame : tuple of float
        Left, bottom, right, top; labels lie inside.
    obstacles : sequence of tuple of float
        Boxes to keep free.

    Returns
    -------
    list of Label
        With `place` moved to the centre of the text; labels without a free position are left out.
    """
    taken, placed = list(obstacles), []
    for label in labels:
        for x, y in _positions(label):
            box = text_box(x, y, label.text, label.size, label.bold)
            if _inside(box, frame) and not any(_overlap(box, other) for other in taken):
                break
        else:
            if not label.needed:
                continue
            x, y = _pull_inside(label, frame)
            box = text_box(x, y, label.text, label.size, label.bold)
        taken.append(box)
        placed.append(replace(label, place=(x, y)))
    return placed


def write_labels(canvas: Canvas, labels: Iterable[Label]) -> None:
    """Write placed labels with a white halo."""
    for label in labels:
        canvas.write(
            *label.place,
            label.text,
            label.size,
            bold=label.bold,
            colour=label.colour,
            align="center",
            halo=2.2,
        )


def _positions(label: Label) -> list[tuple[float, float]]:
    half, step = text_width(label.text, label.size, label.bold) / 2, 1.1 * label.size
    x, y = label.place
    if label.clear:
        across, up = half + label.clear + 3, label.clear + 0.75 * label.size
        return [
            (x + across, y),
            (x, y + up),
            (x - across, y),
            (x, y - up),
            (x + across, y + up),
            (x - across, y + up),
            (x + across, y - up),
            (x - across, y - up),
        ]
    shifts = [(0, 0), (0, 1), (0, -1), (0.5, 0), (-0.5, 0), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)]
    shifts += [(0, 2), (0, -2), (0.9, 0), (-0.9, 0)]
    return [(x + across * half, y + up * step) for across, up in shifts]


def _inside(box: Box, frame: Box) -> bool:
    return (
        box[0] >= frame[0] + MARGIN
        and box[1] >= frame[1] + MARGIN
        and box[2] <= frame[2] - MARGIN
        and box[3] <= frame[3] - MARGIN
    )


def _overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[2] + 2 * MARGIN
        and other[0] < one[2] + 2 * MARGIN
        and one[1] < other[3] + MARGIN
        and other[1] < one[3] + MARGIN
    )


def _pull_inside(label: Label, frame: Box) -> tuple[float, float]:
    half = text_width(label.text, label.size, label.bold) / 2 + MARGIN
    tall = 0.6 * label.size + MARGIN
    x = min(max(label.place[0], frame[0] + half), max(frame[2] - half, frame[0] + half))
    return x, min(max(label.place[1], frame[1] + tall), frame[3] - tall)
