"""The data package: every file described, every column explained, every source attributed."""

import csv
import io
import re
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.indicators import REASONS
from diagnosis.indicators.breaks import PROVISIONAL
from diagnosis.report import file_sources
from diagnosis.report.package import write_package
from diagnosis.report.words import Words
from diagnosis.schema import LANGUAGES
from diagnosis.tables import CRS

pytestmark = pytest.mark.xdist_group("report")
CONTRACT = {
    "README.md", "areas.csv", "areas.gpkg", "attributions.csv", "data_dictionary.csv", "gaps.csv",
    "indicators.csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def packages(example_result, tmp_path_factory):
    folders = {}
    for language in LANGUAGES:
        folder = tmp_path_factory.mktemp(f"package-{language}")
        write_package(example_result, folder, Words(language))
        folders[language] = folder / "data"
    return folders


@pytest.fixture(scope="module")
def package(packages):
    return packages["it"]


def read(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_files_of_the_contract(package):
    names = {path.name for path in package.iterdir()}
    assert names >= CONTRACT
    assert all(path.stat().st_size for path in package.iterdir())


def test_every_file_is_named_in_the_readme(package):
    text = (package / "README.md").read_text(encoding="utf-8")
    for path in package.iterdir():
        if path.name != "README.md":
            assert f"`{path.name}`" in text, path.name


def test_files_are_plain_utf8_csv(package):
    for path in package.glob("*.csv"):
        content = path.read_bytes()
        assert b"\r" not in content, path.name
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"))))
        assert len(rows) > 1, path.name
        assert len({len(row) for row in rows}) == 1, path.name
        assert len(set(rows[0])) == len(rows[0]), path.name
        assert not re.search(rb"\bnan\b|<NA>|\bNaT\b", content), path.name


def test_indicators_have_one_row_a_municipality(package, example_result):
    frame = read(package / "indicators.csv")
    assert list(frame["code"]) == list(example_result.municipalities.index)
    assert frame["code"].str.fullmatch(r"\d{6}").all()
    assert (frame["name"] == example_result.municipalities["name"].to_numpy()).all()
    again = pd.to_numeric(frame.set_index("code")["residents"])
    pd.testing.assert_series_equal(
        again.astype(float),
        example_result.table("indicators")["residents"].astype(float),
        check_index_type=False,
        check_dtype=False,
        check_index=False,
    )


def test_dictionary_covers_every_indicator(package):
    dictionary = read(package / "data_dictionary.csv")
    known = set(dictionary.iloc[:, 0])
    for file in ("indicators.csv", "groups.csv"):
        assert set(read(package / file).columns) - {"code", "name", "group"} <= known, file
    assert set(read(package / "wellbeing.csv")["indicator"]) <= known
    assert set(read(package / "gaps.csv")["indicator"]) <= known
    assert (dictionary.ne("").sum() > 0).all()


def test_dictionary_is_in_the_language_of_the_report(packages):
    italian, english = (read(packages[language] / "data_dictionary.csv") for language in ("it", "en"))
    item = load_catalogue()["old_age_index"]
    assert item.name["it"] in italian.to_numpy()
    assert item.name["en"] in english.to_numpy()
    assert list(italian.iloc[:, 0]) == list(english.iloc[:, 0])


def test_areas_have_one_column_a_method(package, example_result):
    frame = read(package / "areas.csv")
    assert {"code", "name", "functional", "sll_2021"} <= set(frame.columns)
    assert frame["code"].is_unique
    assert set(example_result.municipalities.index) <= set(frame["code"])
    quality = read(package / "area_quality.csv")
    assert set(frame["functional"]) - {""} == set(quality.iloc[:, 0])


def test_polygons_have_layers_crs_and_rows(package):
    path = package / "areas.gpkg"
    assert {name for name, _ in pyogrio.list_layers(path)} == {"municipalities", "functional_areas"}
    municipalities = gpd.read_file(path, layer="municipalities")
    table = read(package / "areas.csv")
    assert municipalities.crs == CRS
    assert sorted(municipalities["code"]) == sorted(table["code"])
    assert municipalities.geometry.is_valid.all()
    areas = gpd.read_file(path, layer="functional_areas")
    assert areas.crs == CRS
    assert len(areas) == table["functional"].replace("", None).nunique()
    inside = municipalities.dropna(subset="functional")
    assert areas.area.sum() == pytest.approx(inside.area.sum())


def test_every_gap_has_a_reason(packages, example_result):
    for language, folder in packages.items():
        gaps = read(folder / "gaps.csv")
        assert {"code", "indicator", "reason", "name", "reason_text"} <= set(gaps.columns)
        assert len(gaps) == len(example_result.table("gaps"))
        assert set(gaps["reason"]) <= set(REASONS)
        assert gaps["reason_text"].map(len).min() > 5
        assert gaps["reason_text"].iloc[0] == REASONS[gaps["reason"].iloc[0]][language]
    values = read(packages["it"] / "indicators.csv").set_index("code")
    missing = {(code, name) for name in values.columns for code in values.index[values[name] == ""]}
    assert {(row.code, row.indicator) for row in gaps.itertuples()} == missing


def test_every_source_is_attributed(package, example_result):
    frame = read(package / "attributions.csv")
    assert {"source", "licence", "attribution", "modified", "sha256", "file"} <= set(frame.columns)
    assert list(frame["source"]) == [item.id for item in example_result.manifest.sources]
    assert frame["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_real_sources_are_attributed_with_their_licence(example_result, project, tmp_path):
    from dataclasses import replace

    from diagnosis.provenance import SourceFile, SourceRecord, load_sources

    sources = load_sources(project / "data" / "sources.yml")
    file = project / "pyproject.toml"
    records = tuple(
        SourceRecord.of(SourceFile.of(name, file, "mirror"), item) for name, item in sources.items()
    )
    manifest = example_result.manifest.model_copy(update={"sources": records})
    write_package(replace(example_result, manifest=manifest), tmp_path, Words("en"))
    frame = read(tmp_path / "data" / "attributions.csv")
    for column in ("publisher", "licence", "attribution", "modified", "title"):
        assert frame[column].ne("").all(), column
    assert set(frame["licence_confirmed"]) <= {"True", "False"}


def test_every_file_names_its_sources(package, example_result):
    frame = read(package / "file_sources.csv")
    files = {path.name for path in package.iterdir()}
    assert set(frame["file"]) == files - file_sources.DESCRIPTIONS
    known = file_sources.MUNICIPAL | file_sources.PROVINCIAL | file_sources.FLOWS | file_sources.AREAS
    known |= file_sources.GOVERNANCE
    assert set(frame["file"]) <= known | file_sources.EVERYTHING, (
        "say there which sources a new file rests on"
    )
    assert set(frame["source"]) <= {item.id for item in example_result.manifest.sources}
    for column in ("title", "publisher", "licence", "attribution", "modification"):
        assert frame[column].ne("").all(), column
    assert set(frame["modified"]) == {"True"}
    of_file = frame.groupby("file")["source"].agg(set)
    assert of_file["wellbeing.csv"] == {"wellbeing", "provinces"}
    assert of_file["flows.csv"] == {"municipalities", "provinces", "flows"}
    assert of_file["indicators.csv"] >= {"population", "flows", "hazards", "inner_areas", "classification"}
    assert "wellbeing" not in of_file["indicators.csv"]


def test_licences_that_are_not_confirmed_are_marked(example_result, project, tmp_path):
    from dataclasses import replace

    from diagnosis.provenance import SourceFile, SourceRecord, load_sources

    sources = load_sources(project / "data" / "sources.yml")
    file = project / "pyproject.toml"
    records = tuple(
        SourceRecord.of(SourceFile.of(name, file, "mirror"), item) for name, item in sources.items()
    )
    result = replace(example_result, manifest=example_result.manifest.model_copy(update={"sources": records}))
    files = file_sources.MUNICIPAL | file_sources.PROVINCIAL | file_sources.FLOWS | file_sources.AREAS
    names = sorted(files | file_sources.GOVERNANCE)
    for language in LANGUAGES:
        words = Words(language)
        frame = file_sources.describe_files(result, names, words)
        marked = frame.drop_duplicates("source").set_index("source")["licence_confirmed"]
        assert dict(marked) == {name: sources[name].licence_confirmed for name in marked.index}
        listed = file_sources.list_unconfirmed(result, words)
        assert len(listed) == sum(not item.licence_confirmed for item in sources.values())
        assert any(sources["snai_2020"].title[language] in line for line in listed)
        bases = frame.drop_duplicates("source").set_index("source")["licence_basis"]
        assert dict(bases) == {
            name: "" if sources[name].licence_confirmed else sources[name].licence_basis
            for name in bases.index
        }
        for name, basis in (("snai_2020", "publisher"), ("vehicles_2024", "republisher")):
            told = words(f"licence_basis_{basis}", licence=sources[name].licence)
            assert f"{sources[name].title[language]} ({told})" in listed
        used = frame.groupby("file")["source"].agg(set)
        assert used["wellbeing.csv"] == {"bes_territories"}
        assert used["flows.csv"] == {"municipalities_2022", "commuting_2021"}
        assert used["areas.csv"] >= {
            "commuting_2021",
            "commuting_margins_2021",
            "sll_2011",
            "suppressed_municipalities",
        }
        assert used["indicators.csv"] >= {"population_2022", "income_2023", "situas_municipalities"}
        assert "bes_territories" not in used["indicators.csv"]
        assert used["governance_areas.csv"] >= used["areas.csv"] | {
            "population_2022",
            "snai_2020",
            "pupils_2024",
        }
        assert not used["governance_areas.csv"] & {"bes_territories", "income_2023"}
    write_package(result, tmp_path, Words("it"))
    readme = (tmp_path / "data" / "README.md").read_text(encoding="utf-8")
    assert "**non è confermata**" in readme
    assert all(f"- {line}" in readme for line in file_sources.list_unconfirmed(result, Words("it")))
    assert f"- {sources['hazards_2021'].attribution.it}\n" in readme


def test_flows_say_what_kind_they_are(package):
    assert "**" in (package / "README.md").read_text(encoding="utf-8").split("- `")[0]


def test_hostile_names_start_no_formula(hostile_result, tmp_path):
    write_package(hostile_result, tmp_path, Words("it"))
    files = sorted((tmp_path / "data").glob("*.csv"))
    assert {path.name for path in (tmp_path / "data").iterdir()} >= CONTRACT
    assert not list(tmp_path.parent.glob("etc*"))
    for path in files:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    assert not re.match(r"[=@\t\r]|[+-](?![0-9.]+(e[+-]?[0-9]+)?$)", cell), (path.name, cell)


def test_quality_of_the_data_is_in_the_package(package, example_result):
    checks = read(package / "data_quality.csv")
    assert len(checks) == len(example_result.table("data_quality"))
    assert set(checks["grade"]) <= {"A", "B", "C", "D", ""}
    assert (checks["reason"] != "").all()
    domains = read(package / "data_quality_domains.csv")
    assert set(domains["domain"]) == set(example_result.table("quality_domains").index)
    waiting = example_result.facts["indicators"]["waiting"]
    assert waiting
    for name in ("indicators.csv", "groups.csv"):
        assert not set(waiting) & set(read(package / name).columns), name
    assert not set(waiting) & set(read(package / "gaps.csv")["indicator"])


def test_values_of_provisional_years_are_marked(example_result, tmp_path):
    wellbeing = example_result.table("wellbeing").copy()
    wellbeing["year"] = "2024"
    result = replace(example_result, tables={**example_result.tables, "wellbeing": wellbeing})
    write_package(result, tmp_path, Words("it"))
    marked = pd.read_csv(tmp_path / "data" / "wellbeing.csv", index_col="indicator")["provisional"]
    assert set(marked.index[marked == 1]) == set(PROVISIONAL) & set(wellbeing.index)
    assert marked.sum() > 0
