"""Figures of the first page side by side."""

from dataclasses import replace

import pytest

from diagnosis.comparison import compare
from diagnosis.errors import InputError
from diagnosis.report.sections.summary import headline
from diagnosis.report.words import Words


def another(result, **changes):
    return replace(result, city=result.city.model_copy(update=changes))


def test_one_column_a_city_one_row_a_figure(example_result):
    other = another(
        example_result, id="other", name=example_result.city.name.model_copy(update={"it": "Altra"})
    )
    table = compare([example_result, other])
    assert table.columns.tolist()[1:] == ["Portalba", "Altra"]
    cards = headline(example_result, Words("it"))
    assert table.iloc[:, 0].tolist() == [card.label for card in cards]
    assert table["Portalba"].tolist() == [card.value for card in cards]
    assert table["Portalba"].tolist() == table["Altra"].tolist()


def test_figure_one_city_lacks_is_empty(example_result):
    tables = {name: table for name, table in example_result.tables.items() if name != "groups"}
    poorer = replace(another(example_result, id="poorer"), tables=tables)
    table = compare([poorer, example_result], "en")
    assert table.columns.tolist()[1:] == ["Portalba (poorer)", "Portalba (example)"]
    assert (table["Portalba (poorer)"] == "").any()
    assert (table["Portalba (example)"] != "").all()
    assert len(table) == len(headline(example_result, Words("en")))


def test_labels_are_in_the_language(example_result):
    italian, english = compare([example_result]), compare([example_result], "en")
    assert italian.columns[0] != english.columns[0]
    assert len(italian) == len(english)


def test_nothing_or_the_same_city_twice_is_refused(example_result):
    with pytest.raises(InputError, match="different cities"):
        compare([])
    with pytest.raises(InputError, match="different cities"):
        compare([example_result, example_result])
    with pytest.raises(InputError, match="language"):
        compare([example_result], "fr")
