import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.codes import VINTAGE_DAYS, alignment, carry, changes, format_codes, link_codes
from diagnosis.codes.history import municipalities_on
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.sources.code_lists import read_code_history
from diagnosis.sources.embedded import read_register
from diagnosis.sources.istat import read_municipality_list

REGISTER = read_register()
MERGED_2023 = {"005079", "005110", "012009", "012018", "012095"}


def codes_of(vintage):
    """All codes of a vintage before Sardinia was renumbered, from the changes alone."""
    known = set(REGISTER.index)
    day, base = VINTAGE_DAYS[vintage], VINTAGE_DAYS["2022"]
    for row in changes().itertuples():
        if base < row.date <= day:
            known = known - {row.before} | {row.after}
        if day < row.date <= base:
            known = known - {row.after} | {row.before}
    return sorted(known)


def published(mirror):
    return read_municipality_list(mirror / "istat/2026-08-14_situas_comuni.csv")


@pytest.mark.parametrize("value", [1001, 1001.0, "1001", "001001", " 1001.0 "])
def test_code_is_written_with_leading_zeros(value):
    assert format_codes(pd.Series([value], dtype=object)).tolist() == ["001001"]


@pytest.mark.parametrize("value", ["", "NA", "1001.5", "-1001", "1234567", None, "١٠٠١"])
def test_what_is_not_a_code_is_refused(value):
    with pytest.raises(InputError, match="at most 6 digits"):
        format_codes(pd.Series([value, "001001"], dtype=object))


@given(st.lists(st.integers(0, 999_999), min_size=1))
def test_codes_keep_their_number_and_index(numbers):
    index = pd.RangeIndex(5, 5 + len(numbers))
    text = format_codes(pd.Series(numbers, index=index))
    assert text.astype(int).tolist() == numbers
    assert text.str.len().eq(6).all()
    assert text.index.equals(index)


def test_changes_agree_with_the_register():
    table = changes()
    assert table["kind"].isin(["merger", "split", "renumbering"]).all()
    assert table["authority"].ne("").all()
    later = table[table["date"] > VINTAGE_DAYS["2022"]]
    first = later[later["before"].isin(REGISTER.index)]
    assert first["before_name"].tolist() == REGISTER.loc[first["before"], "name"].tolist()
    earlier = table[table["date"] <= VINTAGE_DAYS["2022"]]
    assert earlier["after"].isin(REGISTER.index).all()
    assert earlier["after_name"].tolist() == REGISTER.loc[earlier["after"], "name"].tolist()


@pytest.mark.parametrize("vintage", ["2021", "2022"])
def test_same_municipalities_are_linked_to_themselves(vintage):
    links, notes = link_codes(REGISTER.index, vintage, REGISTER)
    assert links["code"].equals(links["source"])
    assert len(links) == 7904
    assert notes == []


def test_two_municipalities_changed_region_in_2021():
    frame = pd.DataFrame({"count": [10.0, 20.0, 30.0]}, index=["041033", "041060", "081021"])
    carried = carry(frame, "2020", "sum", REGISTER)
    assert carried["count"].to_dict() == {"081021": 30, "099030": 10, "099031": 20}
    assert carried.attrs["vintage"] == "2022"
    assert any("Misiliscemi" in note and "81021 Trapani" in note for note in carried.attrs["notes"])


def test_code_of_another_vintage_is_refused():
    for vintage, code in {"2020": "099030", "2023": "005079", "2022": "999999"}.items():
        with pytest.raises(InputError, match=code):
            link_codes(["001001", code], vintage, REGISTER)


@given(
    st.dictionaries(
        st.sampled_from(codes_of("2020")) | st.sampled_from(["041033", "041060"]), st.integers(0, 10**6)
    )
)
def test_sum_conserves_the_total_of_2020(counts):
    frame = pd.DataFrame({"count": counts.values()}, index=pd.Index(list(counts), dtype="str"), dtype=float)
    carried = carry(frame, "2020", "sum", REGISTER)
    assert len(carried) == len(counts)
    assert carried["count"].sum() == sum(counts.values())
    assert carried.index.isin(REGISTER.index).all()


