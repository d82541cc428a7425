import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.embedded import read_register
from diagnosis.sources.istat_margins import read_margins

HEADER = "code,total_out,total_in,internal,n_destinations,n_origins"
CODES = sorted(read_register().index)


def written(path, rows=None, *, header=HEADER, codes=CODES):
    """A file in which every municipality sends 3 commuters to one other, but for the `rows` given."""
    rows = rows or {}
    lines = [f"{code},{rows.get(code, '3,3,5,1,1')}" for code in codes]
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return path


def test_codes_are_text_and_numbers_whole(tmp_path):
    margins = read_margins(written(tmp_path / "m.csv", codes=CODES[::-1]))
    assert margins.index.tolist() == CODES
    assert margins.index.name == "code"
    assert margins.loc["001001"].to_dict() == {
        "total_out": 3,
        "total_in": 3,
        "internal": 5,
        "n_destinations": 1,
        "n_origins": 1,
    }
    assert set(margins.dtypes) == {pd.Series([1]).dtype}
    assert margins.attrs == {"vintage": "2022", "notes": []}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("-3,3,5,1,1", "'total_out' must be at least 0"),
        ("3.5,3,5,1,1", "'total_out' must hold whole numbers.*3.5"),
        ("many,3,5,1,1", "'total_out' must hold numbers.*'many'"),
        (",3,5,1,1", "'total_out' must have a value.*'001001'"),
        ("4,3,5,1,1", "'total_out' and 'total_in' must add up to the same"),
        ("3,3,5,1,2", "'n_destinations' and 'n_origins' must add up to the same"),
    ],
)
def test_broken_numbers_are_named(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        read_margins(written(tmp_path / "m.csv", {"001001": row}))


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([*CODES, "999999"], "must be a municipality.*'999999'"),
        ([code.lstrip("0") for code in CODES], "must be a municipality.*'1001'|'10001'"),
        (CODES[1:], "row for every municipality.*'001001'"),
        ([*CODES, "001001"], "unique.*'001001'"),
    ],
)
def test_codes_must_be_those_of_the_register(tmp_path, codes, message):
    with pytest.raises(InputError, match=message):
        read_margins(written(tmp_path / "m.csv", codes=codes))


def test_another_layout_is_a_source_error(tmp_path):
    with pytest.raises(SourceError, match=r"must have the columns code.*total_in"):
        read_margins(written(tmp_path / "m.csv", header=HEADER.replace("total_in", "arrivals")))


def test_the_margins_of_2021(mirror):
    margins = read_margins(mirror / "istat" / "matrix_pendoLAVORO_2021_margins.csv")
    assert len(margins) == 7904
    assert margins["total_out"].sum() + margins["internal"].sum() == 19_565_808
    assert margins["n_destinations"].sum() + (margins["internal"] > 0).sum() == 523_949
    assert margins.loc["001121", "internal"] == 0
