"""Every file of the mirror is read by a source, or serves a test, or is left out for a reason; and it is whole.

Numbers of rows are those of the mirror's own README, read from its table.
"""

import csv
import gzip
import io
import json
import re
import zipfile

import pandas as pd
import pytest

from diagnosis.provenance import load_sources
from diagnosis.sources.formats import read_sheet
from diagnosis.sources.istat import read_classification
from diagnosis.sources.readers import COMPANIONS, READERS

READ = {
    # file -> source of data/sources.yml that reads it, or looks codes up in it
    "istat/matrix_pendoLAVORO_2021_completed.zip": "commuting_2021",
    "istat/matrix_pendoLAVORO_2021_observed.zip": "commuting_2021",
    "istat/matrix_pendoLAVORO_2021_margins.csv": "commuting_margins_2021",
    "istat/sll_2021_composizione.json": "sll_2021",
    "istat/Specializzazione_produttiva_SLL_2021.xlsx": "sll_classes_2021",
    "istat/ElencoUnitaAmministrative2011.csv": "sll_2011",
    "istat/Classificazioni_statistiche_comuni_01_01_2023.xlsx": "classification_2023",
    "istat/frame_territoriale_2023.xlsx": "business_2023",
    "istat/Bes_dei_territori_indic_provincia.xlsx": "bes_territories",
    "istat/Elenco-comuni-italiani_ISTAT.csv": "municipalities_2025",
    "istat/2026-08-14_situas_comuni.csv": "situas_municipalities",
    "istat/comuni-soppressi_ISTAT.csv": "suppressed_municipalities",
    "dpcoe/mappa-ai-2020-elenco-classificazione-comuni.xlsx": "snai_2020",
    "dpcoe/elenco_aree_snai_14-20-e-21-27.xlsx": "snai_areas_2014",
    "dpcoe/08_elenco-aree-comuni-con-riperimetrazioni.xlsx": "snai_areas_2021",
    "jrc/CoM_dataset2019_allinitial.xlsx": "covenant_inventories_2019",
    "jrc/df1_Signatories_2024.xlsx": "covenant_signatories_2024",
    "jrc/EDGAR_RCO_TCO_20052.xlsx": "edgar_2005",
    "jrc/ef_electricity_CoM2017.csv": "electricity_factors_2017",
    "ispra/ispra_idrogeo_comuni_2021.csv": "hazards_2021",
    "mef/income-by-comune.csv": "income_2023",
    "mim/SCUANAGRAFESTAT20252620250901.csv.gz": "schools_state_2025",
    "mim/SCUANAGRAFEPAR20232420230901.csv": "schools_private_2023",
    "mim/SCUANAAUTSTAT20232420230901.csv": "schools_autonomous_2023",
    "mim/dati_scuole_20242025_studenti.csv": "pupils_2024",
    "iccu/biblioteche_ICCU.csv": "libraries_register",
    "limen/comuni-population.csv": "residents_2025_2026",
    "limen/fleet-by-province.csv": "vehicles_2024",
    "openpolis/2022_italy_geo_municipalities.feather": "municipalities_2022",
    "openpolis/2022_italy_municipalities.feather": "municipalities_2022",
    "openpolis/2022_italy_pop.feather": "population_2022",
}
COMPARED = {
    # file -> test that compares results with it
    "istat/matrix_pendoLAVORO_2021_completed_report.json": "networks/test_completion.py",
    "istat/completion_check_sardinia_2001.json": "networks/test_completion.py",
    "istat/contiguita_comuni_2021.csv": "networks/test_contiguity.py",
    "istat/LabourMarketAreas/Sardinia.csv": "studies/test_delineation.py",
    "istat/LabourMarketAreas/names.Sardinia.csv": "studies/test_delineation.py",
    "istat/LabourMarketAreas/shpSardinia.gpkg": "studies/test_delineation.py",
    "limen/motorization-rate.csv": "sources/test_aci.py",
    "codes/bridge.csv": "codes/test_codes.py",
    "codes/bridge_2011_to_2022.csv": "sources/test_official_areas.py",
    "validation/sll_2011.csv": "sources/test_official_areas.py",
    "validation/sll_2021.csv": "sources/test_official_areas.py",
    "validation/snai_2020.csv": "sources/test_dpcoe.py",
    "validation/degurba.csv": "sources/test_mirror_inventory.py",
    "CHECKSUMS.sha256": "sources/test_sources_list.py",
}
LEFT_OUT = {
    "README.md": "describes the mirror; read here",
    "agid/cruscotto_italia_pendolarismo_2021_7904_shards.tar.gz": "the observed matrix and its margins were made of it",
    "istat/build_completed_matrix.py": "the programme that completed the matrix; networks.completion is our own",
    "istat/LabourMarketAreas/SardiniaGrid.csv.gz": "cells of 1 km, not municipalities",
    "istat/LabourMarketAreas/Brindisi.csv": "year not stated; Sardinia is the complete matrix used",
    "istat/LabourMarketAreas/names.Brindisi.csv": "as above",
    "istat/LabourMarketAreas/shpBrindisi.gpkg": "as above",
    "istat/SLL_2021.dbf": "population and area of the areas are in the workbook of their specialisation",
    "istat/metadati_SLL_2021.xlsx": "describes the table before",
    "istat/sll-perimetri_2021_simplified.geojson": "simplified lines: areas are dissolved from municipalities",
    "ispra/ispra_idrogeo_metadata.csv": "describes the columns of the table of hazards",
    "dpcoe/mappa-ai-2020-tavole-sintesi-per-regione.xlsx": "sums of the list of municipalities",
    "limen/commuter-balance.csv": "totals of the margins; its population is wrong (README)",
    "limen/demographic-indicators.csv": "provisional, of 2026, and implied by population by age",
    "minsalute/consultori.csv": "incomplete: Sardinia first of few regions, names and no codes, no year",
}
IN_A_SHARED_LINE = {
    # the README's number, where a line states several
    "istat/comuni-soppressi_ISTAT.csv": 2_634,
    "istat/Specializzazione_produttiva_SLL_2021.xlsx": 524,
    "ispra/ispra_idrogeo_comuni_2021.csv": 7_903,
    "limen/fleet-by-province.csv": 107,
}
SEVERAL_SHEETS = {
    # counted by the tests of their readers
    "istat/frame_territoriale_2023.xlsx",
    "dpcoe/08_elenco-aree-comuni-con-riperimetrazioni.xlsx",
    "dpcoe/elenco_aree_snai_14-20-e-21-27.xlsx",
}
SHEETS = {
    # sheet and row of the column names
    "dpcoe/mappa-ai-2020-elenco-classificazione-comuni.xlsx": ("DATI", 2),
    "jrc/df1_Signatories_2024.xlsx": ("1", 0),
}