@pytest.mark.parametrize(("vintage", "parts", "merged"), [("2023", 5, 2), ("2025", 15, 7)])
def test_merged_municipalities_hand_rates_to_their_parts_but_keep_counts(vintage, parts, merged):
    frame = pd.DataFrame({"value": 1.0}, index=codes_of(vintage))
    assert len(frame) == 7904 - parts + merged
    inherited = carry(frame, vintage, "inherit", REGISTER)
    assert len(inherited) == 7904
    assert inherited["value"].notna().all()
    summed = carry(frame, vintage, "sum", REGISTER)
    assert summed["value"].isna().sum() == parts
    assert summed["value"].sum() == len(frame) - merged
    assert any(f"{parts} municipalities merged" in note for note in summed.attrs["notes"])


def test_parts_of_a_merger_take_its_class():
    frame = pd.DataFrame({"class": ["A", "B", "C"]}, index=["005122", "012144", "001001"])
    carried = carry(frame, "2023", "inherit", REGISTER)["class"]
    assert carried.to_dict() == {
        "001001": "C",
        "005079": "A",
        "005110": "A",
        "012009": "B",
        "012018": "B",
        "012095": "B",
    }


def test_absorbing_municipality_is_a_part_too():
    links, _ = link_codes(["018094", "018026"], "2026", REGISTER)
    assert links.groupby("source")["code"].agg(list).to_dict() == {
        "018026": ["018002", "018026"],
        "018094": ["018082", "018094"],
    }


def test_municipalities_without_a_row_are_named():
    carried = carry(pd.DataFrame({"value": 1.0}, index=REGISTER.index[2:]), "2022", "sum", REGISTER)
    assert carried.attrs["notes"] == ["2 municipalities of 2022 have no row: '001001', '001002'."]


def invented_changes(monkeypatch, rows):
    columns = ["date", "kind", "before", "before_name", "after", "after_name", "authority"]
    table = pd.DataFrame([[d, k, b, "Old", a, "New", "law"] for d, k, b, a in rows], columns=columns)
    monkeypatch.setattr(alignment, "changes", lambda: table)
    return pd.DataFrame(
        {"cadastral": ["A", "B", "C"], "name": ["Aa", "Bb", "Cc"], "region": "01"},
        index=["000001", "000002", "000003"],
    )


def test_earlier_merger_adds_counts_and_keeps_only_agreed_classes(monkeypatch):
    register = invented_changes(
        monkeypatch,
        [
            ("2021-01-01", "merger", "000008", "000001"),
            ("2021-01-01", "merger", "000009", "000001"),
            ("2021-03-01", "renumbering", "000007", "000006"),
            ("2021-06-01", "renumbering", "000006", "000002"),
        ],
    )
    frame = pd.DataFrame({"n": [1.0, 2.0, 4.0, 8.0]}, index=["000008", "000009", "000007", "000003"])
    assert carry(frame, "2020", "sum", register)["n"].to_dict() == {"000001": 3, "000002": 4, "000003": 8}
    classes = pd.DataFrame({"same": ["x", "x", "y", "z"], "differs": ["x", "w", "y", "z"]}, index=frame.index)
    carried = carry(classes, "2020", "inherit", register)
    assert carried["same"].tolist() == ["x", "y", "z"]
    assert carried["differs"].isna().tolist() == [True, False, False]


def test_count_with_a_missing_part_is_missing(monkeypatch):
    register = invented_changes(
        monkeypatch,
        [("2021-01-01", "merger", "000008", "000001"), ("2021-01-01", "merger", "000009", "000001")],
    )
    frame = pd.DataFrame({"n": [1.0, None], "m": [1.0, 2.0]}, index=["000008", "000009"])
    carried = carry(frame, "2020", "sum", register).loc["000001"]
    assert pd.isna(carried["n"])
    assert carried["m"] == 3


