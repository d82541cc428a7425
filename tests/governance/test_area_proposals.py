import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import ConfigError, InputError
from diagnosis.governance import proposals
from diagnosis.governance.draft import AreaMeasures
from diagnosis.governance.proposal_file import NAME, suggest_name
from diagnosis.governance.proposals import partition_digest, read_proposal, save_proposal

CODES = pd.Index(["001001", "001002", "001003", "070010"], name="code")
LABELS = pd.Series([4, 4, 9, 9], index=CODES)
NAMES = {4: "Alba", 9: "=HYPERLINK(1)"}
MEASURES = AreaMeasures(2, 1000.0, 0.5, 300.0, 200.0, float("nan"), 1.2, 0, 12.5, 1, 0, 0, ("validity",))


@pytest.fixture
def places():
    import geopandas as gpd
    from shapely.geometry import box

    return gpd.GeoDataFrame(
        {"name": ["Alba", "None", "=HYPERLINK(1)", "NA"], "residents": [10.0, 20, 700, np.nan]},
        index=CODES,
        geometry=[box(x, 0, x + 1, 1) for x in range(4)],
        crs=3035,
    )


@pytest.fixture
def save(places, tmp_path):
    def saved(name="prova", labels=LABELS, **more):
        given = {"function": "transport", "date": "2026-05-31", "data": "abc"} | more
        return save_proposal(tmp_path / "areas", name, labels, places, NAMES, **given)

    return saved


def test_a_proposal_comes_back(save):
    note = "Perché sì: «due» righe\n=1+1 # no: comment"
    moved = [("001002", "=HYPERLINK(1)", "Alba")]
    files = save(
        note=note, moved=moved, figures={"interaction": 0.25, "within": None}, measures={4: MEASURES}
    )
    proposal = read_proposal(files[".yml"], CODES)
    assert proposal.labels.to_dict() == {"001001": "2", "001002": "2", "001003": "1", "070010": "1"}
    assert proposal.area_names == {"1": "=HYPERLINK(1)", "2": "Alba"}
    assert not proposal.edited
    about = proposal.about
    assert (about.function, str(about.date), about.note, about.data) == (
        "transport",
        "2026-05-31",
        note,
        "abc",
    )
    assert about.figures == {"interaction": 0.25, "within": None}
    assert about.areas[2].limits == ("validity",)
    assert about.areas[2].within is None
    assert [(move.code, move.name, move.after) for move in about.moved] == [("001002", "None", "Alba")]
    assert read_proposal(files[".csv"], CODES).about == about
    assert read_proposal(files[".yml"].with_suffix("")).labels.equals(proposal.labels)


def test_no_cell_is_a_formula(save):
    table = pd.read_csv(save()[".csv"], dtype=str, keep_default_na=False)
    assert list(table) == ["code", "name", "area", "area_name"]
    assert table["name"].tolist() == ["Alba", "None", "'=HYPERLINK(1)", "NA"]
    assert table["area_name"].tolist()[2] == "'=HYPERLINK(1)"


def test_the_map_has_areas_and_municipalities(save):
    import geopandas as gpd

    path = save()[".gpkg"]
    areas = gpd.read_file(path, layer="areas")
    assert areas[["area", "area_name", "members"]].to_numpy().tolist() == [
        [1, "=HYPERLINK(1)", 2],
        [2, "Alba", 2],
    ]
    assert areas.geometry.area.tolist() == [2.0, 2.0]
    assert gpd.read_file(path, layer="municipalities")["code"].tolist() == CODES.tolist()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../altrove",
        "a/b",
        "a\\b",
        "C:x",
        "con",
        "nul.txt",
        ".nascosto",
        "a.",
        "x" * 81,
        "a\n",
        "Prova",
        "è",
    ],
)
def test_names_that_files_must_not_have(save, name, tmp_path):
    with pytest.raises(InputError, match=r"Take '[a-z0-9-]+'"):
        save(name)
    assert not (tmp_path / "areas").exists()


@given(st.text(max_size=200))
def test_any_text_suggests_a_name(text):
    name = suggest_name(text)
    assert NAME.fullmatch(name)
    assert suggest_name(name) == name


def test_suggested_names():
    assert suggest_name("Proposta di Forlì – n. 2") == "proposta-di-forli-n-2"
    assert suggest_name("  ") == "proposta"
    assert suggest_name("CON") == "con-1"


def test_nothing_is_written_over_by_mistake(save):
    files = save(note="first")
    with pytest.raises(InputError, match="written over"):
        save(note="second")
    assert read_proposal(files[".yml"]).about.note == "first"
    save(note="second", replace=True)
    assert read_proposal(files[".yml"]).about.note == "second"