@pytest.fixture(scope="module")
def sources(project):
    return load_sources(project / "data" / "sources.yml")


@pytest.fixture(scope="module")
def files(mirror):
    return {path.relative_to(mirror).as_posix() for path in mirror.rglob("*") if path.is_file()}


def test_every_file_of_the_mirror_is_accounted_for(files):
    groups = (READ, COMPARED, LEFT_OUT)
    assert files - set().union(*groups) == set(), "say above what reads them, or why nothing does"
    assert set().union(*groups) - files == set(), "these are no more in the mirror"
    assert sum(map(len, groups)) == len(set().union(*groups)), "a file is in two lists"


def test_what_is_read_is_read_by_a_reader(sources):
    for file, source_id in READ.items():
        source = sources[source_id]
        if source.tier == "embedded":
            names = {name.rpartition("/")[2] for name in (source.file, *source.companions)}
            assert file.rpartition("/")[2] in names, file
        else:
            assert file in (source.file, source.stand_in, source.stand_in_observed), file
    used = {*READERS, *(name for names in COMPANIONS.values() for name in names)}
    unread = {name for name in READ.values() if sources[name].tier == "download"} - used
    assert unread == {"commuting_margins_2021", "municipalities_2025"}  # read by networks' draws, by codes


def test_every_source_that_can_be_in_the_mirror_is_listed(sources):
    not_there = {"daily_travel_2011", "travel_times_2021"}
    assert set(sources) - set(READ.values()) == not_there


def test_tests_named_above_use_their_files(project):
    for file, test in COMPARED.items():
        text = (project / "tests" / test).read_text(encoding="utf-8")
        assert file.rpartition("/")[2] in text, f"{file} is not in tests/{test}"


def test_classification_equals_the_validated_one(mirror):
    found = read_classification(mirror / "istat/Classificazioni_statistiche_comuni_01_01_2023.xlsx")
    expected = pd.read_csv(mirror / "validation/degurba.csv", dtype=str, keep_default_na=False).set_index(
        "code"
    )
    assert found["degurba"].value_counts().to_dict() == {"3": 5041, "2": 2608, "1": 255}  # README
    for ours, theirs in (("degurba", "degurba"), ("altimetric_zone", "altimetric_zone")):
        pd.testing.assert_series_equal(found[ours], expected[theirs].reindex(found.index), check_names=False)


@pytest.fixture(scope="module")
def stated(mirror):
    """Rows of each file as the README states them, where it gives one number."""
    text, found = (mirror / "README.md").read_text(encoding="utf-8"), {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 6 or not cells[1].startswith("`"):
            continue
        name = re.findall(r"`([^`]+)`", cells[1])[0]
        rows = re.findall(r"\d[\d,]*(?= x \d)", cells[3])
        if len(rows) == 1 and name in READ:
            found[name] = int(rows[0].replace(",", ""))
    return found | IN_A_SHARED_LINE


def count_rows(path):
    """Rows below the column names."""
    name = path.name
    if name.endswith(".xlsx"):
        sheet, header = SHEETS.get(f"{path.parent.name}/{name}", (0, 0))
        return len(read_sheet(path, sheet, header))
    if name.endswith(".feather"):
        return len(pd.read_feather(path))
    if name.endswith(".json"):
        return len(json.loads(path.read_text(encoding="utf-8-sig"))["resultset"])
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            content = archive.read(archive.namelist()[0])
    else:
        content = path.read_bytes()
        content = gzip.decompress(content) if name.endswith(".gz") else content
    start = content[:10_000].decode("utf-8-sig", errors="replace")
    separator = max(",;\t", key=start.count)
    text = io.StringIO(content.decode("utf-8-sig", errors="replace"), newline="")
    return sum(any(row) for row in csv.reader(text, delimiter=separator)) - 1


def test_numbers_of_rows_are_those_of_the_readme(mirror, stated):
    assert set(READ) - set(stated) == SEVERAL_SHEETS
    counted = {file: count_rows(mirror / file) for file in stated}
    assert counted == stated
