"""`diagnosis areas` met with broken files, folders it must not touch, and a user who interrupts it."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import redirect_stderr, redirect_stdout

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapely.geometry import Point, Polygon, box

from diagnosis.cli import main

ROWS = [
    ("001", "001", 80), ("001", "002", 20), ("002", "001", 50), ("002", "002", 50), ("003", "003", 90),
    ("003", "001", 10), ("001", "003", 10), ("004", "003", 5), ("004", "004", 20), ("003", "004", 6),
]  # fmt: skip
FLOWS = pd.DataFrame(ROWS, columns=["origin", "destination", "commuters"])
TEXT = FLOWS.to_csv(index=False)
SMALL = ("--min-size", "20", "--target-size", "150")
SQUARES = [box(10 + i / 10, 45, 10.1 + i / 10, 45.1) for i in range(4)]


@pytest.fixture
def flows(tmp_path):
    path = tmp_path / "inputs" / "flows.csv"
    path.parent.mkdir()
    path.write_text(TEXT)
    return path


@pytest.fixture
def run(tmp_path, flows):
    """Run the command inside this process; exit status, what it said, what it said was wrong."""

    def call(*options, flows=flows, folder=tmp_path / "out"):
        said, wrong, status = io.StringIO(), io.StringIO(), 0
        with redirect_stdout(said), redirect_stderr(wrong):
            try:
                main(["areas", "--flows", str(flows), "--out", str(folder), *SMALL, *map(str, options)])
            except SystemExit as end:
                status = end.code or 0
        return status, said.getvalue(), wrong.getvalue()

    return call


@pytest.fixture
def refuse(run, tmp_path):
    """Run the command on something broken: status 2, one paragraph, nothing written; return the paragraph."""

    def call(*options, **inputs):
        before = sorted(tmp_path.rglob("*"))
        status, said, wrong = run(*options, **inputs)
        assert (status, said) == (2, "")
        assert "Traceback" not in wrong
        assert "Warning" not in wrong
        assert sorted(tmp_path.rglob("*")) == before
        return wrong

    return call


def areas(folder):
    table = pd.read_csv(folder / "areas.csv", dtype=str, keep_default_na=False)
    return dict(zip(table["code"], table["area"], strict=True))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def process(*arguments, **options):
    """Start the command as a user does."""
    return subprocess.Popen(
        [sys.executable, "-m", "diagnosis", "areas", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


# Tables


BROKEN = {
    "empty": "",
    "blank": " \n\n",
    "headings alone": "origin,destination,commuters\n",
    "no headings": TEXT.split("\n", 1)[1],
    "negative": TEXT.replace(",80", ",-80"),
    "missing": TEXT.replace(",80", ","),
    "text": TEXT.replace(",80", ",many"),
    "NaN": TEXT.replace(",80", ",NaN"),
    "infinite": TEXT.replace(",80", ",inf"),
    "too large": TEXT.replace(",80", ",1e300"),
    "too large together": TEXT.replace(",80", ",9000000000000000000\n001,001,9000000000000000000"),
    "many digits": TEXT.replace(",80", "," + "9" * 400),
    "thousands": TEXT.replace(",", ";").replace(";80", ";1.000"),
    "nothing but thousands": "origin;destination;commuters\n1;2;1.234\n2;1;2.345\n",
    "no code": TEXT.replace("001,001", "001, "),
    "a total": TEXT + "Totale,,351\n",
    "a title": "Matrix;;\n" + TEXT,
    "too few cells": TEXT + "1,2\n",
    "too many cells": TEXT + "1,2,3,4\n",
    "an open quote": TEXT.replace("004,004", '"004,004'),
    "a page": "<html>404</html>",
    "zeros": "origin,destination,commuters\n1,1,0\n",
    "two columns of commuters": "origin,destination,commuters,flow\n1,2,3,4\n",
    "the same heading twice": "origin,commuters,commuters\n1,2,3\n",
    "a share estimated": "origin,destination,commuters,estimated\n1,2,5,0.5\n",
    "NUL": TEXT.replace("004", "0\0004"),
    "no census": "S 1 001 001 2 1 1 x\n",
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_tables(refuse, flows, case):
    flows.write_text(BROKEN[case])
    assert refuse().startswith("diagnosis: ")


WELL = {
    "other line ends": TEXT.replace("\n", "\r\n"),
    "those of old Macintosh": TEXT.replace("\n", "\r"),
    "a mark of byte order": "\ufeff" + TEXT,
    "tabs": TEXT.replace(",", "\t"),
    "decimals": TEXT.replace(",80", ",80.5"),
    "decimal commas": TEXT.replace(",", ";").replace(";80", ";80,5"),
    "blanks around": TEXT.replace("001", " 001 "),
    "blank lines at the end": TEXT + "\n\n\n",
    "trailing commas": TEXT.replace("\n", ",\n"),
    "two parts of a flow": TEXT.replace(",80", ",30\n001,001,50"),
}


@pytest.mark.parametrize("case", WELL)
def test_tables_of_all_makes(run, flows, tmp_path, case):
    flows.write_text(WELL[case], newline="")
    assert run()[0] == 0
    assert areas(tmp_path / "out") == {"001": "1", "002": "1", "003": "2", "004": "3"}


def test_codes_of_all_kinds(run, flows, tmp_path):
    new = {"001": "NA", "002": "None", "003": "🚉 é", "004": "a\nb"}
    FLOWS.replace(new).to_csv(flows, index=False)
    assert run()[0] == 0
    assert areas(tmp_path / "out") == {"NA": "1", "None": "1", "🚉 é": "2", "a\nb": "3"}


def test_zeros_lost_in_one_column_are_told(run, flows):
    flows.write_text(TEXT.replace("001,001", "1,1"))
    for language, word in (("en", "Beware"), ("it", "Attenzione")):
        status, said, _ = run("--language", language)
        assert status == 0
        assert f"{word}: " in said
        assert "'001', '1'" in said


def column(name, values):
    table = pa.Table.from_pandas(FLOWS, preserve_index=False)
    return table.set_column(table.column_names.index(name), name, values)


def test_columns_of_bytes_are_texts(run, flows, tmp_path):
    ends = {name: pa.array([code.encode() for code in FLOWS[name]]) for name in ("origin", "destination")}
    pq.write_table(pa.table({**ends, "commuters": FLOWS["commuters"].tolist()}), flows)
    assert run()[0] == 0
    assert set(areas(tmp_path / "out")) == {"001", "002", "003", "004"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("commuters", [[1]] * 10), ("commuters", [None] * 10), ("commuters", [float("nan")] * 10),
        ("commuters", [True] * 10), ("origin", [["1"]] * 10), ("origin", [{"a": 1}] * 10), ("origin", [None] * 10),
    ],
)  # fmt: skip
def test_columns_of_another_type(refuse, flows, name, values):
    pq.write_table(column(name, pa.array(values)), flows)
    refuse()


def test_packed_and_damaged_files(run, refuse, flows):
    packed = gzip.compress(TEXT.encode() * 2000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("flows.csv", TEXT * 100)
    FLOWS.to_parquet(flows)
    parquet = flows.read_bytes()
    damaged = [
        packed[:-50],
        buffer.getvalue()[:-30],
        parquet[:-20],
        b"PAR1",
        b"\xd0\xcf\x11\xe0" + b"\0" * 600,
    ]
    for content in [
        *damaged,
        np.random.default_rng(0).bytes(5000),
        gzip.compress(packed),
        gzip.compress(b""),
    ]:
        flows.write_bytes(content)
        refuse()
    flows.write_bytes(gzip.compress(TEXT.encode()))
    assert run()[0] == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(refuse, tmp_path):
    """It could be read only once, while the file is opened several times."""
    os.mkfifo(tmp_path / "pipe.csv")
    assert "pipe" in refuse(flows=tmp_path / "pipe.csv")


# The other files


def write_polygons(path, shapes, codes=("001", "002", "003", "004")):
    frame = gpd.GeoDataFrame({"code": list(codes)}, geometry=shapes, crs="EPSG:4326")
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    return path


@pytest.mark.parametrize(
    "shapes",
    [
        [Point(1, 1)] * 4, [Polygon()] * 4, [None] * 4, [box(1000, 4500, 1001, 4501)] * 4,
        [Polygon([(10, 45), (np.inf, 45), (10, 46)])] * 4,
    ],
)  # fmt: skip
def test_polygons_that_are_none(refuse, flows, shapes):
    refuse("--polygons", write_polygons(flows.with_name("polygons.parquet"), shapes))


@pytest.mark.parametrize(
    "shapes",
    [
        [Polygon([(10, 45), (10.1, 45.1), (10.1, 45), (10, 45.1)]), *SQUARES[1:]],
        [box(i, 89.9, i + 1, 90) for i in range(4)],
        [box(w, 0, w + 0.1, 0.1) for w in (179.8, 179.9, -180, -179.9)],
        [box(10 + 5 * i, 45, 10.1 + 5 * i, 45.1) for i in range(4)],
    ],
    ids=["bow tie", "pole", "date line", "far apart"],
)
def test_polygons_in_odd_places(run, flows, tmp_path, shapes):
    status, _, wrong = run("--polygons", write_polygons(flows.with_name("polygons.gpkg"), shapes))
    assert (status, wrong) == (0, "")
    assert len(areas(tmp_path / "out")) == 4


def test_a_polygon_that_is_broken_is_left_out_and_told(run, flows):
    shapes = [*SQUARES[:3], Polygon([(10, 45), (np.inf, 45), (10, 46)])]
    status, said, _ = run(
        "--polygons", write_polygons(flows.with_name("p.parquet"), shapes), "--language", "en"
    )
    assert status == 0
    assert "municipalities without a polygon: 1 ('004')" in said


def test_files_that_are_no_polygons(refuse, flows):
    good = write_polygons(flows.with_name("good.gpkg"), SQUARES)
    cut = flows.with_name("cut.gpkg")
    cut.write_bytes(good.read_bytes()[:5000])
    FLOWS.to_parquet(flows.with_name("table.parquet"))
    for path in (flows, cut, flows.with_name("table.parquet")):
        refuse("--polygons", path)
    refuse("--polygons", write_polygons(flows.with_name("other.gpkg"), SQUARES, list("abcd")))
    refuse("--polygons", good, "--layer", "none")
    refuse("--polygons", good, "--code", "none")


@pytest.mark.parametrize(
    "content",
    [
        "", "code,population\n", "code,x\n001,1\n", "code,population\nx,1\n", "code,population\n001,-1\n",
        "code,population\n001,x\n", "code,population\n001,\n002,5\n", "code,population\n001,1\n001,2\n",
        "code,population\n1,1\n001,2\n", "code,population\n001,inf\n", "code,population\n001,1\n,2\n003,4\n",
        "code;population\n001;1.234\n002;2.345\n",
    ],
)  # fmt: skip
def test_residents_that_are_none(refuse, flows, content):
    path = flows.with_name("people.csv")
    path.write_text(content)
    refuse("--population", path)


def test_blank_rows_at_the_end_of_a_table_of_residents(run, flows):
    path = flows.with_name("people.csv")
    path.write_text("code,population\n001,5\n002,6\n,\n,\n")
    assert run("--population", path)[0] == 0


@pytest.mark.parametrize(
    ("content", "within", "compare"),
    [
        ("code,area\n001,a\n", False, True), ("code,area\nx,a\n", False, False),
        ("code,area\n001,a\n001,b\n", False, False), ("code,area\n001,NA\n002,None\n003,nan\n004,null\n", True, True),
        ("code,area\n001,\n002,\n", False, False), ('code,area\n1,"a,b"\n2,"x\ny"\n3,🚉\n4,-\n', True, True),
        ("code,area\n001,a\n002,a\n003,a\n004,a\n", True, True),
    ],
)  # fmt: skip
def test_geographies(run, refuse, flows, content, within, compare):
    path = flows.with_name("geography.csv")
    path.write_text(content)
    for option, works in (("--within", within), ("--compare", compare)):
        if works:
            assert run(option, path)[0] == 0
        else:
            refuse(option, path)


@pytest.mark.parametrize(
    "options",
    [
        ["--min-size", "nan"], ["--min-size", "inf"], ["--min-size", "-1"], ["--min-size", "200"],
        ["--min-self-containment", "60"], ["--target-self-containment", "75"], ["--runs", "-1"], ["--seed", "-1"],
        ["--origin", "zz"], ["--origin", "commuters"], ["--mode", "x"], ["--language", "fr"],
        ["--min-size", "1e307", "--target-size", "1e308", "--mode", "istat", "--runs", "1"],
    ],
)  # fmt: skip
def test_options_out_of_range(refuse, options):
    refuse(*options)


# Folders


def test_the_folder_of_the_inputs_is_never_touched(refuse, flows):
    refuse(folder=flows.parent)
    refuse("--overwrite", folder=flows.parent)
    assert flows.read_text() == TEXT
    ours = flows.rename(flows.with_name("areas.csv"))  # a name of the results
    refuse("--overwrite", flows=ours, folder=ours.parent)


def test_folders_that_cannot_be(refuse, flows, tmp_path):
    refuse(folder=flows)
    refuse(folder=flows / "below")
    file = tmp_path / "out" / "sub" / "file"
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    refuse("--overwrite")
    assert file.read_text() == "mine"


@pytest.mark.parametrize("content", [b"[]", b'{"outputs": 5}', b"\xff\xfe", b""])
def test_a_manifest_that_is_none_protects_the_folder(run, refuse, tmp_path, content):
    assert run()[0] == 0
    (tmp_path / "out" / "manifest.json").write_bytes(content)
    refuse()
    assert run("--overwrite")[0] == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["areas"] == 3


def test_a_link_to_a_folder_stays_a_link(run, tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "target")
    assert run()[0] == 0
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "target" / "areas.csv").exists()


def test_a_folder_without_right_to_write(flows, tmp_path, refuse):
    closed = tmp_path / "closed"
    (closed / "out").mkdir(parents=True)
    closed.chmod(0o555)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")
    refuse(folder=closed / "out")
    refuse(folder=closed / "new")
    closed.chmod(0o755)


# The command as a process


@pytest.mark.parametrize(("language", "title"), [("it", "Ambiti proposti\n"), ("en", "Proposed areas\n")])
def test_both_languages(flows, tmp_path, language, title):
    job = process("--flows", flows, "--out", tmp_path / "out", *SMALL, "--language", language)
    said, wrong = job.communicate(timeout=120)
    assert (job.returncode, wrong) == (0, "")
    readme = (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
    assert readme.startswith(title)
    assert said.splitlines()[0] in readme


def test_a_broken_file_ends_the_process_with_status_2(flows, tmp_path):
    flows.write_text(BROKEN["negative"])
    job = process("--flows", flows, "--out", tmp_path / "out")
    said, wrong = job.communicate(timeout=120)
    assert (job.returncode, said) == (2, "")
    assert wrong.startswith("diagnosis: flows.csv")
    assert "row 2: '-80'" in wrong
    assert names(tmp_path) == ["inputs"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_an_interrupt_leaves_the_earlier_results(run, flows, tmp_path):
    assert run()[0] == 0
    folder = tmp_path / "out"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rng = np.random.default_rng(0)
    large = pd.DataFrame(rng.integers(0, 400, (19_000, 2)), columns=["origin", "destination"])
    large.assign(commuters=rng.integers(1, 50, len(large))).to_csv(flows, index=False)
    job = process("--flows", flows, "--out", folder, "--runs", "100000")
    time.sleep(3)  # in the middle of the runs, which would take minutes
    job.send_signal(signal.SIGINT)
    _, wrong = job.communicate(timeout=60)
    assert job.returncode == 130
    assert "Traceback" not in wrong
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert names(tmp_path) == ["inputs", "out"]
