"""Chart of the position of a city among its peers, one strip an indicator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import ACCENT, FAINT, INK, MUTED, SMALL, TEXT, WIDTH, Canvas, text_width
from diagnosis.drawing.rows import PEERS, draw_key, measure_key, measure_names, scale_numbers, write_name
from diagnosis.errors import InputError
from diagnosis.figure import Figure, Heading, clean_text, format_value, join_sentences


def strip_plot(
    values: pd.DataFrame,
    *,
    city: str,
    figure_id: str,
    title: str,
    city_name: str,
    language: str = "it",
    source: str = "",
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    decimals: Mapping[str, int] | None = None,
    directions: Mapping[str, int] | None = None,
    others_name: str = "",
    note: str = "",
) -> Figure:
    """Draw where a city stands among its peers, one strip an indicator.

    Parameters
    ----------
    values : pandas.DataFrame
        Cities (rows, e.g. the provincial capitals by code) and indicators (columns).
    city : str
        The row in the strong colour.
    city_name : str
    names, units, decimals : mapping, optional
        Of the indicators.
    directions : mapping, optional
        +1 more is better, -1 less is better: the strip is turned so that right is better, and rank 1 is
        the best. Without a direction, right is more and rank 1 the highest.
    others_name : str, optional
        Name of the peers in the key.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table indexed by indicator: `name`, `value`, `rank`, `count`, `percentile` (share of the peers with
        a value that the city equals or beats, 0 to 100), `minimum`, `median`, `maximum`.
    """
    import shapely

    about = Heading(figure_id, title, language, source, note)
    words = about.words
    if city not in values.index or not values.shape[1]:
        raise InputError("The city must be a row of the values", f"{city!r} is not among {len(values)} rows")
    table = _rank(values.astype(float), city, directions or {})
    table.insert(0, "name", [clean_text((names or {}).get(column, column)) for column in values.columns])
    row_height = 27.0
    texts, ranks = [], []
    for column, row in zip(values.columns, table.itertuples(), strict=True):
        texts.append(
            format_value(row.value, (decimals or {}).get(column, 1), language, (units or {}).get(column, ""))
        )
        known = np.isfinite(row.value)
        ranks.append(words["rank"].format(rank=f"{row.rank:.0f}", count=row.count) if known else "")
    room = max(text_width(text, TEXT, True) for text in [*texts, *(f"{rank} " for rank in ranks)]) + 10
    left, right = measure_names(table["name"]), WIDTH - room - 6
    key = [("dot", city_name), ("tick", others_name or words["others"]), ("bar", words["median"])]
    canvas = Canvas(WIDTH, row_height * len(table) + 34 + measure_key(key))
    top = canvas.height - 32 - measure_key(key)
    directed = [column for column in values.columns if (directions or {}).get(column, 0)]
    ends = ("worse", "better") if directed else ("lower", "higher")
    canvas.write(left, top + 7, f"← {words[ends[0]]}", SMALL, colour=MUTED)
    canvas.write(right, top + 7, f"{words[ends[1]]} →", SMALL, colour=MUTED, align="right")
    for number, (column, row) in enumerate(zip(values.columns, table.itertuples(), strict=True)):
        y = top - (number + 0.5) * row_height
        write_name(canvas, row.name, left - 8, y)
        canvas.line([left, right], [y, y], FAINT, 0.8)
        sign = -1 if (directions or {}).get(column, 0) < 0 else 1
        low, high = sorted((sign * row.minimum, sign * row.maximum))
        if np.isfinite(row.minimum):
            position = scale_numbers(low, high, left + 3, right - 3, pad=0.0)
            places = [position(sign * value) for value in values[column].dropna().drop_duplicates()]
            ticks = shapely.MultiLineString([[(x, y - 5), (x, y + 5)] for x in places])
            canvas.shape(ticks, edge=PEERS, line=0.7)
            canvas.line([position(sign * row.median)] * 2, [y - 7, y + 7], INK, 1.2)
            if np.isfinite(row.value):
                canvas.circle(
                    position(sign * row.value),
                    y,
                    4.6,
                    ACCENT,
                    "white",
                    line=0.9,
                    tooltip=f"{row.name}: {texts[number]}",
                )
        canvas.write(WIDTH - 2, y + 5, texts[number], bold=True, align="right")
        canvas.write(WIDTH - 2, y - 5, ranks[number], SMALL, colour=MUTED, align="right")
    draw_key(canvas, key)
    listed = "; ".join(
        f"{row.name} {text}{', ' + rank if rank else ''}"
        for row, text, rank in zip(table.itertuples(), texts, ranks, strict=True)
    )
    description = join_sentences(words["chart"].format(title=title), f"{city_name}: {listed}")
    return canvas.finish(about, description, table)


def _rank(values: pd.DataFrame, city: str, directions: Mapping[str, int]) -> pd.DataFrame:
    signs = pd.Series({column: -1.0 if directions.get(column, 0) < 0 else 1.0 for column in values.columns})
    turned = values * signs
    count = values.notna().sum()
    own = turned.loc[city]
    beaten = turned.le(own, axis=1).sum()
    return pd.DataFrame(
        {
            "value": values.loc[city],
            "rank": (turned.gt(own, axis=1).sum() + 1).where(own.notna()),
            "count": count,
            "percentile": (100 * (beaten - 1) / (count - 1).where(count > 1)).where(own.notna()),
            "minimum": values.min(),
            "median": values.median(),
            "maximum": values.max(),
        }
    )