def test_later_split_is_added_back(monkeypatch):
    register = invented_changes(
        monkeypatch,
        [("2022-06-01", "split", "000001", "000001"), ("2022-06-01", "split", "000001", "000004")],
    )
    frame = pd.DataFrame({"n": [1.0, 2.0, 4.0, 8.0]}, index=["000001", "000004", "000002", "000003"])
    assert carry(frame, "2023", "sum", register)["n"].tolist() == [3, 4, 8]


def test_new_codes_are_linked_by_cadastral_code_or_by_name_within_the_region():
    # Sassari, 090064 until 2025
    sassari = REGISTER.loc["090064"]
    by_cadastral = pd.DataFrame({"cadastral": [sassari["cadastral"]]}, index=["112050"])
    by_name = pd.DataFrame({"name": ["SASSARI "], "region": ["20"]}, index=["112050"])
    for listed, how in ((by_cadastral, "cadastral code"), (by_name, "name within the region")):
        links, notes = link_codes(["112050"], "2026", REGISTER, listed)
        assert links.to_dict("records") == [{"code": "090064", "source": "112050"}]
        assert how in notes[-1]
    with pytest.raises(InputError, match="112050"):
        link_codes(["112050"], "2026", REGISTER)
    with pytest.raises(InputError, match="112050"):
        link_codes(["112050"], "2026", REGISTER, by_name.assign(region="19"))


def test_misspelt_parameters_are_named():
    frame = pd.DataFrame({"n": [1.0]}, index=["001001"])
    with pytest.raises(UnknownNameError, match="22"):
        carry(frame, "22", "sum", REGISTER)
    with pytest.raises(InputError, match="suppressed municipalities"):
        carry(frame, "2019", "sum", REGISTER)
    with pytest.raises(UnknownNameError, match="inherit"):
        carry(frame, "2023", "inherits", REGISTER)


@pytest.mark.parametrize("vintage", ["2020", "2021", "2023", "2025", "2026"])
def test_links_equal_the_bridge_of_the_mirror(mirror, vintage):
    bridge = pd.read_csv(mirror / "codes/bridge.csv", dtype=str, keep_default_na=False)
    expected = bridge.loc[bridge[f"code_{vintage}"] != "", ["code_2022", f"code_{vintage}"]]
    listed = published(mirror) if vintage == "2026" else None
    links, _ = link_codes(expected[f"code_{vintage}"], vintage, REGISTER, listed)
    assert links.to_numpy().tolist() == expected.sort_values("code_2022").to_numpy().tolist()


@pytest.mark.parametrize("vintage", ["2011", "2026"])
def test_history_carries_every_vintage(mirror, vintage):
    history = read_code_history(
        mirror / "istat/comuni-soppressi_ISTAT.csv",
        list_2026=mirror / "istat/2026-08-14_situas_comuni.csv",
        list_2011=mirror / "istat/ElencoUnitaAmministrative2011.csv",
    )
    codes = municipalities_on(vintage, history)
    summed = carry(pd.DataFrame({"n": 1.0}, index=codes), vintage, "sum", REGISTER, history=history)
    if vintage == "2011":
        assert summed["n"].sum() == 8092
        assert REGISTER.index.difference(summed.index).tolist() == ["001316", "081025"]
    else:
        assert summed["n"].isna().sum() == 19
        assert summed["n"].sum() == 7894 - 9


def test_names_and_cadastral_codes_give_the_same_links(mirror):
    listed = published(mirror)
    by_cadastral, _ = link_codes(listed.index, "2026", REGISTER, listed)
    by_name, _ = link_codes(listed.index, "2026", REGISTER, listed.drop(columns="cadastral"))
    assert by_name.equals(by_cadastral)
    assert by_cadastral["code"].tolist() == sorted(REGISTER.index)
