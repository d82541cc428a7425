import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.aci import PUBLISHED, read_vehicles
from diagnosis.sources.embedded import read_provinces

HEADER = ["COD_PROV", "provincia", *PUBLISHED, "totale"]


def write(path, *rows):
    pd.DataFrame(rows, columns=HEADER).to_csv(path, index=False)
    return path


def test_codes_are_padded_and_kinds_named(tmp_path):
    rows = [["110", "B", *range(11), 55], ["1", "A", *[1] * 11, 11]]
    vehicles = read_vehicles(write(tmp_path / "v.csv", *rows))
    assert vehicles.index.tolist() == ["001", "110"]
    assert vehicles.loc["110", ["buses", "cars", "undefined", "total"]].tolist() == [0, 3, 10, 55]
    assert "half" in vehicles.attrs["notes"][0]


def test_broken_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"v\.csv.*add up.*'001'"):
        read_vehicles(write(tmp_path / "v.csv", ["1", "A", *[1] * 11, 12]))
    with pytest.raises(InputError, match="at least 0"):
        read_vehicles(write(tmp_path / "v.csv", ["1", "A", -1, *[1] * 10, 9]))
    (tmp_path / "v.csv").write_text("COD_PROV,totale\n1,2\n")
    with pytest.raises(SourceError, match="autovetture"):
        read_vehicles(tmp_path / "v.csv")


def test_published_fleet(mirror):
    vehicles = read_vehicles(mirror / "limen/fleet-by-province.csv")
    assert vehicles.index.equals(read_provinces().index)
    assert vehicles["cars"].sum() == 41_324_805
    assert vehicles["total"].sum() == 55_568_583


def test_the_rates_of_the_republisher_are_half_of_what_they_should_be(mirror):
    """Why they are not read: their population is that of 2025 and that of 2026 together."""
    rates = pd.read_csv(mirror / "limen/motorization-rate.csv").set_index("COD_PROV")
    people = pd.read_csv(
        mirror / "limen/comuni-population.csv", dtype={"codice_comune": str, "COD_PROV": int}
    )
    by_year = people.pivot_table(index="COD_PROV", columns="anno", values="popolazione", aggfunc="sum")
    assert (rates["popolazione"] == by_year.sum(axis=1)).all()
