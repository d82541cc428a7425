"""The municipalities of the map of inner areas, counted by region, against the publisher's own summary tables."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.sources.dpcoe import read_inner_areas
from diagnosis.sources.embedded import read_population, read_register
from diagnosis.sources.formats import read_sheet

MAP, SUMMARY = "dpcoe/mappa-ai-2020-elenco-classificazione-comuni.xlsx", "tavole-sintesi-per-regione.xlsx"
PROVINCES = {"4a": "022", "4b": "021"}
CLASSES = list("ABCDEF")
MOVED = ["099030", "099031"]  # from Marche to Emilia-Romagna in 2021, after the map


@pytest.fixture(scope="module")
def published(mirror):
    """Municipalities and residents of each class by region, the two autonomous provinces apart."""
    import python_calamine

    path = mirror / "dpcoe" / f"mappa-ai-2020-{SUMMARY}"
    rows = {}
    for sheet in python_calamine.CalamineWorkbook.from_path(str(path)).sheet_names:
        number = sheet.split()[0].rstrip(".")
        labels, _, values = (column for _, column in read_sheet(path, sheet).iloc[:, -3:].items())
        first = np.flatnonzero(labels.str.startswith("A - "))  # municipalities, then residents
        counts, residents = (
            values.replace("", 0).iloc[row : row + 7].astype(float).tolist() for row in first
        )
        rows[PROVINCES.get(number, number.zfill(2))] = [*counts, *residents]
    columns = [f"{what}_{name}" for what in ("n", "residents") for name in (*CLASSES, "total")]
    return pd.DataFrame(rows, index=columns).T


@pytest.fixture(scope="module")
def places(mirror):
    register = read_register()
    register.loc[MOVED, "region"] = "11"
    inner = read_inner_areas(mirror / MAP)
    place = register["region"].where(register["region"] != "04", register["province"])
    return inner.assign(place=place.reindex(inner.index))


def test_the_summary_adds_up_to_all_municipalities(published):
    assert len(published) == 21
    assert published["n_total"].sum() == 7903
    assert published[[f"n_{name}" for name in "DEF"]].sum().sum() == 3834
    for what in ("n", "residents"):
        parts = published[[f"{what}_{name}" for name in CLASSES]].sum(axis=1)
        assert (parts == published[f"{what}_total"]).all()


def test_our_classes_are_those_of_the_summary(published, places):
    ours = places.groupby(["place", "snai_class"]).size().unstack(fill_value=0)[CLASSES]
    expected = published[[f"n_{name}" for name in CLASSES]].set_axis(CLASSES, axis=1)
    assert (ours - expected.reindex(ours.index)).abs().max().max() == 0
    assert set(ours.index) == set(expected.index)


def test_residents_of_inner_areas_are_those_of_the_summary_two_years_before(published, places):
    residents = read_population().sum(axis=1).reindex(places.index)
    inner = places["snai_class"].isin(list("DEF"))
    ours = 100 * residents[inner].groupby(places["place"]).sum() / residents.groupby(places["place"]).sum()
    expected = (
        published[[f"residents_{name}" for name in "DEF"]].sum(axis=1) / published["residents_total"] * 100
    )
    assert ours.fillna(0).sub(expected.reindex(ours.index)).abs().max() < 1
