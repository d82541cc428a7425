import gzip

import numpy as np
import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.mim import read_pupils, read_school_list, read_schools
from diagnosis.tables import GRADES

STATE = [
    # school, place, type, institute, character; H501 Roma, A757 Belluno, I535 Scillato, A094 Ayas (Valle d'Aosta)
    ("RMIC1", "H501", "ISTITUTO COMPRENSIVO", "RMIC1", "NORMALE"),
    ("RMAA1", "H501", "SCUOLA INFANZIA", "RMIC1", "NORMALE"),
    ("RMEE1", "H501", "SCUOLA PRIMARIA", "RMIC1", "NORMALE"),
    ("RMEE2", "H501", "SCUOLA PRIMARIA", "RMIC1", "NORMALE"),
    ("RMEE3", "H501", "SCUOLA PRIMARIA", "RMIC1", "SPEC. PER CARCERARI"),
    ("RMEE4", "A757", "SCUOLA PRIMARIA", "RMIC1", "NORMALE"),
    ("RMPS1", "H501", "LICEO SCIENTIFICO", "RMPS1", "NORMALE"),
    ("RMPS2", "H501", "LICEO SCIENTIFICO", "RMPS1", "PERCORSO II LIVELLO"),
    ("VIEE1", "M436", "SCUOLA PRIMARIA", "RMIC1", "NORMALE"),  # Sovizzo, merged in 2024
]
PRIVATE = [
    ("RM1A1", "H501", "SCUOLA INFANZIA NON STATALE"),
    ("RMTD1", "H501", "SCUOLA SEC. SECONDO GRADO NON STATALE"),
]
AUTONOMOUS = [
    ("AOEE1", "A094", "SCUOLA PRIMARIA", "AOIC1", "NORMALE"),
    ("AOIC1", "A094", "Non Disponibile", "AOIC1", "NORMALE"),
]
LATER = "Codice Comune (alfanumerico);Codice catasto;Comune (dizione italiana);Codice Regione\n024128;M436;Sovizzo;05\n"
CONTACTS = {
    "INDIRIZZOEMAILSCUOLA": "head@school.example",
    "INDIRIZZOPECSCUOLA": "head@pec.example",
    "SITOWEBSCUOLA": "www.school.example",
    "TELEFONO": "06 555 0100",
}
HOME = ("058091", "025006", "082070")  # Roma, Belluno, Scillato


@pytest.fixture
def files(tmp_path):
    """Registers as the publisher issues them, with the contacts of schools."""

    def write(state=STATE, private=PRIVATE, autonomous=AUTONOMOUS, numbers=None):
        common = ["CODICESCUOLA", "CODICECOMUNESCUOLA", "DESCRIZIONETIPOLOGIAGRADOISTRUZIONESCUOLA"]
        more = ["CODICEISTITUTORIFERIMENTO", "DESCRIZIONECARATTERISTICASCUOLA"]
        paths = []
        for name, rows, columns, year in (
            ("state.csv.gz", state, common + more, "202526"),
            ("private.csv", private, common, "202324"),
            ("autonomous.csv", autonomous, common + more, "202324"),
        ):
            frame = pd.DataFrame(rows, columns=columns).assign(
                ANNOSCOLASTICO=year, NOTE='a "quoted"\nline', **CONTACTS
            )
            content = frame.to_csv(index=False).encode()
            paths.append(tmp_path / name)
            paths[-1].write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        paths.append(tmp_path / "later.csv")
        paths[-1].write_text(LATER, encoding="utf-8")
        if numbers is None:
            return paths
        path = tmp_path / "pupils.csv"
        pd.Series(numbers, name="NUMEROSTUDENTI").rename_axis("CODICESCUOLA").to_frame().assign(
            **CONTACTS
        ).to_csv(path)
        return [path, *paths]

    return write


def test_schools_by_hand(files):
    schools = read_schools(*files())
    assert len(schools) == 7904
    rome, belluno, none = (schools.loc[code] for code in HOME)
    assert rome[[f"{grade}_schools" for grade in GRADES]].tolist() == [2, 2, 0, 2]
    assert rome[[f"{grade}_public_schools" for grade in GRADES]].tolist() == [1, 2, 0, 1]
    assert rome[["first_cycle_state_schools", "first_cycle_led_elsewhere"]].tolist() == [3, 0]
    assert belluno[["first_cycle_state_schools", "first_cycle_led_elsewhere"]].tolist() == [1, 1]
    assert (none == 0).all()


def test_places_without_coverage_are_missing_not_zero(files):
    schools = read_schools(*files())
    ayas, trento = schools.loc["007007"], schools.loc["022205"]
    assert ayas["primary_public_schools"] == 1
    assert np.isnan(trento["primary_public_schools"])  # no school of its region is in the register
    assert schools.loc[["007007", "022205"], [f"{grade}_schools" for grade in GRADES]].isna().all(axis=None)
    assert (
        schools.loc[["024044", "024103"]].isna().all(axis=None)
    )  # merged into Sovizzo: not to be shared out
    assert schools.loc["018082"].notna().all()  # merged in 2026, after the registers
    notes = " ".join(schools.attrs["notes"])
    assert (
        "different school years: autonomous schools 2023/24, private schools 2023/24, state schools 2025/26"
        in notes
    )


