import json

import pandas as pd
import pytest

from diagnosis.codes.bridges import carry_table
from diagnosis.codes.events import known_events
from diagnosis.codes.history import CodeHistory, link_vintages, municipalities_on
from diagnosis.codes.lives import explain_code, find_vintage
from diagnosis.errors import InputError, SourceError
from diagnosis.sources.code_lists import (
    read_code_history,
    read_municipality_list_2011,
    read_suppressed,
    read_variations,
)
from diagnosis.sources.embedded import read_register

HEADER = "Codice Comune;Denominazione Comune;Data evento;Codice del Comune associato alla variazione\n"
OFFICIAL_COUNTS = {
    # ISTAT: 8,092 from June 2011, 7,983 on 1-1-2017, 7,981 on 1-3-2017, 7,978 on 5-5-2017, 7,960 on 1-1-2018, 7,999 in
    # April 2016, 7,896 from 22-1-2024; the others are those of its yearly lists and files
    "2011-02-10": 8094,
    "2011": 8092,
    "2012": 8092,
    "2013": 8092,
    "2014": 8071,
    "2015": 8048,
    "2016": 8003,
    "2016-04-30": 7999,
    "2017": 7983,
    "2017-03-01": 7981,
    "2017-05-05": 7978,
    "2018": 7960,
    "2019": 7926,
    "2019-05-15": 7914,
    "2020-01-01": 7904,
    "2020": 7903,
    "2021": 7904,
    "2022": 7904,
    "2023": 7901,
    "2023-12-31": 7900,
    "2024-01-22": 7896,
    "2025": 7896,
    "2026-01-31": 7895,
    "2026": 7894,
}


@pytest.fixture(scope="module")
def lists(mirror):
    return {
        "suppressed": mirror / "istat/comuni-soppressi_ISTAT.csv",
        "list_2025": mirror / "istat/Elenco-comuni-italiani_ISTAT.csv",
        "list_2026": mirror / "istat/2026-08-14_situas_comuni.csv",
        "list_2011": mirror / "istat/ElencoUnitaAmministrative2011.csv",
    }


@pytest.fixture(scope="module")
def history(lists):
    return read_code_history(**lists)


@pytest.fixture(scope="module")
def bridge(mirror):
    return pd.read_csv(mirror / "codes/bridge.csv", dtype=str, keep_default_na=False)


# invented files


def test_suppressed_municipalities_since_2011(tmp_path):
    path = tmp_path / "list.csv"
    rows = "024044;Forlì;22/01/2024;024128\n024103;Sovizzo;22/01/2024;24128\n001999;Old;01/01/1928;001001\n"
    for encoding in ("cp1252", "utf-8", "utf-8-sig"):
        path.write_text(HEADER + rows, encoding=encoding)
        mergers = read_suppressed(path)
        assert mergers["before"].tolist() == ["024044", "024103"]
        assert mergers["before_name"].iloc[0] == "Forlì"
        assert mergers["after"].tolist() == ["024128", "024128"]
        assert mergers["date"].tolist() == ["2024-01-22", "2024-01-22"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a;b\n1;2\n", "Data evento"),
        (HEADER + "024044;x;2024-01-22;024128\n", "'2024-01-22'"),
        ("", "semicolons"),
    ],
)
def test_what_is_not_the_list_is_refused(tmp_path, content, message):
    path = tmp_path / "list.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read_suppressed(path)


def test_absent_list_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"list\.csv must be a CSV"):
        read_suppressed(tmp_path / "list.csv")


def variation(kind, before, after, day="2014-01-01"):
    return {
        "DATA_INIZIO_AMMINISTRATIVA": f"{day}T00:00:00Z",
        "DESC_COD_VARIAZIONE": kind,
        "PRO_COM_T": before,
        "COMUNE": f"Old {before}",
        "PRO_COM_T_REL": after,
        "COMUNE_REL": f"New {after}",
        "PROVVEDIMENTO": None,
    }


def test_variations_of_situas(tmp_path):
    path = tmp_path / "129.json"
    records = [
        variation("ES-Estinzione", "000011", "000001"),
        variation("ES-Estinzione", "000012", "000001"),
        variation("CS-Costituzione", "000001", "000011"),
        variation("AQES-Acquisizione", "000002", "000013", "2015-01-01"),
        variation("ES-Estinzione", "000013", "000002", "2015-01-01"),
        variation("CECS-Cessione", "000004", "000005", "2016-01-01"),
        variation("AP-Cambio provincia", "000014", "000003", "2017-01-01"),
        variation("CE-Cessione", "000008", "000009", "2018-01-01"),
        variation("AQ-Acquisizione", "000009", "000008", "2018-01-01"),
        variation("CD-Denominazione", "000009", "000009", "2018-01-01"),
        variation("ES-Estinzione", "000099", "000001", "1999-01-01"),
    ]
    path.write_text(json.dumps({"resultset": records}), encoding="utf-8")
    events = read_variations(path)
    assert events[["date", "kind", "before", "after"]].to_numpy().tolist() == [
        ["2014-01-01", "merger", "000011", "000001"],
        ["2014-01-01", "merger", "000012", "000001"],
        ["2015-01-01", "merger", "000002", "000002"],
        ["2015-01-01", "merger", "000013", "000002"],
        ["2016-01-01", "split", "000004", "000004"],
        ["2016-01-01", "split", "000004", "000005"],
        ["2017-01-01", "renumbering", "000014", "000003"],
    ]
    assert events.attrs["notes"][0].startswith("1 moves of territory")
    register = pd.DataFrame(index=[f"00000{i}" for i in (1, 2, 3, 4, 5, 8, 9)])
    before = municipalities_on("2011", CodeHistory(register, events, "2011-01-01", "2022-12-31"))
    assert before.tolist() == [
        "000002",
        "000004",
        "000008",
        "000009",
        "000011",
        "000012",
        "000013",
        "000014",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "resultset"),
        ("{", "cannot be read"),
        (json.dumps({"resultset": [{"PRO_COM_T": "1"}]}), "DESC_COD_VARIAZIONE"),
        (json.dumps({"resultset": [variation("XX-New", "000001", "000002")]}), "'XX'"),
    ],
)
def test_what_is_not_the_report_is_refused(tmp_path, content, message):
    path = tmp_path / "129.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read_variations(path)


