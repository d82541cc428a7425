import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.codes.events import (
    COLUMNS,
    check_events,
    combine_events,
    describe_events,
    find_renumberings,
    known_events,
)
from diagnosis.codes.history import (
    LIST_DAYS,
    CodeHistory,
    check_codes,
    find_day,
    link_vintages,
    municipalities_on,
)
from diagnosis.codes.lives import explain_code, find_vintage
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.sources.code_lists import read_code_history


def events(*rows):
    return pd.DataFrame([(d, k, b, f"Old {b}", a, f"New {a}", "law") for d, k, b, a in rows], columns=COLUMNS)


HISTORY = CodeHistory(
    pd.DataFrame({"name": [f"Town {i}" for i in range(1, 10)]}, index=[f"00000{i}" for i in range(1, 10)]),
    combine_events(
        events(
            ("2013-01-01", "merger", "000011", "000001"),
            ("2013-01-01", "merger", "000012", "000001"),
            ("2014-02-01", "merger", "000013", "000002"),
            ("2015-01-01", "renumbering", "000014", "000003"),
            ("2016-01-01", "split", "000004", "000005"),
            ("2017-01-01", "split", "000004", "000006"),
            ("2017-01-01", "split", "000007", "000006"),
            ("2023-01-01", "merger", "000001", "000021"),
            ("2023-01-01", "merger", "000002", "000021"),
            ("2024-01-01", "split", "000003", "000022"),
            ("2025-01-01", "renumbering", "000008", "000023"),
        ),
        known_events().iloc[:0],
    ),
    "2011-01-01",
    "2026-12-31",
)
EMBEDDED = read_code_history()


def kinds(source, target):
    links = link_vintages(source, target, HISTORY)
    return {(row.source, row.target): row.kind for row in links.itertuples() if row.kind != "whole"}


# events


def test_a_municipality_that_goes_on_has_a_row_of_its_own():
    pairs = set(zip(HISTORY.events["before"], HISTORY.events["after"], strict=True))
    assert {("000002", "000002"), ("000004", "000004"), ("000007", "000007"), ("000003", "000003")} <= pairs
    assert ("000001", "000001") not in pairs


def test_one_that_absorbs_several_is_recognised_by_an_earlier_event():
    made = combine_events(
        events(
            ("2014-01-01", "merger", "000007", "000001"),
            ("2014-01-01", "merger", "000008", "000001"),
            ("2015-01-01", "merger", "000009", "000001"),
            ("2015-01-01", "merger", "000010", "000001"),
        ),
        known_events().iloc[:0],
    )
    assert made.loc[made["before"] == "000001", "date"].tolist() == ["2015-01-01"]


def test_list_decides_on_mergers_up_to_its_last_day():
    made = combine_events(events(("2024-01-01", "merger", "000001", "000002")))
    known = known_events()
    expected = known.loc[(known["kind"] != "merger") | (known["date"] > "2024-01-01"), "before"]
    assert sorted(made["before"]) == sorted([*expected, "000001", "000002"])


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (("2014-13-01", "merger", "000001", "000002"), "ISO day"),
        (("2014-01-01", "fusion", "000001", "000002"), "kinds merger"),
        (("2014-01-01", "merger", "1", "000002"), "before"),
        (("2014-01-01", "merger", "000001", "00000x"), "after"),
    ],
)
def test_what_is_no_event_is_refused(row, rule):
    with pytest.raises(InputError, match=rule):
        check_events(events(row))


def test_events_need_their_columns():
    with pytest.raises(InputError, match="authority"):
        check_events(events(("2014-01-01", "merger", "000001", "000002")).drop(columns="authority"))


def test_new_codes_are_found_by_cadastral_code():
    before = pd.Series(["A", "B", "C"], index=["000001", "000002", "000003"])
    after = pd.Series(["C", "A", "D"], index=["000003", "000009", "000004"])
    found = find_renumberings(before, after, "2017-01-01", "law")
    assert found[["kind", "before", "after"]].to_numpy().tolist() == [["renumbering", "000001", "000009"]]


def test_few_events_are_told_and_many_counted():
    few = describe_events(events(("2014-01-01", "renumbering", "000001", "000002")))
    assert few == ["000001 Old 000001 became 000002 New 000002, 2014-01-01 (law)."]
    rows = [("2014-01-01", "renumbering", f"{i:06}", f"{i + 100:06}") for i in range(30)]
    assert describe_events(events(*rows)) == [
        "30 codes changed with the province or its number, from 2014-01-01 to 2014-01-01."
    ]


# municipalities of a day


def test_municipalities_of_a_day():
    assert municipalities_on("2012-12-31", HISTORY).tolist() == [
        f"0000{i}" for i in ("02", "04", "07", "08", "09", "11", "12", "13", "14")
    ]
    assert municipalities_on(datetime.date(2013, 1, 1), HISTORY).tolist() == [
        f"0000{i}" for i in ("01", "02", "04", "07", "08", "09", "13", "14")
    ]
    assert municipalities_on("2022", HISTORY).tolist() == HISTORY.register.index.tolist()
    assert municipalities_on("2026", HISTORY).tolist() == [
        f"0000{i}" for i in ("03", "04", "05", "06", "07", "09", "21", "22", "23")
    ]


def test_register_alone_covers_2020_to_2025():
    counts = {day: len(municipalities_on(day, EMBEDDED)) for day in ("2020", "2021", "2022", "2023", "2025")}
    assert counts == {"2020": 7903, "2021": 7904, "2022": 7904, "2023": 7901, "2025": 7896}
    for day in ("2019", "2026"):
        with pytest.raises(InputError, match="ISTAT's lists"):
            municipalities_on(day, EMBEDDED)


