"""Road times: small files made from the layout a public project reads; the real ones were not met."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources import istat_travel
from diagnosis.sources.istat_travel import read_travel_times
from diagnosis.tables import ROAD_TIMES

HEADER = "OR_PROCOM ; OR_COMUNE;DEST_PROCOM;DEST_COMUNE; TEP_TOT ;TTP_TOT;KM_TOT"
ROWS = [
    "89017;Siracusa;89013;Noto;32,5;29,1;35,2",
    "89013;Noto;89017;Siracusa;33,25;30;35,4",
    "89017;Siracusa;89009;Floridia;20;18;13,1",
    "89017;Siracusa;87015;Catania;58,9;50;66",
    "89017;Siracusa;82053;Palermo;170;160;262",
    "89017;Siracusa;89017;Siracusa;0;0;0",
    "89017;Siracusa;15146;Milano;;;",
]


def text(*rows, header=HEADER):
    return "\r\n".join([header, *rows]) + "\r\n"


def archive(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(content, name="R19_SR.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("cp1252"))
        return read_travel_times(path)

    return read


def times(frame):
    return {(row.origin, row.destination): (row.minutes, row.km) for row in frame.itertuples()}


def test_pairs_of_the_province_and_others_within_an_hour_are_kept(read):
    frame = read(text(*ROWS))
    assert times(frame) == {
        ("089013", "089017"): (33.25, 35.4),
        ("089017", "087015"): (58.9, 66),
        ("089017", "089009"): (20, 13.1),
        ("089017", "089013"): (32.5, 35.2),
    }
    assert frame["free_minutes"].tolist() == [30, 50, 18, 29.1]
    assert frame.attrs["vintage"] == "2022"
    notes = " ".join(frame.attrs["notes"])
    assert "7 pairs in 1 files; kept are the 4" in notes
    assert "1 pairs without minutes have no way by road; 1 of a municipality with itself" in notes
    assert "start from 2 of 7904" in notes


def test_a_long_way_within_the_province_is_kept(read):
    frame = read(text("89017;a;89013;b;95;80;99", "89017;a;87015;b;60;1;1", "89017;a;88009;b;60,01;1;1"))
    assert times(frame) == {("089017", "087015"): (60, 1), ("089017", "089013"): (95, 99)}


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("OR_PROCOM,DEST_PROCOM,TEP_TOT,KM_TOT", ["089017,089013,32.5,35.2"]),
        ("OR_PROCOM;DEST_PROCOM;TEP_TOT;KM_TOT", ["089017;089013;32,5;35,2", "", ""]),
        ('"OR_PROCOM";"DEST_PROCOM";"TEP_TOT";"KM_TOT"', ['"89017";"89013";"32,5";"35,2"']),
        ("km_tot\ttep_tot\tdest_procom\tor_procom", ["35,2\t32,5\t89013\t89017"]),
        ("\ufeffOR_PROCOM;DEST_PROCOM;TEP_TOT;KM_TOT;", ["89017;89013;32,5;35,2;"]),
    ],
)
def test_separator_decimals_and_order_do_not_matter(read, header, rows):
    frame = read(text(*rows, header=header).encode("utf-8"))
    assert times(frame) == {("089017", "089013"): (32.5, 35.2)}
    assert "free_minutes" not in frame


def test_archives_of_regions_are_read_part_by_part(read):
    sicily = archive(R19_SR__csv=text(ROWS[0]), R19_CT__csv=text("87015;a;89017;b;59;1;66"))
    lazio = archive(R12_RI__csv=text("57059;Rieti;57027;b;40;38;40"))
    both = read(archive(Sicilia__zip=sicily, Lazio__zip=lazio, nota__pdf=b"x"), "matrici.zip")
    assert set(times(both)) == {("089017", "089013"), ("087015", "089017"), ("057059", "057027")}
    assert "in 3 files" in both.attrs["notes"][0]
    alone = read(sicily, "Sicilia.zip")
    assert set(times(alone)) == {("089017", "089013"), ("087015", "089017")}


def test_codes_of_2021_are_carried(read):
    frame = read(
        text("41033;Montecopiolo;99014;Rimini;50;1;1", "41060;a;41033;b;20;1;1", "81021;a;81011;b;9;1;1")
    )
    assert set(times(frame)) == {("099030", "099014"), ("099031", "099030"), ("081021", "081011")}
    assert "081025" not in set(frame["origin"]) | set(frame["destination"])  # created since, never measured


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        (["89017;a;89013;b;-1;1;1"], InputError, r"'minutes'.*from 0 on.*'-1'"),
        (["89017;a;89013;b;3;1;-2,5"], InputError, "'km'.*'-2,5'"),
        (["89017;a;89013;b;tre;1;1"], InputError, "'tre'"),
        (["89017;a;89013;b;1.234,5;1;1"], InputError, r"'1\.234,5'"),
        (["89017;a;89013;b;inf;1;1"], InputError, "'inf'"),
        (["Siracusa;a;89013;b;3;1;1"], InputError, "'origin'.*'Siracusa'"),
        (["89017;a;;b;3;1;1"], InputError, "'destination'"),
        (["89017;a;999999;b;3;1;1"], InputError, r"municipality of 2021-01-01.*'999999'"),
        (["89017;a;81025;b;3;1;1"], InputError, "'081025'"),
        (["89017;a;89013;b;3;1;1", "89017;a;89013;b;4;1;1"], InputError, "one time.*'089017-089013'"),
        ([], SourceError, "no row"),
    ],
)
def test_hostile_rows_are_refused(read, rows, error, words):
    with pytest.raises(error, match=words):
        read(text(*rows))


def test_the_same_row_twice_counts_once(read):
    assert len(read(text(ROWS[0], ROWS[0]))) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Name;Origine;Destinazione;Total_Minu;Total_Mete\n1;2;3;4;5\n", "must have the columns.*OR_PROCOM"),
        ("OR_PROCOM;OR_PROCOM;DEST_PROCOM;TEP_TOT;KM_TOT\n1;1;2;3;4\n", "missing or repeated: 'OR_PROCOM'"),
        ("<!doctype html><html>moved</html>", "must have the columns"),
        ("", "must have the columns"),
        (archive(nota__pdf=b"x"), "must hold CSV files or archives.*nota.pdf"),
        (archive(Lazio__zip=archive(deeper__zip=archive(a__csv=b"x"))), "must hold CSV files.*deeper.zip"),
    ],
)
def test_other_files_are_refused(read, content, words):
    with pytest.raises(SourceError, match=words):
        read(content)


@pytest.mark.parametrize("broken", [b"PK\x03\x04 broken", archive(a__csv=text(*ROWS))[:-60]])
def test_damaged_archives_are_refused(read, broken):
    with pytest.raises(InputError, match="must be a readable table"):
        read(broken, "a.zip")


def test_a_bomb_is_not_unpacked(read, monkeypatch):
    monkeypatch.setattr(istat_travel, "LARGEST_PART", 1000)
    with pytest.raises(SourceError, match="unpack to at most"):
        read(archive(a__csv=b"0" * 2000), "a.zip")


def test_reading_in_small_blocks_gives_the_same(read, monkeypatch):
    whole = read(text(*ROWS))
    monkeypatch.setattr(istat_travel, "ROWS", 2)
    pd.testing.assert_frame_equal(read(text(*ROWS)), whole)


def test_result_fulfils_the_contract_and_is_sorted(read):
    rng = np.random.default_rng(3)
    codes = [89000 + number for number in range(1, 22)]
    rows = [
        f"{a};x;{b};y;{minutes:.2f};1;{minutes:.1f}".replace(".", ",")
        for a in codes
        for b, minutes in zip(codes, rng.uniform(1, 90, len(codes)), strict=True)
        if a != b
    ]
    frame = read(text(*rng.permutation(rows)))
    assert len(frame) == 21 * 20
    pd.testing.assert_frame_equal(ROAD_TIMES.check(frame, "again"), frame, check_like=True)
    assert frame[["origin", "destination"]].equals(
        frame[["origin", "destination"]].sort_values(["origin", "destination"], ignore_index=True)
    )