def test_history_without_lists():
    history = read_code_history()
    assert (history.since, history.until) == ("2020-07-01", "2025-12-31")
    assert municipalities_on("2022", history).equals(pd.Index(sorted(read_register().index), name="code"))


# ISTAT's lists


@pytest.mark.parametrize(("day", "count"), OFFICIAL_COUNTS.items())
def test_number_of_municipalities_of_every_year(history, day, count):
    assert len(municipalities_on(day, history)) == count


def test_facts_of_the_package_are_those_of_the_list(lists):
    listed = read_suppressed(lists["suppressed"])
    known = known_events()
    pairs = ["date", "before", "after"]
    same = known[(known["kind"] == "merger") & (known["before"] != known["after"])]
    mine = same[same["date"] <= listed["date"].max()][pairs]
    theirs = listed.loc[(listed["date"] > "2020-07-01") & (listed["before"] != listed["after"]), pairs]
    assert sorted(mine.to_numpy().tolist()) == sorted(theirs.to_numpy().tolist())


def test_any_list_gives_the_same_history(lists, history):
    for absent in ("list_2011", "list_2025"):
        other = read_code_history(**{**lists, absent: None})
        assert other.lifetimes.equals(history.lifetimes)
    shorter = read_code_history(lists["suppressed"])
    assert (shorter.since, shorter.until) == ("2017-01-01", "2025-12-31")
    assert municipalities_on("2018", shorter).equals(municipalities_on("2018", history))


def test_lists_that_disagree_with_the_events_are_noticed(lists, tmp_path):
    text = lists["suppressed"].read_text(encoding="utf-8")
    path = tmp_path / "list.csv"
    path.write_text("\n".join(line for line in text.splitlines() if ";097085;" not in line), encoding="utf-8")
    with pytest.raises(SourceError, match="097085"):
        read_code_history(**{**lists, "suppressed": path})


@pytest.mark.parametrize("vintage", ["2020", "2021", "2023", "2025", "2026"])
def test_links_equal_the_bridge(history, bridge, vintage):
    expected = bridge.loc[bridge[f"code_{vintage}"] != "", ["code_2022", f"code_{vintage}"]]
    assert set(municipalities_on(vintage, history)) == set(expected[f"code_{vintage}"])
    links = link_vintages(vintage, "2022", history)
    links = links[links["kind"] != "piece"]
    assert (
        links[["target", "source"]].to_numpy().tolist()
        == expected.sort_values("code_2022").to_numpy().tolist()
    )


def test_links_of_2011_equal_the_bridge(history, bridge, mirror):
    links = link_vintages("2011", "2022", history)
    links = links[links["kind"] != "piece"].sort_values("source")
    expected = pd.read_csv(mirror / "codes/bridge_2011_to_2022.csv", dtype=str, keep_default_na=False)
    expected = expected.sort_values("code_2011")[["code_2011", "code_2022"]]
    assert links[["source", "target"]].to_numpy().tolist() == expected.to_numpy().tolist()
    joined = links.groupby("target")["source"].agg(set)
    listed = bridge.set_index("code_2022")["code_2011"]
    assert joined.to_dict() == {code: set(old.split("|")) for code, old in listed.items() if old}


def test_residents_of_2011_are_neither_lost_nor_counted_twice(history, lists):
    census = read_municipality_list_2011(lists["list_2011"])[["population"]]
    assert census["population"].sum() == 59_426_732
    direct = carry_table(census, "2011", "2026", history)
    assert direct["population"].sum() == 59_426_732
    assert len(direct) == 7892  # without Mappano and Misiliscemi
    steps = carry_table(carry_table(census, "2011", "2022", history), "2022", "2026", history)
    assert steps.equals(direct)
    back = carry_table(direct, "2026", "2011", history, split=pair_residents(history, census))
    assert back["population"].sum() == pytest.approx(59_426_732)
    assert (back["population"] - census["population"]).abs().max() < 1e-6


def pair_residents(history, census):
    """Weights that give every part of a later merger its residents of 2011 back."""
    links = link_vintages("2026", "2011", history)
    links = links[links["kind"] == "part"]
    residents = census["population"].reindex(links["target"]).to_numpy()
    return pd.Series(residents, index=pd.MultiIndex.from_frame(links[["source", "target"]]))


def test_aggius_changed_province_three_times(history):
    life = explain_code("090001", history)
    assert (life.name, life.first_day, life.last_day) == ("Aggius", "2017-01-01", "2026-01-01")
    assert (life.earlier, life.later) == (("104001",), ("113001",))
    assert explain_code("113001", history).earlier == ("104001",)


def test_vintages_of_the_files(history, mirror, bridge):
    codes = pd.Index(bridge["code_2025"].unique())
    assert find_vintage(codes, history).vintages[0] == "2025"
    assert find_vintage(bridge["code_2026"], history).vintages == ("2026",)
    mixed = find_vintage([*bridge["code_2026"], "090064"], history)
    assert mixed.mixed
    assert mixed.misfits["code"].tolist() == ["090064"]
    with pytest.raises(InputError, match="090064 was in use until 2026-01-01"):
        carry_table(pd.DataFrame({"n": [1]}, index=["090064"]), "2026", "2022", history)
