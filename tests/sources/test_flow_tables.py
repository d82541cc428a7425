"""Any table of flows is read, whatever its format and headings, or refused in a sentence."""

import gzip
import io
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.sources import packing
from diagnosis.sources.flow_tables import read_flows
from diagnosis.tables import FLOWS

ROWS = [("001", "002", 5), ("002", "001", 7), ("001", "001", 0)]


def text_table(header="origin,destination,commuters", rows=ROWS, separator=","):
    lines = [header.replace(",", separator), *(separator.join(map(str, row)) for row in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path):
    def save(content, name="flows.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return save


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def refused(path, **columns):
    with pytest.raises(InputError) as caught:
        read_flows(path, **columns)
    return str(caught.value)


# formats


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_delimited_text_plain_or_gzipped(write, separator, pack):
    flows = read_flows(write(pack(text_table(separator=separator)), "anything"))
    assert list(flows.itertuples(index=False, name=None)) == ROWS
    assert flows["commuters"].dtype == "int64"
    assert flows.attrs["notes"] == [
        "Pairs with no commuters (0): 1. Their municipalities remain.",
    ]
    assert flows.attrs["remarks"][0]["it"].startswith("Coppie senza pendolari (0): 1.")
    pd.testing.assert_frame_equal(FLOWS.check(flows), flows, check_dtype=False)


def test_the_one_text_file_of_a_zip(write):
    assert len(read_flows(write(zipped(a__txt=text_table(), readme__pdf="x")))) == 3


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (
            "Prov_res\tProcom_res\tProv_lav\tProcom_lav\tPendolari",
            [("001", a, "001", b, n) for a, b, n in ROWS],
        ),
        ("community_live,community_work,amount", ROWS),
        ("FROM,To,Trips", ROWS),
        ("O,D,N", ROWS),
        ('"home","work","count"', ROWS),
        ("\ufeffComune di residenza,Comune di lavoro,Numero individui", ROWS),
        ("h_geocode,w_geocode,S000", ROWS),
        ("CODGEO,DCLT,NBFLUX_C20_ACTOCC15P", ROWS),
    ],
)
def test_known_headings(write, header, rows):
    flows = read_flows(write(text_table(header, rows, "\t" if "\t" in header else ",")))
    assert list(flows.itertuples(index=False, name=None)) == ROWS


def test_parquet_arrow_and_workbook(tmp_path, write):
    frame = pd.DataFrame(ROWS, columns=["from", "to", "flow"])
    frame.to_parquet(tmp_path / "f.parquet")
    frame.to_feather(tmp_path / "f.feather")
    for name in ("f.parquet", "f.feather"):
        assert list(read_flows(tmp_path / name).itertuples(index=False, name=None)) == ROWS
    frame.assign(**{"from": ["1", "2", "1"]}).astype({"from": "int64"}).to_parquet(tmp_path / "n.parquet")
    flows = read_flows(tmp_path / "n.parquet")
    assert flows["origin"].tolist() == ["1", "2", "1"]
    assert any("leading zeros" in note for note in flows.attrs["notes"])
    frame.assign(**{"from": [1.0, None, 1.0]}).to_parquet(tmp_path / "gap.parquet")
    assert "rows 2" in refused(tmp_path / "gap.parquet")
    frame[:0].to_parquet(tmp_path / "none.parquet")
    assert "must hold rows" in refused(tmp_path / "none.parquet")
    frame.rename(columns={"flow": "many"}).to_parquet(tmp_path / "other.parquet")
    assert "'many'" in refused(tmp_path / "other.parquet")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_encodings(write, encoding):
    rows = [("Forlì", "Cantù", 3), ("Cantù", "Forlì", 4)]
    content = text_table("Orígin,Destination,Commuters", rows, ";").encode(encoding)
    flows = read_flows(write(content))
    assert list(flows.itertuples(index=False, name=None)) == rows
    assert any("Latin-1" in note for note in flows.attrs["notes"]) == (encoding == "latin-1")


def test_accents_late_in_the_file_do_not_matter(write):
    rows = [(f"{n:05}", "x", 1) for n in range(9000)]
    content = text_table(rows=rows).encode() + "Cantù,x,1\n".encode("latin-1")
    flows = read_flows(write(content))
    assert flows["origin"].iloc[-1] == "Cantù"
    assert "read as Latin-1" in flows.attrs["notes"][0]