@pytest.mark.parametrize("day", ["1/1/2014", "2014-02-30", "", "22", 2030, None])
def test_what_is_no_day_is_refused(day):
    with pytest.raises(UnknownNameError, match="vintage"):
        find_day(day)
    assert find_day(2022) == "2022-01-01"


# links


def test_kinds_of_links_forward():
    assert kinds("2012", "2022") == {
        ("000004", "000004"): "core",
        ("000004", "000005"): "piece",
        ("000004", "000006"): "piece",
        ("000007", "000006"): "piece",
        ("000007", "000007"): "core",
    }


def test_kinds_of_links_backward():
    undone = {(source, target) for (source, target), kind in kinds("2026", "2012").items() if kind == "part"}
    assert undone == {
        ("000021", "000011"),
        ("000021", "000012"),
        ("000021", "000002"),
        ("000021", "000013"),
        ("000006", "000004"),
        ("000006", "000007"),
    }
    links = link_vintages("2026", "2012", HISTORY)
    assert links.loc[links["target"] == "000004", "source"].tolist() == ["000004", "000005", "000006"]
    assert links.loc[links["target"] == "000014", "source"].tolist() == ["000003", "000022"]


def test_a_part_that_comes_back_leaves_the_municipality_whole():
    history = CodeHistory(
        HISTORY.register,
        combine_events(
            events(("2012-01-01", "split", "000001", "000099"), ("2014-01-01", "merger", "000099", "000001")),
            known_events().iloc[:0],
        ),
        "2011-01-01",
        "2022-12-31",
    )
    links = link_vintages("2011", "2022", history)
    assert links["kind"].eq("whole").all()
    assert links["source"].equals(links["target"])


@given(st.sampled_from(sorted(LIST_DAYS)), st.sampled_from(sorted(LIST_DAYS)))
def test_links_are_the_same_both_ways(one, other):
    there, back = link_vintages(one, other, HISTORY), link_vintages(other, one, HISTORY)
    pairs = set(zip(there["source"], there["target"], strict=True))
    assert pairs == set(zip(back["target"], back["source"], strict=True))
    assert set(there["source"]) == set(municipalities_on(one, HISTORY))
    assert set(there["target"]) == set(municipalities_on(other, HISTORY))


# codes of unknown vintage


def test_wrong_codes_are_explained():
    with pytest.raises(
        InputError, match=r"of 2022.*000011 was in use until 2013-01-01.*000023 was in use from 2025"
    ):
        check_codes(["000001", "000011", "000023"], "2022", HISTORY)
    with pytest.raises(InputError, match=r"12345x never was one\."):
        check_codes(["12345x"], "2022", HISTORY)
    with pytest.raises(InputError, match=r"most alike: 081021"):
        check_codes(["0810211"], "2022", EMBEDDED)
    check_codes([], "2022", HISTORY)


def test_vintage_is_found_from_codes():
    fit = find_vintage(municipalities_on("2014-06-30", HISTORY), HISTORY)
    assert fit.fits
    assert not fit.mixed
    assert fit.periods.loc[0, ["first", "last", "absent"]].tolist() == ["2014-02-01", "2014-12-31", 0]
    assert find_vintage(["000001", "000014"], HISTORY).vintages == ("2013", "2014")
    assert set(find_vintage(["000009"], HISTORY).vintages) == set(LIST_DAYS)


def test_mixed_vintages_are_noticed():
    fit = find_vintage(["000011", "000021", "000009", "000009"], HISTORY)
    assert fit.mixed
    assert fit.vintages == ()
    assert len(fit.misfits) == 1
    assert fit.misfits["reason"].iloc[0] in ("in use until 2013-01-01", "in use from 2023-01-01")
    strange = find_vintage(["000009", "000099", "nowhere"], HISTORY)
    assert not strange.fits
    assert not strange.mixed
    assert strange.misfits["code"].tolist() == ["000099", "nowhere"]
    assert strange.misfits["reason"].iloc[0].startswith("never a municipality, most alike: 0000")
    with pytest.raises(InputError, match="there are none"):
        find_vintage([], HISTORY)


# one municipality


def test_life_of_a_municipality():
    life = explain_code("000001", HISTORY)
    assert (life.first_day, life.last_day) == ("2013-01-01", "2023-01-01")
    assert (life.name, life.earlier, life.later) == ("Town 1", ("000011", "000012"), ("000021",))
    assert str(life).splitlines() == [
        "000001 Town 1: in use from 2013-01-01 until 2023-01-01.",
        "000011 Old 000011, 000012 Old 000012 merged into 000001 New 000001, 2013-01-01 (law).",
        "000001 Old 000001, 000002 Old 000002 merged into 000021 New 000021, 2023-01-01 (law).",
    ]


def test_life_of_a_part_that_left_two():
    life = explain_code("000006", HISTORY)
    assert (life.first_day, life.last_day) == ("2017-01-01", None)
    assert (life.earlier, life.later) == (("000004", "000007"), ("000006",))
    assert "gave rise to 000006" in str(life)


def test_life_without_events():
    life = explain_code("000009", HISTORY)
    assert str(life) == "000009 Town 9: in use all the time covered."
    assert len(life.events) == 0


def test_unknown_code_is_named_with_the_most_alike():
    with pytest.raises(UnknownNameError, match="Most alike: 0000"):
        explain_code("0000009", HISTORY)
    with pytest.raises(UnknownNameError, match="leading zeros"):
        explain_code("Torino", HISTORY)
