import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.csv_files import defuse, to_csv


def test_text_cells_are_defused_and_numbers_are_not():
    table = pd.DataFrame(
        {
            "text": ["=1+1", "+1", "-1", "@a", "\tx", "a=b", "", None],
            "number": [-1.5, 1, 2, 3, 4, 5, np.nan, -0.0],
        },
        index=pd.Index(["=a", *"bcdefgh"], name="code"),
    )
    frame = pd.read_csv(io.StringIO(to_csv(table)), index_col=0, keep_default_na=False)
    assert list(frame["text"]) == ["'=1+1", "'+1", "'-1", "'@a", "'\tx", "a=b", "", ""]
    assert frame.index[0] == "'=a"
    assert [str(value) for value in frame["number"][:2]] == ["-1.5", "1.0"]


@pytest.mark.parametrize("kind", ["str", "object", "category", "string"])
def test_texts_of_every_type_are_defused(kind):
    table = pd.DataFrame({"text": pd.Series(["=a", "b"], dtype=kind)})
    assert "'=a" in to_csv(table)


def test_a_formula_after_a_line_break_is_defused():
    assert defuse(pd.DataFrame({"text": ["\n=1"]}))["text"].tolist() == ["'\n=1"]


def test_mixed_columns_keep_their_numbers():
    table = pd.DataFrame({"value": pd.Series([-1.5, "-x", None], dtype=object)})
    assert to_csv(table).splitlines() == ["value", "-1.5", "'-x", '""']


def test_names_of_columns_are_defused_too():
    table = pd.DataFrame({"=a": [1], "b": ["c"]}, index=pd.Index(["x"], name="@i"))
    assert to_csv(table).splitlines()[0] == "'@i,'=a,b"


@settings(max_examples=20)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_no_text_starts_a_formula(texts):
    frame = defuse(pd.DataFrame({"text": texts}, index=pd.Index(texts, dtype=object)))
    for value in (*frame["text"], *frame.index):
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert [value.removeprefix("'") for value in frame["text"]] == [text.removeprefix("'") for text in texts]


def test_defusing_leaves_the_table_of_the_caller():
    table = pd.DataFrame({"text": ["=a"]})
    to_csv(table)
    assert table["text"].item() == "=a"
