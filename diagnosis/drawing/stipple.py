"""Dots over municipalities whose class is in doubt: visible on every colour, in grey and on small ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import INK, Box

if TYPE_CHECKING:
    from diagnosis.drawing.sheet import MapSheet

PITCH = 5.0
"""Points between two dots of a row; the rows are half as far apart, each shifted by half."""
DIAMETER = 1.3
MARGIN = 0.9
"""Least distance in points from a dot to the border, so that it is not taken for a part of the border."""


def contrast_colour(fill: str) -> str:
    """Ink on a light colour, white on a dark one: whichever stands out more by relative luminance."""
    return (
        INK if relative_luminance(fill) > np.sqrt(1.05 * (relative_luminance(INK) + 0.05)) - 0.05 else "white"
    )


def relative_luminance(colour: str) -> float:
    """Relative luminance from 0 to 1 as in the Web Content Accessibility Guidelines 2.2."""
    from matplotlib.colors import to_rgb

    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def dot_municipalities(sheet: MapSheet, codes: Sequence[str], fills: pd.Series, tooltips: pd.Series) -> None:
    """Dot the municipalities of `codes` in every window, in a colour that stands out from `fills`.

    One grid of dots covers the whole sheet, so that neighbours look like one surface; a municipality between
    its dots gets one in its middle.
    """
    import shapely

    for window in sheet.windows:
        grid = _lay_grid(window.box)
        for code in window.shapes.index.intersection(codes, sort=False):
            shape = window.shapes[code]
            inside = shapely.buffer(shape, -MARGIN)
            points = grid[shapely.contains_xy(inside, grid)]
            if not len(points):
                points = np.array([window.place(code)])
            sheet.canvas.dots(points, contrast_colour(fills[code]), DIAMETER, tooltip=tooltips[code])


def _lay_grid(box: Box) -> np.ndarray:
    left, bottom, right, top = box
    across, up = np.meshgrid(np.arange(left, right, PITCH), np.arange(bottom, top, PITCH / 2))
    across = across + PITCH / 2 * (np.arange(len(up)) % 2)[:, None]
    return np.column_stack((across.ravel(), up.ravel()))
