"""Proposed areas from any table of flows: what is written, where, and that nothing else is lost."""

import json

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import CliRunner
from shapely.geometry import box

from diagnosis.commands.areas import areas
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.provenance import file_digest
from diagnosis.report import area_folder
from diagnosis.report.area_folder import check_folder
from diagnosis.schema import LANGUAGES
from diagnosis.studies.delineation import delineate

SMALL = {"min_size": 100, "target_size": 400}
STEP = 0.2
ALWAYS = {
    "README.txt", "areas.csv", "columns.csv", "history.csv", "links.csv", "manifest.json", "quality.csv", "reserve.csv",
}  # fmt: skip


def code(column, row):
    return f"35{row:02}{column:03}"


CELLS = [(column, row) for row in range(4) for column in range(6)]
CENTRES = {(1, 1): 0, (4, 2): 1}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Six by four invented municipalities in the state of São Paulo: a western and an eastern centre."""
    folder = tmp_path_factory.mktemp("inputs")
    rows = []
    for column, row in CELLS:
        own = code(column, row)
        centre = (1, 1) if column < 3 else (4, 2)
        inside = 600 if (column, row) in CENTRES else 40
        rows.append((own, own, inside))
        if (column, row) not in CENTRES:
            rows += [(own, code(*centre), 50), (code(*centre), own, 5)]
    rows.append((code(1, 1), code(4, 2), 3))
    flows = pd.DataFrame(rows, columns=["residence", "workplace", "workers"])
    flows.to_csv(folder / "flows.csv", index=False, sep=";")
    flows.assign(residence=flows["residence"].astype(int)).to_parquet(folder / "flows.parquet")
    names = {cell: f"Vila {number}" for number, cell in enumerate(CELLS)}
    polygons = gpd.GeoDataFrame(
        {"CD_MUN": [code(*cell) for cell in CELLS], "NM_MUN": list(names.values())},
        geometry=[
            box(-49 + STEP * c, -23 + STEP * r, -49 + STEP * (c + 1), -23 + STEP * (r + 1)) for c, r in CELLS
        ],
        crs="EPSG:4326",
    )
    polygons.to_file(folder / "mun.gpkg", layer="municipalities")
    people = pd.DataFrame(
        {"cod_mun": [code(*cell) for cell in CELLS], "população": 1000, "pop": range(1000, 1024)}
    )
    people.to_csv(folder / "people.csv", index=False)
    halves = pd.DataFrame(
        {"code": [code(*cell) for cell in CELLS], "district": ["N" if r > 1 else "S" for _, r in CELLS]}
    )
    halves.to_csv(folder / "districts.csv", index=False)
    return folder


@pytest.fixture
def run(inputs, tmp_path):
    def draw(folder="out", flows="flows.csv", **options):
        paths = {
            name: inputs / options.pop(name)
            for name in ("polygons", "population", "within")
            if name in options
        }
        compare = [inputs / name for name in options.pop("compare", ())]
        options = {"parameters": SMALL, **options}
        return delineate(inputs / flows, tmp_path / folder, **paths, compare=compare, **options)

    return draw


def read(folder, name="areas", area="Int64"):
    return pd.read_csv(folder / f"{name}.csv", dtype={"code": str, "area_name": str, "area": area})


def expected_groups():
    return {frozenset(code(*cell) for cell in CELLS if (cell[0] < 3) == west) for west in (True, False)}


def groups_of(table):
    return {frozenset(rows["code"]) for _, rows in table.groupby("area")}


@pytest.mark.parametrize("mode", ["clean", "istat"])
def test_the_two_centres_are_found_without_polygons(run, inputs, tmp_path, mode):
    result = run(mode=mode)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == ALWAYS
    table = read(tmp_path / "out")
    assert groups_of(table) == expected_groups()
    assert set(table["area_name"]) == {code(1, 1), code(4, 2)}
    assert table["area_valid"].tolist() == [1] * 24
    assert result.polygons is None
    links = read(tmp_path / "out", "links")
    assert links["commuters"].sum() == pd.read_csv(inputs / "flows.csv", sep=";")["workers"].sum()


def test_polygons_anywhere_in_the_world(run, tmp_path):
    result = run(polygons="mun.gpkg", population="people.csv", columns={"code": "cd_mun"})
    folder = tmp_path / "out"
    assert groups_of(read(folder)) == expected_groups()
    assert set(read(folder)["area_name"]) == {"Vila 7", "Vila 16"}
    assert result.polygons.crs.is_projected
    maps = gpd.read_file(folder / "areas.gpkg", layer="areas")
    municipalities = gpd.read_file(folder / "areas.gpkg", layer="municipalities")
    assert (len(maps), len(municipalities)) == (2, 24)
    assert maps.geometry.area.sum() == pytest.approx(municipalities.geometry.area.sum())
    assert set(maps["n_pieces"]) == {1}
    quality = read(folder, "quality")
    assert quality["population"].sum() == sum(range(1000, 1024))
    assert quality["area_km2"].sum() == pytest.approx(24 * (STEP * 111.3) ** 2 * 0.92, rel=0.02)


def test_integer_codes_of_parquet_are_the_same_municipalities(run, tmp_path):
    result = run(flows="flows.parquet", polygons="mun.gpkg")
    assert groups_of(read(tmp_path / "out")) == expected_groups()
    assert any("stored as numbers" in item["en"] for item in result.remarks)


def test_areas_stay_within_groups(run, tmp_path):
    run(within="districts.csv", parameters={**SMALL, "min_size": 50, "target_size": 100})
    table = read(tmp_path / "out").merge(
        pd.DataFrame({"code": [code(*cell) for cell in CELLS], "north": [r > 1 for _, r in CELLS]})
    )
    assert table.groupby("area")["north"].nunique().max() == 1
    assert "districts.csv" in (tmp_path / "out" / "README.txt").read_text()


def test_comparison_with_what_exists(run, tmp_path):
    result = run(compare=["districts.csv"])
    numbers = result.comparisons["districts"]
    moves = read(tmp_path / "out", "differences_districts")
    # Areas W and E of 12, districts N and S of 12: each pair shares 6, so that 12 stay
    assert numbers["municipalities_changing"] == len(moves) == numbers["municipalities_differing"] == 12
    existing = read(tmp_path / "out", "quality_districts", str)
    proposed = read(tmp_path / "out", "quality")
    assert proposed["internal_commuters"].sum() > existing["internal_commuters"].sum()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["comparisons"]["districts"]["municipalities_changing"] == 12
    with pytest.raises(InputError, match="two are called 'districts'"):
        run("other", compare=["districts.csv", "districts.csv"])
    assert not (tmp_path / "other").exists()


def test_low_validity_is_counted_and_marked(run, inputs, tmp_path):
    """A municipality whose group is its own can join nobody, valid or not."""
    alone = [(code(*cell), "alone" if cell == (0, 0) else "others") for cell in CELLS]
    path = tmp_path / "groups.csv"
    pd.DataFrame(alone, columns=["code", "group"]).to_csv(path, index=False)
    result = run(within=path)
    table = read(tmp_path / "out").set_index("code")
    assert result.facts["low"] == 1
    assert table.index[table["area_valid"] == 0].tolist() == [code(0, 0)]
    assert table.loc[code(0, 0), "area_validity"] < 1
    assert "Areas below validity 1: 1 of 3." in (tmp_path / "out" / "README.txt").read_text()
    run("other")
    assert "Areas below validity 1: none." in (tmp_path / "other" / "README.txt").read_text()


def test_thresholds_nobody_reaches(run, tmp_path):
    hard = {"min_size": 10, "target_size": 10**6, "target_self_containment": 1.0}
    with pytest.raises(InputError, match="Lower the thresholds"):
        run(mode="istat", parameters=hard)
    assert not (tmp_path / "out").exists()


def test_municipalities_without_an_area_say_why(inputs, tmp_path):
    flows = pd.read_csv(inputs / "flows.csv", sep=";", dtype=str)
    flows.loc[len(flows)] = ["9999999", "9999999", "0"]
    flows.to_csv(tmp_path / "f.csv", index=False)
    result = delineate(tmp_path / "f.csv", tmp_path / "out", parameters=SMALL)
    row = read(tmp_path / "out").set_index("code").loc["9999999"]
    assert pd.isna(row["area"])
    assert row["reason"].startswith("no flow")
    assert pd.isna(row["area_valid"])
    assert result.facts["without"] == 1
    assert "Municipalities without an area: 1." in result.summary()[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_readme_and_columns(run, tmp_path, language):
    run(polygons="mun.gpkg", population="people.csv", compare=["districts.csv"], language=language)
    folder = tmp_path / "out"
    text = (folder / "README.txt").read_text(encoding="utf-8")
    assert text.startswith({"it": "Ambiti proposti\n", "en": "Proposed areas\n"}[language])
    assert "SLL" not in text
    assert "{" not in text
    assert max(map(len, text.splitlines())) <= 100
    for path in folder.iterdir():
        assert f"- {path.name}: " in text
    described = pd.read_csv(folder / "columns.csv").groupby("file")["column"].agg(set)
    for name in ("areas", "links", "history", "reserve", "differences_districts"):
        assert set(pd.read_csv(folder / f"{name}.csv").columns) == described[f"{name}.csv"], name
    assert {"area", "validity", "population"} <= described["quality.csv"]


def test_manifest_tells_inputs_and_outputs(run, inputs, tmp_path):
    run(polygons="mun.gpkg")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [item["role"] for item in manifest["inputs"]] == ["flows", "polygons"]
    assert manifest["inputs"][0]["sha256"] == file_digest(inputs / "flows.csv")
    assert manifest["parameters"]["min_size"] == 100
    assert set(manifest["outputs"]) == {p.name for p in (tmp_path / "out").iterdir()} - {"manifest.json"}
    assert manifest["created"] is None


def test_two_runs_write_the_same_tables(run, tmp_path):
    run("a", polygons="mun.gpkg")
    run("b", polygons="mun.gpkg")
    for name in ALWAYS:
        if name != "manifest.json":
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_runs_show_how_sensitive_the_areas_are(run, tmp_path):
    run(runs=5, seed=3, polygons="mun.gpkg")
    folder = tmp_path / "out"
    table = read(folder, "stability")
    assert set(table["code"]) == {code(*cell) for cell in CELLS}
    assert table["with_centre"].between(0, 1).all()
    assert "with_centre" in gpd.read_file(folder / "areas.gpkg", layer="municipalities")
    assert "Sensitivity: 5 replicates of the flows (seed 3)" in (folder / "README.txt").read_text()
    described = pd.read_csv(folder / "columns.csv").groupby("file")["column"].agg(set)
    assert set(table.columns) == described["stability.csv"]


# nothing is lost


def test_an_unchanged_folder_is_replaced(run, tmp_path):
    run(polygons="mun.gpkg", compare=["districts.csv"])
    run()
    assert {path.name for path in (tmp_path / "out").iterdir()} == ALWAYS


def test_changed_results_need_overwrite(run, tmp_path):
    run()
    table = tmp_path / "out" / "areas.csv"
    table.write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        run()
    assert table.read_text() == "mine"
    run(overwrite=True)
    assert table.read_text() != "mine"
    (tmp_path / "out" / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="--overwrite"):
        run()


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_files_are_never_touched(run, inputs, tmp_path, overwrite):
    for name in ("notes.txt", ".hidden", "areas.csv/inside"):
        folder = tmp_path / name.replace("/", "_")
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_text("mine")
        with pytest.raises(InputError, match="nothing was written"):
            run(folder.name, overwrite=overwrite)
        assert path.read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="it is a file"):
        run("file", overwrite=overwrite)


def test_what_is_read_is_not_replaced(run, tmp_path):
    run()
    with pytest.raises(InputError, match=r"'areas\.csv' lie in it"):
        check_folder(tmp_path / "out", True, [tmp_path / "out" / "areas.csv"])


def test_a_failure_leaves_the_old_folder(run, tmp_path, monkeypatch):
    run()
    before = (tmp_path / "out" / "manifest.json").read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(area_folder, "readme", full)
    with pytest.raises(InputError, match="No space left"):
        run()
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# bad input


def test_bad_parameters_write_nothing(run, tmp_path):
    for options, error in (
        ({"mode": "cleaned"}, UnknownNameError),
        ({"parameters": {"minimum": 3}}, UnknownNameError),
        ({"parameters": {"min_size": 5, "target_size": 2}}, InputError),
        ({"columns": {"orgin": "residence"}}, UnknownNameError),
        ({"columns": {"origin": "nowhere"}}, UnknownNameError),
        ({"language": "fr"}, UnknownNameError),
        ({"runs": -1}, InputError),
        ({"mode": "istat", "within": "districts.csv"}, InputError),
        ({"polygons": "flows.csv"}, InputError),
        ({"population": "districts.csv"}, InputError),
        ({"flows": "absent.csv"}, InputError),
    ):
        with pytest.raises(error):
            run(**options)
    assert not list(tmp_path.iterdir())


# the command


def test_the_command(inputs, tmp_path):
    arguments = [
        "--flows",
        inputs / "flows.csv",
        "--out",
        tmp_path / "out",
        "--min-size",
        100,
        "--target-size",
        400,
    ]
    arguments += ["--polygons", inputs / "mun.gpkg", "--compare", inputs / "districts.csv", "--lang", "en"]
    answer = CliRunner().invoke(areas, list(map(str, arguments)), catch_exceptions=False)
    assert answer.exit_code == 0
    assert "Proposed areas: 2." in answer.output
    assert "districts: adjusted Rand index" in answer.output
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["created"]
    with pytest.raises(InputError, match="min_size"):
        CliRunner().invoke(areas, [*map(str, arguments[:4]), "--min-size", "-1"], catch_exceptions=False)
    assert CliRunner().invoke(areas, ["--flows", "absent.csv", "--out", "o"]).exit_code == 2


# real files


def test_sardinia(mirror, tmp_path):
    package = mirror / "istat/LabourMarketAreas"
    result = delineate(
        package / "Sardinia.csv",
        tmp_path / "out",
        polygons=package / "shpSardinia.gpkg",
        names=package / "names.Sardinia.csv",
        compare=[mirror / "validation/sll_2011.csv"],
        language="it",
    )
    assert (result.facts["municipalities"], result.facts["without"], result.facts["pieces"]) == (377, 0, 0)
    assert 30 < result.facts["areas"] < 45
    assert result.polygons.crs.to_epsg() == 3035
    assert result.comparisons["sll_2011"]["municipalities_compared"] == 259
    assert "Cagliari" in set(result.tables["areas"]["area_name"])