@pytest.mark.parametrize("broken", proposals.ENDINGS)
def test_all_files_are_put_in_place_or_none(save, monkeypatch, tmp_path, broken):
    files = save(note="first")
    before = {ending: path.read_bytes() for ending, path in files.items()}
    replace = os.replace

    def fail(source, target):
        if str(target).endswith(broken) and "old" not in str(source):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(type(tmp_path), "replace", fail)
    other = LABELS.replace({9: 4})
    with pytest.raises(InputError, match="No space left"):
        save(labels=other, note="second", replace=True)
    assert {ending: path.read_bytes() for ending, path in files.items()} == before
    with pytest.raises(InputError, match="No space left"):
        save("nuova", labels=other)
    assert sorted(path.name for path in (tmp_path / "areas").iterdir()) == sorted(
        p.name for p in files.values()
    )


def test_a_folder_that_is_a_file(save, tmp_path):
    (tmp_path / "areas").write_text("here")
    with pytest.raises(InputError, match="must be writable"):
        save()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"date": "domani"}, "date"),
        ({"labels": LABELS.astype("Int64").mask(LABELS == 4)}, "one area for every"),
        ({"labels": pd.Series([4], index=["999999"])}, "on the map"),
        ({"labels": LABELS + 1}, "needs a name"),
    ],
)
def test_what_cannot_be_saved(save, more, message):
    with pytest.raises(InputError, match=message):
        save(**more)


def test_a_table_from_a_spreadsheet(save):
    files = save()
    rows = [
        "codice;nome;area;area_name",
        "1001;Alba;B;Alba",
        "1002;None;A;Bra",
        "1003;=;A;Bra",
        "70010;NA;A;Bra",
    ]
    files[".csv"].write_bytes(("\r\n".join(rows) + "\r\n").encode("cp1252"))
    proposal = read_proposal(files[".yml"], CODES)
    assert proposal.edited
    assert proposal.labels.tolist() == ["B", "A", "A", "A"]
    assert proposal.labels.index.equals(CODES)
    assert proposal.area_names == {"A": "Bra", "B": "Alba"}
    files[".yml"].unlink()
    alone = read_proposal(files[".csv"], CODES)
    assert alone.about is None
    assert not alone.edited


def test_renaming_areas_is_no_change(save):
    files = save()
    text = files[".csv"].read_text(encoding="utf-8").replace(",2,", ",x,")
    files[".csv"].write_text(text, encoding="utf-8")
    assert not read_proposal(files[".yml"], CODES).edited
    assert partition_digest(LABELS) == partition_digest(LABELS[::-1].astype(str))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-1], "1 are missing: '070010'"),
        (lambda lines: [*lines, "999999,Nowhere,1,Alba"], "1 are not: '999999'"),
        (lambda lines: [*lines, "001001,Alba,1,Alba"], "one area"),
        (lambda lines: [*lines, "1001,Alba,2,Alba"], "written in two ways"),
        (lambda lines: [lines[0], "001001,Alba,,", *lines[2:]], "without one: '001001'"),
        (lambda lines: ["a,b", "1,2"], "area"),
        (lambda lines: [], "prova.csv"),
    ],
)
def test_what_is_wrong_with_a_table_changed_by_hand(save, change, message):
    files = save()
    lines = files[".csv"].read_text(encoding="utf-8").splitlines()
    files[".csv"].write_text("".join(f"{line}\n" for line in change(lines)), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_proposal(files[".yml"], CODES)


def test_what_is_wrong_with_a_description(save, tmp_path):
    files = save()
    text = files[".yml"].read_text(encoding="utf-8")
    files[".yml"].write_text(text + "colour: red\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="'colour' is not a field"):
        read_proposal(files[".yml"], CODES)
    files[".yml"].write_text("- 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="fields with values"):
        read_proposal(files[".yml"], CODES)
    files[".yml"].unlink()
    with pytest.raises(InputError, match="was not found"):
        read_proposal(files[".yml"], CODES)
    with pytest.raises(InputError, match=r"nothing\.csv must be there"):
        read_proposal(tmp_path / "nothing", CODES)


@given(st.text(max_size=300))
def test_any_note_can_be_read_back(note):
    import tempfile
    from pathlib import Path

    import yaml

    from diagnosis.governance.proposal_file import ProposalFile, plain_text
    from diagnosis.schema import build, read_yaml

    kept = plain_text(note)
    content = {"name": "a", "function": "f", "date": "2026-01-01", "note": kept, "data": "", "partition": ""}
    about = build(ProposalFile, content, "it")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yml"
        path.write_text(yaml.safe_dump(about.model_dump(mode="json"), allow_unicode=True), encoding="utf-8")
        assert build(ProposalFile, read_yaml(path), "it").note == about.note
