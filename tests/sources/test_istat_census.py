import time
import zipfile

import numpy as np
import pandas as pd
import pytest

from diagnosis.codes.events import combine_events
from diagnosis.codes.history import CodeHistory
from diagnosis.errors import InputError, SourceError
from diagnosis.sources import istat_census
from diagnosis.sources.embedded import read_register
from diagnosis.sources.istat_census import read_daily_travel

EVENTS = pd.DataFrame(
    [
        ("2015-01-30", "merger", "097066", "Perego", "097092", "La Valletta Brianza"),
        ("2015-01-30", "merger", "097073", "Rovagnate", "097092", "La Valletta Brianza"),
        ("2017-01-01", "renumbering", "104017", "Olbia", "090047", "Olbia"),
    ],
    columns=["date", "kind", "before", "before_name", "after", "after_name"],
).assign(authority="test")


def counted(home, away, number, *, sex=1, purpose=2, place=2, state="000", kind=1, estimate="ND"):
    """A record S, character by character as the layout has it."""
    return (
        f"S {kind} {home[:3]} {home[3:]}  {sex} {purpose} {place} {away[:3]} {away[3:]} {state} "
        f"+  + + {estimate:<12}{number:010d} "
    )


def estimated(home, away, mode, when, how_long, number, *, sex=1, purpose=2, place=2, state="000"):
    return (
        f"L 1 {home[:3]} {home[3:]}  {sex} {purpose} {place} {away[:3]} {away[3:]} {state} "
        f"{mode:02d} {when} {how_long} {number:010.2f}         ND  "
    )


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Write the lines and read them, with three events since 2011 in place of ISTAT's lists."""
    history = CodeHistory(read_register(), combine_events(EVENTS), "2011-01-01", "2025-12-31")
    monkeypatch.setattr(istat_census, "read_code_history", lambda *lists: history)

    def read(*lines, end="\r\n", name="matrix.txt"):
        path = tmp_path / name
        content = (end.join(lines) + end).encode()
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("MATRICE/matrix.txt", content)
                archive.writestr("MATRICE/leggimi.doc", b"x")
        else:
            path.write_bytes(content)
        return read_daily_travel(path, "suppressed", "list")

    return read


def test_the_published_lines_have_this_layout():
    # Shown in a public guide to the file (opendatasicilia/tansignari, recipe on the matrix of 2011).
    shown = "L 1 001 001  1 1 1 001 001 000 04 2 1 0000005.00         ND  "
    assert estimated("001001", "001001", 4, 2, 1, 5, purpose=1, place=1) == shown
    assert len(shown) == 61
    assert len(counted("001001", "001001", 7)) == 61


@pytest.mark.parametrize(
    ("name", "end"), [("matrix.txt", "\r\n"), ("matrix.txt", "\n"), ("matrix.zip", "\r\n")]
)
def test_sums_by_hand(read, name, end):
    travel = read(
        counted("001001", "001002", 3, sex=1),
        counted("001001", "001002", 4, sex=2, kind=2),
        counted("001001", "001001", 5, purpose=1, place=1, estimate="0000005.00"),
        counted("001002", "000000", 2, place=3, state="215"),
        estimated("001001", "001002", 1, 1, 4, 1.25),
        estimated("001001", "001002", 8, 2, 1, 2.5, sex=2),
        estimated("001001", "001001", 12, 2, 1, 4.75, purpose=1, place=1),
        estimated("001001", "001002", 6, 2, 2, 1),
        name=name,
        end=end,
    ).set_index(["origin", "destination", "purpose"])
    assert travel.index.tolist() == [
        ("001001", "001001", "study"),
        ("001001", "001002", "work"),
        ("001002", "F215", "work"),
    ]
    work = travel.loc[("001001", "001002", "work")]
    assert work[["travellers", "women"]].tolist() == [7, 4]
    assert work[["public_transport", "service_bus", "private_motor", "walking_or_cycling"]].tolist() == [
        1.25,
        1,
        2.5,
        0,
    ]
    assert work[["up_to_15_minutes", "from_16_to_30_minutes", "over_60_minutes"]].tolist() == [2.5, 1, 1.25]
    assert travel.loc[("001001", "001001", "study"), "walking_or_cycling"] == 4.75
    assert any("8 records; 14 residents" in note for note in travel.attrs["notes"])
    assert any("Not a series" in note for note in travel.attrs["notes"])


