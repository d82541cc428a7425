"""Minutes as a hard limit: from a file in ISTAT's layout, made up here, to areas that keep it, or a reason why not."""

import io
import re
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas import GovernanceAreas
from diagnosis.areas.governance import infeasibility
from diagnosis.config import default_settings, load_city
from diagnosis.errors import InputError
from diagnosis.functions import Function
from diagnosis.governance.subject import build_subject, limiting_minutes
from diagnosis.national.shared import load_national
from diagnosis.sources.embedded import read_municipalities
from diagnosis.studies import governance
from diagnosis.studies.governance import open_area_editor
from diagnosis.territory import load_country, load_territory

LIMIT = 30.0
TEXT = {"it": "Prova", "en": "Trial"}


def minutes_of(places):
    """A minute for each kilometre of the straight line, four more to start, one more towards the south."""
    x, y = places.geometry.centroid.x.to_numpy(), places.geometry.centroid.y.to_numpy()
    away = np.hypot(x[:, None] - x, y[:, None] - y) / 1000
    return np.round(away + 4.0 + (y[:, None] > y), 2)


def matrix_of(places):
    """The province's file as text."""
    minutes = minutes_of(places)
    rows = [
        f"{int(start)};{int(end)};{minutes[i, j]:.2f};{minutes[i, j]:.1f}".replace(".", ",")
        for i, start in enumerate(places.index)
        for j, end in enumerate(places.index)
        if i != j
    ]
    return "\r\n".join(["OR_PROCOM ;DEST_PROCOM; TEP_TOT ;KM_TOT", *rows])


@pytest.fixture(scope="module")
def siracusa():
    places = read_municipalities()
    return places[places["province"] == "089"]


@pytest.fixture(scope="module")
def with_matrix(tmp_path_factory, siracusa):
    """Settings of someone who has put the archive of a region where it belongs."""
    region, whole = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(region, "w") as archive:
        archive.writestr("R19_SR.csv", matrix_of(siracusa))
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("Sicilia.zip", region.getvalue())
    work = tmp_path_factory.mktemp("work")
    settings = default_settings(work=work)
    (settings.raw / "istat").mkdir(parents=True)
    (settings.raw / "istat" / "matrici_distanze_2021.zip").write_bytes(whole.getvalue())
    return work, settings


def test_areas_keep_the_minutes_of_a_matrix(with_matrix, siracusa):
    _, settings = with_matrix
    country = load_country(settings)
    territory = load_territory(load_city("siracusa"), settings, country)
    wanted = Function(
        name=TEXT, description=TEXT, layers={"commuting": 1}, within="province", max_minutes=LIMIT
    )
    subject = build_subject(territory, load_national(country, settings), wanted)
    assert not subject.minutes_estimated
    assert subject.problem.max_minutes == LIMIT
    expected = minutes_of(siracusa.loc[subject.codes])
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_array_equal(subject.minutes, expected)
    jobs = country.table("flows").groupby("destination")["commuters"].sum()
    free = build_subject(
        territory, load_national(country, settings), wanted.model_copy(update={"max_minutes": None})
    )
    longest = {}
    for name, problem in (("kept", subject.problem), ("free", free.problem)):
        labels = GovernanceAreas(n_areas=5, exact_units=0, rounds=100, work=0).fit_problem(problem).labels_
        longest[name] = max(
            subject.minutes.loc[members.index, jobs[members.index].idxmax()].max()
            for _, members in labels.groupby(labels)
        )
    assert longest["kept"] <= LIMIT < longest["free"]


def test_minutes_that_cannot_be_kept_are_explained_to_who_opens_the_editor(
    with_matrix, monkeypatch, tmp_path
):
    work, _ = with_matrix
    monkeypatch.setattr(governance, "default_settings", partial(default_settings, work=work))
    monkeypatch.setattr(governance, "QUICK_ROUNDS", 100)
    quicker = partial(infeasibility.explain_infeasibility, rounds=60)
    monkeypatch.setattr(infeasibility, "explain_infeasibility", quicker)
    city = tmp_path / "prova.yml"
    city.write_text(
        "name: {it: Siracusa, en: Syracuse}\ncode: '089017'\ngovernance:\n  functions:\n    prova:\n"
        "      {name: {it: Prova, en: Trial}, description: {it: x, en: x}, layers: {commuting: 1}, within: province,\n"
        "       max_minutes: 8, min_population: 20000}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="Prova: gli ambiti devono rispettare tutti i limiti") as error:
        open_area_editor(str(city), "prova")
    told = str(error.value)
    assert "almeno 20.000 residenti per ambito; al massimo 8 minuti dal centro dell'ambito." in told
    assert re.search(r"residenti per ambito; oppure al massimo \d+ minuti dal centro dell'ambito", told)
    assert "0890" not in told  # names, not codes


def test_who_was_never_measured_cuts_nobody_off():
    codes = list("abcd")
    minutes = pd.DataFrame(10.0, index=codes, columns=codes)
    minutes.loc["a", "c"] = minutes.loc["d"] = minutes["d"] = np.nan
    np.fill_diagonal(values := minutes.to_numpy(copy=True), 0.0)
    filled = limiting_minutes(pd.DataFrame(values, index=codes, columns=codes))
    assert filled.to_numpy().tolist() == [
        [0.0, 10.0, np.inf, 0.0],
        [10.0, 0.0, 10.0, 0.0],
        [10.0, 10.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ]