def test_codes_are_text_as_they_stand(write):
    flows = read_flows(write(text_table(rows=[("NA", " 007 ", 1), ("None", "nan", 2), ("null", "", 3)][:2])))
    assert flows["origin"].tolist() == ["NA", "None"]
    assert flows["destination"].tolist() == ["007", "nan"]
    flows = read_flows(write(text_table(rows=[("1001.0", "1002.0", 1), ("1003.0", "1001.0", 2)])))
    assert flows["origin"].tolist() == ["1001", "1003"]


def test_rows_of_a_pair_are_added_up(write):
    rows = [("a", "b", 1, 0), ("b", "a", 2, 0), ("a", "b", 4, 1)]
    flows = read_flows(write(text_table("origin,destination,commuters,estimated", rows)))
    assert list(flows.itertuples(index=False, name=None)) == [("a", "b", 5, 1), ("b", "a", 2, 0)]
    assert flows.attrs["notes"] == ["Rows of the same pair of codes were added up: 3 rows, 2 pairs."]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(0, 10**6)),
        min_size=1,
        max_size=30,
    )
)
def test_nobody_is_lost(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("flows") / "f.csv"
    path.write_text(text_table(rows=rows), encoding="utf-8")
    flows = read_flows(path)
    expected = pd.DataFrame(rows, columns=["o", "d", "n"]).groupby(["o", "d"], sort=False)["n"].sum()
    assert flows.set_index(["origin", "destination"])["commuters"].to_dict() == expected.to_dict()


# numbers


def test_decimal_comma_and_point(write):
    comma = write(text_table(rows=[("a", "b", "2,5"), ("b", "a", "12")], separator=";"), "a.csv")
    point = write(text_table(rows=[("a", "b", "2.5"), ("b", "a", "12")]), "b.csv")
    assert read_flows(comma)["commuters"].tolist() == read_flows(point)["commuters"].tolist() == [2.5, 12]
    whole = write(text_table(rows=[("a", "b", "2.0"), ("b", "a", "1e3")]), "c.csv")
    assert read_flows(whole)["commuters"].dtype == "int64"


def test_thousands_are_not_guessed(write):
    for value in ("1.234", "1,234", "1.234.567"):
        message = refused(write(text_table(rows=[("a", "b", value), ("b", "a", "214")], separator=";")))
        assert "separators of thousands" in message
        assert value in message


@pytest.mark.parametrize(
    ("value", "rule"),
    [("many", "must be numbers"), ("", "must be numbers"), ("inf", "must be numbers"), ("-3", "at least 0")],
)
def test_broken_counts_are_named_with_their_row(write, value, rule):
    message = refused(write(text_table(rows=[("a", "b", 1), ("b", "a", value)])))
    assert rule in message
    assert f"row 3: {value!r}" in message


# what is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"\x00\x01\x02garbage\xff" * 30, "binary file"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "Save it as xlsx"),
        (b"PAR1 and nothing else", "cannot be read"),
        (b"PK\x03\x04 cut short", "cannot be read"),
        (gzip.compress(text_table().encode(), mtime=0)[:-9], "cannot be read"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"  <html>origin,destination,commuters</html>", "web page"),
        (b"origin,destination,commuters\n", "nothing but headings"),
        (b"origin,destination,commuters", "nothing but headings"),
        (b"origin,destination,commuters\na,b\n", "row 2 has 2"),
        (b"origin,destination,commuters\na,b,1\nSource: the institute\n", "row 3 has 1"),
        (b"origin,destination,commuters\na,b,1,9\n", "row 2 has 4"),
        (b"a;b;1\nb;a;2\n", "found: 'a', 'b', '1'"),
        (b"origin,destination,commuters,commuters\na,b,1,2\n", "'commuters' is repeated"),
        (b"origin,destination,flow,count\na,b,1,2\n", "'flow', 'count'"),
        (b"origin,destination,commuters\n,b,1\na,b,2\n", "rows 2"),
        (b"origin,destination,commuters,estimated\na,b,1,7\n", "must be 0 or 1"),
        (zipped(a__txt="x", b__csv="y"), "'a.txt', 'b.csv'"),
        (zipped(a__pdf="x"), "'a.pdf'"),
    ],
)
def test_hostile_files(write, content, message):
    path = write(content)
    text = refused(path)
    assert message in text
    assert "flows.csv" in text
    assert "\n" not in text