def test_contacts_of_schools_are_nowhere_in_what_is_read(files):
    paths = files(numbers={"RMEE1": "10"})
    for frame in (read_school_list(*paths[1:]), read_schools(*paths[1:]), read_pupils(*paths)):
        content = frame.reset_index().to_csv() + str(frame.attrs)
        for name, value in CONTACTS.items():
            assert name not in content
            assert value not in content


def test_pupils_by_hand(files):
    numbers = {
        "RMAA1": "40",
        "RM1A1": "<=3",
        "RMEE1": "100",
        "RMPS1": "500",
        "RMTD1": "20",
        "RMEE9": "30",
        "VI1E9": "7",
    }
    pupils = read_pupils(*files(numbers=numbers))
    rome, belluno, none = (pupils.loc[code] for code in HOME)
    assert rome["preschool_pupils"] == rome["preschool_state_pupils"] == 40
    assert rome["preschool_pupils_at_most"] == 43
    assert rome["preschool_masked_schools"] == 1
    # one school without number, and one of the province with a number but in no register
    assert rome[["primary_pupils", "primary_pupils_at_most", "primary_uncounted_schools"]].tolist() == [
        100,
        130,
        1,
    ]
    assert rome["upper_secondary_pupils"] == rome["upper_secondary_pupils_at_most"] == 520
    assert belluno[["primary_pupils", "primary_pupils_at_most", "primary_unplaced"]].tolist() == [0, 30, 30]
    assert none["primary_pupils"] == none["primary_pupils_at_most"] == 0
    assert pupils.loc[["007007", "022205", "024103"]].isna().all(axis=None)
    notes = " ".join(pupils.attrs["notes"])
    assert "2 schools with 37 pupils" in notes
    assert "1 schools have a masked number" in notes


def test_a_school_without_number_may_lack_one_unplaced_number_only(files):
    unplaced = {"RMEE7": "5", "RMEE8": "50", "RMEE9": "20", "RMMM9": "99", "RM1E9": "77"}
    pupils = read_pupils(*files(numbers={"RMEE1": "100", **unplaced}))
    assert pupils.at["058091", "primary_pupils_at_most"] == 150
    two = [*STATE, ("RMEE5", "H501", "SCUOLA PRIMARIA", "RMIC1", "NORMALE")]
    pupils = read_pupils(*files(state=two, numbers={"RMEE1": "100", **unplaced}))
    assert pupils.at["058091", "primary_pupils_at_most"] == 170
    assert pupils.at["058091", "primary_unplaced"] == 5 + 50 + 20 + 77


def test_broken_files_are_refused(files, tmp_path):
    with pytest.raises(InputError, match=r"whole number.*'1,5'"):
        read_pupils(*files(numbers={"RMEE1": "1,5"}))
    with pytest.raises(InputError, match=r"cadastral.*'Z999'"):
        read_schools(*files(private=[("RM1A1", "Z999", "SCUOLA INFANZIA NON STATALE")]))
    with pytest.raises(InputError, match="once"):
        read_schools(*files(private=[("RMEE1", "H501", "SCUOLA PRIMARIA NON STATALE")]))
    paths = files()
    paths[1].write_text("<html>moved</html>")
    with pytest.raises(SourceError, match=r"private\.csv must be a CSV file with the columns ANNOSCOLASTICO"):
        read_schools(*paths)
    paths = files()
    paths[0].write_bytes(paths[0].read_bytes()[:-40])
    with pytest.raises((SourceError, InputError), match=r"state\.csv\.gz"):
        read_schools(*paths)


@pytest.fixture(scope="module")
def published(mirror):
    registers = [
        mirror / "mim/SCUANAGRAFESTAT20252620250901.csv.gz",
        mirror / "mim/SCUANAGRAFEPAR20232420230901.csv",
        mirror / "mim/SCUANAAUTSTAT20232420230901.csv",
        mirror / "istat/2026-08-14_situas_comuni.csv",
    ]
    return mirror / "mim/dati_scuole_20242025_studenti.csv", registers


def test_published_registers_are_read_whole(published):
    schools = read_school_list(*published[1])
    assert schools["kind"].value_counts().to_dict() == {
        "state": 50_349,
        "private": 11_870,
        "autonomous": 1_182,
    }
    assert schools["code"].isna().sum() == 30  # in the municipalities merged since 2022
    assert schools["institute"].dropna().isin(schools.index).mean() > 0.97
    counts = read_schools(*published[1])
    assert counts["primary_schools"].notna().sum() == 7904 - 356 - 15
    assert counts.loc["089017", "primary_schools"] > 20


def test_published_pupils_add_up(published):
    path, registers = published
    pupils = read_pupils(path, *registers)
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert len(raw) == 51_397
    assert (raw["NUMEROSTUDENTI"] == "<=3").sum() == 40
    numbers = pd.to_numeric(raw["NUMEROSTUDENTI"], errors="coerce").fillna(0)
    assert numbers.sum() == 7_664_679
    counted = pupils[[f"{grade}_pupils" for grade in GRADES]].sum().sum()
    # all that can be placed, but those of Valle d'Aosta and of the municipalities merged since 2022
    assert 0.978 < counted / numbers.sum() < 0.982
    assert any("1385 schools with 135994 pupils (1.8 %)" in note for note in pupils.attrs["notes"])
    assert (pupils["primary_pupils_at_most"] >= pupils["primary_pupils"])[
        pupils["primary_pupils"].notna()
    ].all()
