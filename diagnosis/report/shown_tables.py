"""Tables as a notebook shows them: headings, names and numbers in the language of the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from diagnosis.report.words import Words

LEFT = [{"selector": "td, th", "props": "text-align: left"}]
BELOW = {"selector": "caption", "props": "caption-side: bottom; text-align: left; max-width: 50em"}
VALUE_DECIMALS = 1


class ShownTables:
    """Writes tables for a reader: what their columns mean, and what their labels are called.

    Parameters
    ----------
    texts : mapping of str to mapping
        By column or value: its text in each language and, for numbers, their ``form``: decimals (``0`` to ``4``),
        ``%`` (a share of 1), ``?`` (yes or no), ``v`` (a value in the unit of the indicator of its row), ``+``
        before one of these (with its sign), or the kind of a label that has a name in `names`.
    names : mapping of str to mapping
        By kind of label (``unit``, ``indicator``, ``domain``): label to name. An index is of the kind it is named
        after.
    decimals : mapping of str to int
        Of the values of each indicator.
    words : Words
    """

    def __init__(
        self,
        texts: Mapping[str, Mapping[str, str]],
        names: Mapping[str, Mapping[str, str]],
        decimals: Mapping[str, int],
        words: Words,
    ) -> None:
        self._texts, self._names, self._decimals, self._words = texts, names, decimals, words

    def heading(self, key: Any) -> str:
        """Return the text of a column, row or value; what has none stands for itself."""
        known = self._texts.get(key)
        return str(key) if known is None else known[self._words.language]

    def name(self, kind: Any, label: Any) -> str:
        """Return the name of a label of a kind; of other kinds, its text."""
        known = self._names.get(kind)
        return self.heading(label) if known is None else known.get(label, self.heading(label))

    def style(self, table: pd.DataFrame, note: str = "", *, across: bool = False, shade: Iterable[str] = ()):
        """Return the table as a pandas Styler.

        Parameters
        ----------
        table : pandas.DataFrame
        note : str
            Below the table.
        across : bool
            Rows as columns.
        shade : iterable of str
            Columns that are darker where higher.
        """
        cells = {
            name: [self._cell(name, value, row) for row, value in column.items()]
            for name, column in table.items()
        }
        index = [self.name(table.index.name, key) for key in table.index]
        headings = {name: self.name(table.columns.name, name) for name in table}
        texts = pd.DataFrame(cells, index=index).rename(columns=headings)
        style = (texts.T if across else texts).style.format(escape="html").set_caption(note)
        if isinstance(table.index, pd.RangeIndex):
            style = style.hide(axis="columns" if across else "index")
        for name in shade:
            values = table[name].astype(float).to_numpy()
            style = style.background_gradient("Blues", high=0.7, subset=[headings[name]], gmap=values)
        left = [] if across else [headings[name] for name in table if not self._is_number(name)]
        return style.set_table_styles(dict.fromkeys(left, LEFT)).set_table_styles([BELOW], overwrite=False)

    def _form(self, key: Any) -> str:
        return self._texts.get(key, {}).get("form", "")

    def _is_number(self, key: Any) -> bool:
        form = self._form(key)
        return bool(form) and form != "?" and form not in self._names

    def _cell(self, key: Any, value: Any, row: Any) -> str:
        form = self._form(key)
        if pd.isna(value) or value == "":
            return "–"
        if not form or form == "?":
            return self.heading(value if not form else "yes" if value else "no")
        if form in self._names:
            return self.name(form, value)
        if form == "%":
            return self._words.percent(value)
        if value == float("inf"):
            return "∞"
        plain = form.removeprefix("+")
        decimals = self._decimals.get(row, VALUE_DECIMALS) if plain == "v" else int(plain)
        return (self._words.signed if form != plain else self._words.number)(value, decimals)