def test_files_that_cannot_be_opened(tmp_path):
    assert "cannot be read" in refused(tmp_path / "absent.csv")
    assert "cannot be read" in refused(tmp_path)


def test_nearest_heading_is_offered(write):
    message = refused(write(text_table("origin,destination,comuters")))
    assert "commuters='comuters'" in message


def test_named_columns_override(write):
    path = write(text_table("origin,destination,flow,count", [("a", "b", 1, 9)]))
    assert read_flows(path, commuters="count")["commuters"].tolist() == [9]
    swapped = read_flows(path, commuters="COUNT", origin="destination", destination="Origin")
    assert swapped["origin"].tolist() == ["b"]
    assert "would be destination and origin" in refused(path, commuters="flow", origin="destination")
    with pytest.raises(UnknownNameError, match="'flow'"):
        read_flows(path, commuters="flaw")


def test_bombs_are_stopped(write, monkeypatch):
    monkeypatch.setattr(packing, "LARGEST", 100_000)
    rows = [("a", "b", 1)] * 50_000
    for name, content in (
        ("z.gz", gzip.compress(text_table(rows=rows).encode(), mtime=0)),
        ("z.zip", zipped(a__csv=text_table(rows=rows))),
    ):
        assert "unpacks to more" in refused(write(content, name))


# the census of 2011


def record(kind="S", residence="001001", sex=1, reason=2, place=2, work="001002", state="000", number=3):
    means = "+  + +" if kind == "S" else "01 1 1"
    work = "000000" if place == 3 else work
    return (
        f"{kind} 1 {residence[:3]} {residence[3:]}  {sex} {reason} {place} {work[:3]} {work[3:]} {state}"
        f" {means} {'ND':>12}{number:>10}"
    )


CENSUS = [
    record(number=3),
    record(sex=2, number=4),
    record("L", number=99),
    record(reason=1, number=50),
    record(place=3, state="215", number=6),
    record(residence="082053", place=1, work="082053", number=1000),
]


@pytest.mark.parametrize(
    "pack", [str.encode, lambda text: zipped(**{"M 2011/matrix__txt": text, "x__doc": "w"})]
)
def test_census_of_2011(write, pack, monkeypatch):
    path = write(pack("\r\n".join(CENSUS) + "\r\n"), "matrix")
    for block in (1 << 25, 50):  # blocks cut records in two
        monkeypatch.setattr("diagnosis.sources.flow_tables.BLOCK", block)
        flows = read_flows(path)
        assert list(flows.itertuples(index=False, name=None)) == [
            ("001001", "001002", 7),
            ("082053", "082053", 1000),
        ]
    assert flows.attrs["layout"] == "istat_2011"
    assert flows.attrs["notes"][0].startswith("Matrix of the 2011 census: 6 records")
    assert flows.attrs["notes"][1] == "Persons who work abroad, left out: 6."


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("S 1 001 001", "after record 6: 'S 1 001 001'"),
        ("S 1 001 001\n" + record(), "after record 0: 'S 1 001 001'"),
        (record() + " 7\n" + record(), "'S 1 001 001  1 2 2 001 002"),
        ("some other line", "'some other line'"),
        (record(number="ND"), "ND"),
        (record(work="00x002"), "'00100100x002'"),
    ],
)
def test_broken_census_records(write, extra, message):
    assert message in refused(write("\n".join([*CENSUS, extra])))


def test_census_without_work(write):
    assert "must hold records of type S" in refused(write("\n".join([CENSUS[3], CENSUS[2]])))


# real files


def test_matrix_of_2021_is_read_in_no_time(mirror):
    path = mirror / "istat/matrix_pendoLAVORO_2021_completed.zip"
    read_flows(path)
    start = time.process_time()
    flows = read_flows(path)
    assert time.process_time() - start < 0.5
    assert (len(flows), flows["commuters"].sum()) == (523_949, 19_565_808)
    assert flows["origin"].str.len().eq(6).all()
    assert np.issubdtype(flows["commuters"].dtype, np.integer)


def test_tables_of_the_package(mirror):
    flows = read_flows(mirror / "istat/LabourMarketAreas/Sardinia.csv")
    assert (len(flows), flows["commuters"].sum()) == (10_997, 391_395)
    assert flows["origin"].iloc[0] == "90001"