def test_codes_are_carried_and_flows_between_merged_become_internal(read):
    travel = read(
        counted("097066", "097073", 3),
        counted("097073", "097066", 4),
        counted("104017", "001001", 5),  # Olbia: the province of Olbia-Tempio was given up in 2016
    )
    assert travel[["origin", "destination", "travellers"]].to_numpy().tolist() == [
        ["090047", "001001", 5],
        ["097092", "097092", 7],
    ]


def test_blocks_add_up_to_the_whole(read, monkeypatch):
    random = np.random.default_rng(1)
    places = ["001001", "001002", "104017"]
    lines = [
        counted(*random.choice(places, 2), int(random.integers(1, 9)))
        if random.random() < 0.3
        else estimated(
            *random.choice(places, 2),
            random.integers(1, 13),
            1,
            random.integers(1, 5),
            random.integers(1, 99) / 4,
        )
        for _ in range(500)
    ]
    whole = read(*lines)
    monkeypatch.setattr(istat_census, "BLOCK", 700)
    assert read(*lines).equals(whole)
    assert read(*lines[:-1], lines[-1], end="\n").equals(whole)


def test_last_line_without_end_and_cut_blanks(read, tmp_path):
    lines = [counted("001001", "001002", 3), estimated("001001", "001002", 1, 1, 1, 2).rstrip()]
    path = tmp_path / "short.txt"
    path.write_text("\n".join(lines))
    travel = read_daily_travel(path, "suppressed", "list")
    assert travel["travellers"].tolist() == [3]
    assert travel["public_transport"].tolist() == [2]


@pytest.mark.parametrize(
    "line",
    [
        "Prov_res\tProcom_res\tPendolari",
        counted("001001", "001002", 3)[:40],
        counted("001001", "001002", 3).replace("S", "X", 1),
        counted("001001", "001002", 3, sex=3),
        counted("001001", "001002", 3, purpose=9),
        counted("001001", "000000", 3),
        counted("901001", "001002", 3),
        estimated("001001", "001002", 13, 1, 1, 2),
        estimated("001001", "001002", 1, 1, 5, 2),
        estimated("001001", "001002", 1, 1, 1, 2).replace("0000002.00", "0000002,00"),
        counted("001001", "001002", 3)[:50] + "        ND ",
    ],
)
def test_what_is_no_record_is_refused(read, line):
    with pytest.raises(SourceError, match="fixed layout"):
        read(counted("001001", "001002", 3), line)


def test_other_failures(read, tmp_path):
    with pytest.raises(InputError, match=r"municipality of 2011.*'001777'"):
        read(counted("001777", "001002", 3))
    with pytest.raises(SourceError, match="empty"):
        read("")
    (tmp_path / "z.zip").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(InputError, match="readable"):
        read_daily_travel(tmp_path / "z.zip", "suppressed", "list")


def test_every_municipality_of_2011_has_the_successor_of_the_bridge(mirror, tmp_path):
    bridge = pd.read_csv(mirror / "codes/bridge_2011_to_2022.csv", dtype=str, keep_default_na=False)
    assert len(bridge) == 8092
    path = tmp_path / "m.txt"
    path.write_text("\n".join(counted(code, code, 1, place=1) for code in bridge["code_2011"]))
    lists = (
        mirror / "istat" / name for name in ("comuni-soppressi_ISTAT.csv", "Elenco-comuni-italiani_ISTAT.csv")
    )
    travel = read_daily_travel(path, *lists)
    assert (travel["origin"] == travel["destination"]).all()
    expected = bridge["code_2022"].value_counts()
    assert travel.set_index("origin")["travellers"].astype(int).to_dict() == expected.to_dict()


def test_200000_records_cost_little(read, tmp_path):
    """All 4,876,242 must stay below 60 s: a 24th of them in a 24th of that."""
    number = 200_000
    random = np.random.default_rng(0)
    record = (estimated("001001", "001002", 1, 1, 1, 2) + "\r\n").encode()
    table = np.tile(np.frombuffer(record, dtype=np.uint8), (number, 1))
    codes = read_register().index
    made = np.array([list(code[3:].encode()) for code in codes[codes.str[:3] == "015"]], dtype=np.uint8)
    for start in (4, 19):  # where the province and the municipality of origin and destination are
        table[:, start : start + 3] = list(b"015")
        table[:, start + 4 : start + 7] = made[random.integers(0, len(made), number)]
    path = tmp_path / "large.txt"
    path.write_bytes(table.tobytes())
    began = time.process_time()
    travel = read_daily_travel(path, "suppressed", "list")
    assert time.process_time() - began < 60 / 24
    assert travel["public_transport"].sum() == 2 * number
