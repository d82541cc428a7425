"""The section on areas to run functions together, also where data are missing, uncertain, large or hostile."""

import re
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from diagnosis.areas.governance.reasons import RULES
from diagnosis.report import file_sources
from diagnosis.report.document import Document, Items, Notice, Prose, Table
from diagnosis.report.governance_package import list_areas
from diagnosis.report.html import render_html
from diagnosis.report.package import COLUMNS, write_package
from diagnosis.report.pdf import render_pdf
from diagnosis.report.sections.governance import write_governance
from diagnosis.report.sections.governance_agreement import agreement_table
from diagnosis.report.sections.governance_members import (
    MOST_GROUPS,
    cross_the_sea,
    list_members,
    list_together,
    tell_city_area,
    tell_open,
)
from diagnosis.report.sections.governance_proposals import LONGEST_NOTE, cut_text
from diagnosis.report.sections.governance_tables import (
    MOST_EDGE,
    MOST_MEMBERS,
    MOST_NUMBERS,
    choose_numbers,
    curve_table,
    functions_table,
    tell_rule,
    tell_status,
)
from diagnosis.report.words import Words
from diagnosis.schema import LANGUAGES, read_yaml
from diagnosis.tables import CRS

pytestmark = pytest.mark.xdist_group("report")
BOTH = pytest.mark.parametrize("language", LANGUAGES)
HOSTILE_NOTE = "=cmd|'/C calc'!A0 <script>alert(1)</script> {n:a|b} $x$ #panic() " * 20
FIRST = ["<b>x</b>", "second", "third", "fourth"]


def change(result, tables=None, **facts):
    """The result with other tables and other facts of the stage."""
    stage = {**result.facts["governance"], **facts}
    return replace(
        result,
        tables={**result.tables, **(tables or {})},
        facts={**result.facts, "governance": stage},
    )


def texts(sections, kind=Prose):
    return " ".join(block.text for section in sections for block in section.blocks if isinstance(block, kind))


def tables(sections):
    return {block.id: block for section in sections for block in section.blocks if isinstance(block, Table)}


def page(sections, language="it"):
    return Document("t", "s", language, "e", "", "example", (), tuple(sections))


@pytest.fixture(scope="module")
def sections(example_result):
    return {language: write_governance(example_result, Words(language)) for language in LANGUAGES}


@BOTH
def test_the_city_area_is_named_in_full(sections, example_result, language):
    areas = example_result.table("governance_areas")
    facts = example_result.facts["governance"]
    members = areas.loc[areas["area"] == facts["city_area"], "name"]
    assert len(members) == facts["city_members"] > 1
    listed = [
        item for block in sections[language][0].blocks if isinstance(block, Items) for item in block.items
    ]
    own = next(item for item in listed if item.startswith(facts["city_centre"] + ": "))
    names = own.split(": ")[1].replace("*", "").split(", ")
    assert names[0] == facts["city_centre"]
    assert sorted(names) == sorted(members)
    assert facts["name"][language] in texts(sections[language])


@BOTH
def test_nobody_is_left_unnamed(example_result, language):
    """However many members there are, and those outside the territory marked."""
    areas = example_result.table("governance_areas")
    many = pd.concat([areas.assign(name=areas["name"] + f" {place}") for place in range(20)])
    many.index = pd.Index([*areas.index, *(f"9{place:05d}" for place in range(len(many) - len(areas)))])
    many.iloc[-1, many.columns.get_loc("in_territory")] = False
    result = change(example_result, {"governance_areas": many})
    intro, listed = list_members(result, Words(language))
    everybody = " ".join(listed.items)
    assert all(name in everybody for name in many.loc[many["shown"], "name"])
    assert f"{many['name'].iloc[-1]}*" in everybody
    assert intro.text == Words(language)("joint_listed_mark")


def test_areas_of_a_single_municipality_stand_together(example_result):
    areas = example_result.table("governance_areas").copy()
    summary = example_result.table("governance_summary")
    alone = areas.index.isin(summary["centre"])
    result = change(example_result, {"governance_areas": areas[alone].assign(in_territory=True)})
    _, listed = list_members(result, Words("it"))
    assert len(listed.items) == 1
    assert listed.items[0].endswith(
        ": " + ", ".join(summary.loc[areas.loc[alone, "area"], "name"].sort_index())
    )


@BOTH
def test_parts_stand_in_order_and_end_with_the_data(sections, language):
    ids = [section.id for section in sections[language]]
    assert ids[0] == "governance"
    assert ids[1:] == [
        f"governance-{name}" for name in ("alternatives", "members", "practice", "functions", "today")
    ]
    assert sections[language][0].level == 2
    assert {section.level for section in sections[language][1:]} == {3}
    assert isinstance(sections[language][-1].blocks[-1], Prose)


@BOTH
def test_every_table_fits_its_header(sections, language):
    for table in tables(sections[language]).values():
        assert len(table.align) == len(table.header) == len(table.widths or table.header)
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.header)}, table.id
        assert all(cell for row in table.rows for cell in row), table.id
        assert not re.search(r"\bnan\b|<NA>|\binf\b", str(table.rows)), table.id


@pytest.mark.parametrize(
    ("changes", "key", "absent"),
    [
        ({"status": "optimal", "gap": 0.0}, "joint_good_optimal", "joint_good_none"),
        ({"status": "bounded", "gap": 0.031}, "joint_good_bounded", "joint_good_optimal"),
        ({"status": "bounded", "gap": 0.62}, "joint_good_loose", "joint_good_bounded"),
        ({"status": "no bound", "gap": None}, "joint_good_none", "joint_good_bounded"),
        ({"status": "bounded", "gap": None}, "joint_good_none", "joint_good_bounded"),
    ],
)
@BOTH
def test_no_more_is_said_of_how_good_than_is_proven(example_result, language, changes, key, absent):
    words = Words(language)
    told = texts(write_governance(change(example_result, **changes), words)[:1])
    gap = words.percent(changes["gap"], 0 if (changes["gap"] or 0) > 0.25 else 1)
    number = example_result.facts["governance"]["areas"]
    assert words(key, n=number, gap=gap) in told
    assert words(absent, n=number, gap=gap) not in told


def test_one_area_of_all_is_not_called_proven(example_result):
    told = texts(write_governance(change(example_result, areas=1, shown_areas=1), Words("it"))[:1])
    assert "dimostrato" not in told


@pytest.mark.parametrize("reason", ["interaction", "internal_share", "given"])
def test_the_number_of_areas_has_its_reason(example_result, reason):
    words = Words("it")
    told = texts(write_governance(change(example_result, reason=reason), words)[:1])
    keys = {
        "interaction": "più alta, cioè",
        "internal_share": "contro",
        "given": "configurazione della città",
    }
    assert [name for name, text in keys.items() if text in told] == [reason]


def test_edge_municipalities_are_named_most_at_risk_first(example_result):
    areas = example_result.table("governance_areas").copy()
    here = areas.index[areas["in_territory"]]
    areas.loc[here, "with_centre"] = [0.1 + 0.01 * place for place in range(len(here))]
    areas["second_name"], areas["second_runs"] = pd.NA, float("nan")
    firm = {"firm": 0, "rim": len(here)}
    told = texts(
        write_governance(change(example_result, {"governance_areas": areas}, **firm), Words("it"))[:1]
    )
    assert f"8 su {len(here)}" in told
    listed = told.split(f"8 su {len(here)}")[1]
    places = [listed.find(name) for name in areas.loc[here, "name"]]
    assert places[:8] == sorted(places[:8])
    assert min(places[:8]) >= 0
    assert set(places[8:]) == {-1}


def test_without_runs_nothing_is_said_of_sensitivity(example_result):
    dropped = ["with_centre", "second_name", "second_runs"]
    changed = {
        "governance_areas": example_result.table("governance_areas").drop(columns=dropped),
        "governance_reasons": example_result.table("governance_reasons").drop(
            columns=["with_centre", "second_run", "second_runs"]
        ),
    }
    sections = write_governance(change(example_result, changed, runs=0), Words("it"))
    assert "ricalcoli" not in texts(sections)
    assert Words("it")("column_stays") not in tables(sections)["governance-reasons"].header


def long_curve(example_result, number):
    row = example_result.table("governance_curve").iloc[0]
    curve = pd.DataFrame([row] * number, index=pd.RangeIndex(1, number + 1, name="areas"))
    curve["front"] = [place % 2 == 0 for place in range(number)]
    curve["chosen"], curve["best"] = curve.index == 20, curve.index == 31
    return curve


def test_a_long_curve_is_cut_around_the_proposal(example_result):
    curve = long_curve(example_result, 40)
    shown = choose_numbers(curve)
    assert len(shown) == MOST_NUMBERS
    assert shown == sorted(shown)
    assert {1, 20, 31, 40} <= set(shown)
    assert all(curve.at[k, "front"] for k in set(shown) - {1, 20, 31, 40})
    table = curve_table(change(example_result, {"governance_curve": curve}), Words("it"))
    assert len(table.rows) == MOST_NUMBERS
    assert "40" in table.note
    assert "governance_curve.csv" in table.note
    assert choose_numbers(example_result.table("governance_curve")) == [1, 2, 3]


def test_a_large_area_shows_the_least_firm(example_result):
    row = example_result.table("governance_reasons").query("rule == 'closest' and member").iloc[0]
    number = MOST_MEMBERS + 10
    reasons = pd.DataFrame(
        [row] * number, index=pd.Index([f"9{place:05d}" for place in range(number)], name="code")
    )
    reasons["name"] = [f"Town {place}" for place in range(number)]
    reasons["with_centre"] = [1 - 0.01 * place for place in range(number)]
    sections = write_governance(change(example_result, {"governance_reasons": reasons}), Words("it"))
    table = tables(sections)["governance-reasons"]
    assert [row[0] for row in table.rows] == [f"Town {number - 1 - place}" for place in range(MOST_EDGE)]
    assert str(number) in table.note


@BOTH
def test_reasons_do_not_repeat_the_name(sections, language):
    for row in tables(sections[language])["governance-reasons"].rows:
        assert row[0] not in row[-1]


@BOTH
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_words(language, rule):
    row = {"rule": rule, "limit": "", "interaction_change": -0.043, "open_choice": False}
    if rule.startswith("breaks"):
        row["limit"] = "validity contiguity"
    told = tell_rule(row, Words(language))
    assert told.endswith(".")
    assert ("4" in told) == (rule in {"closest", "sum_falls", "sum_rises"})


def test_a_change_too_small_to_tell_is_not_told_as_zero():
    words = Words("it")
    row = {"rule": "closest", "limit": "", "interaction_change": -0.0002, "open_choice": False}
    assert tell_rule(row, words) == "Se vi passasse: interazione quasi uguale."
    assert "meno di 0,1" in tell_rule({**row, "rule": "sum_falls"}, words)
    assert "+2,0" in tell_rule({**row, "rule": "sum_rises", "interaction_change": 0.02}, words)


def test_an_open_choice_is_told_as_one(example_result):
    words = Words("it")
    row = {"rule": "sum_falls", "limit": "", "interaction_change": -0.043, "open_choice": True}
    told = tell_rule(row | {"second_name": "Lentini", "internal_change": 41.6}, words)
    assert told == (
        "Scelta aperta: passando a Lentini nessun limite sarebbe violato e 42 pendolari in più lavorerebbero nel "
        "proprio ambito; scende solo l'interazione (−4,3\N{NO-BREAK SPACE}%)."
    )
    assert "1 pendolare in più" in tell_rule(row | {"second_name": "x", "internal_change": 0.2}, words)
    reasons = example_result.table("governance_reasons").assign(open_choice=False)
    assert tell_open(change(example_result, {"governance_reasons": reasons}), words) == []
    reasons.iloc[[0, 1], reasons.columns.get_loc("open_choice")] = True
    reasons["second_name"] = "Altrove"
    named = reasons["name"].iloc[[0, 1]].sort_values()
    sections = write_governance(change(example_result, {"governance_reasons": reasons}), words)
    assert f"{named.iloc[0]} (verso Altrove) e {named.iloc[1]} (verso Altrove)" in texts(sections[:1])


EXISTING = {
    "it": "SLL <b>",
    "en": "SLL <b>",
    "areas_before": 4,
    "areas_after": 3,
    "municipalities_compared": 21,
    "municipalities_changing": 3,
    "residents_changing_share": 0.1,
    "internal_share_before": 0.8,
    "internal_share_after": 0.9,
    "interaction_before": 0.425,
    "cooperation": False,
    "groups": 4,
    "groups_divided": 1,
    "adjusted_rand": 0.7,
}
PLANS = {
    **EXISTING,
    "it": "Piani",
    "cooperation": True,
    "groups": 6,
    "groups_divided": 0,
    **dict.fromkeys(
        ("municipalities_changing", "residents_changing_share", "internal_share_before", "adjusted_rand"),
        float("nan"),
    ),
    "interaction_before": float("nan"),
}


def compare(result, *rows, **facts):
    existing = pd.DataFrame(rows, index=pd.Index(range(len(rows)), name="geography"))
    stated = {"value": 0.421, "areas": 3, "shown_areas": 3, **facts}
    return agreement_table(change(result, {"governance_agreement": existing}, **stated), Words("it"))


def test_of_cooperation_only_divided_groups_are_told(example_result):
    table, *_ = compare(example_result, EXISTING, PLANS)
    shown = dict(zip(table.header, table.rows[1], strict=True))
    assert shown.pop("Suddivisione esistente") == "Piani"
    assert shown.pop("Gruppi divisi") == "0 su 6"
    assert set(shown.values()) == {"–"}
    assert "più residenti possibile" in table.note
    one_class = compare(example_result, {**EXISTING, "adjusted_rand": float("nan")})[0]
    assert one_class.rows[0][-1] == "–"


def test_a_higher_interaction_than_the_proposals_is_said(example_result):
    table, told = compare(example_result, EXISTING, {**EXISTING, "interaction_before": 0.4}, PLANS)
    assert table.rows[0][5] == "0,425 → 0,421"
    assert "SLL <b> (0,425 con 4 aree, la proposta 3)" in told.text
    assert told.text.startswith(
        "Una suddivisione esistente ha un'interazione più alta della proposta (0,421)"
    )
    assert "con 4 aree" not in compare(example_result, EXISTING, areas=5)[1].text
    for value in (0.42, 0.4212, float("nan")):
        assert len(compare(example_result, {**EXISTING, "interaction_before": value})) == 1


def test_functions_with_the_same_partition_and_beyond_their_minutes(example_result):
    functions = example_result.table("governance_functions").copy()
    first, second = functions.index[:2]
    functions["same_as"], functions["max_minutes"], functions["longest_minutes"] = "", float("nan"), 50.0
    functions.loc[second, ["same_as", "max_minutes"]] = [first, 45.0]
    table = functions_table(change(example_result, {"governance_functions": functions}), Words("it"))[0]
    names = functions["it"]
    assert f"Stessa divisione: {names[first]} e {names[second]}." in table.note
    assert f"Limite di 45 minuti superato secondo le stime ({names[second]})." in table.note
    assert "Di un solo comune" in table.header
    functions["same_as"], functions["longest_minutes"] = "", 45.0
    table = functions_table(change(example_result, {"governance_functions": functions}), Words("it"))[0]
    assert "Stessa" not in table.note
    assert "secondo le stime" not in table.note


def test_groups_always_together_are_listed(example_result):
    groups = [["A", "B", "C"], *[["D", "E"]] * MOST_GROUPS]
    result = change(example_result, together=groups)
    intro, listed = list_together(result, Words("it"))
    assert intro.text.startswith(f"{MOST_GROUPS + 1} gruppi")
    assert listed.items[0] == "A, B e C"
    assert listed.items[-1] == "un altro gruppo"
    assert len(listed.items) == MOST_GROUPS + 1
    assert list_together(change(example_result, together=[]), Words("it")) == []


@pytest.mark.parametrize(
    ("core", "text"),
    [(0, "nessuno vi resta"), (1, ", 1 (Town 1) vi resta"), (3, ", 3 (Town 1, Town 2 e Town 3) vi restano")],
)
def test_page_one_leaves_out_the_centre(example_result, core, text):
    areas = example_result.table("governance_areas").iloc[:6].copy()
    areas["name"] = [f"Town {place}" for place in range(6)]
    areas["area"], areas["core"] = 1, [place <= core for place in range(6)]
    summary = pd.DataFrame({"centre": [areas.index[0]]}, index=pd.Index([1], name="area"))
    labels = example_result.table("areas")
    changed = {"governance_areas": areas, "governance_summary": summary}
    result = change(example_result, changed, city_area=1, city_centre="Town 0")
    told = tell_city_area(result, Words("it"))
    assert "ambito di gestione di 6 comuni; oltre al comune di Town 0" in told
    assert text in told
    own = example_result.facts["areas"]["city_area"]
    same = labels.assign(functional=own)[labels.index.isin(areas.index)]
    result = change(
        example_result, {**changed, "areas": same.reindex(areas.index).assign(functional=own)}, city_area=1
    )
    assert "degli stessi 6 comuni" in tell_city_area(result, Words("it"))
    result = change(example_result, {**changed, "governance_areas": areas.assign(core=True)}, city_area=1)
    assert "restano insieme in tutte" in tell_city_area(result, Words("it"))


def test_links_by_sea_are_told_only_where_there_are_some(example_result):
    """The example has an island."""
    words = Words("it")
    areas = example_result.table("governance_areas")
    ashore = areas.assign(shown=areas["shown"] & ~areas["name"].str.startswith("Isola"))
    assert ashore["shown"].sum() == areas["shown"].sum() - 1
    for shown, key in ((areas, "joint_limit_joined_sea"), (ashore, "joint_limit_joined")):
        result = change(example_result, {"governance_areas": shown})
        assert cross_the_sea(result) == key.endswith("sea")
        assert f"{words(key)};" in texts(write_governance(result, words))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"areas": 1, "status": "no bound", "gap": float("inf")}, "l'unica possibile"),
        ({"areas": 2, "status": "optimal", "gap": 0.0}, "ottimo dimostrato"),
        ({"areas": 2, "status": "bounded", "gap": 0.125}, "al più +12,5\N{NO-BREAK SPACE}%"),
        ({"areas": 2, "status": "bounded", "gap": float("inf")}, "migliore trovata"),
        ({"areas": 2, "status": "no bound", "gap": float("nan")}, "migliore trovata"),
    ],
)
def test_status_in_words(row, text):
    assert tell_status(row, Words("it")) == text


def test_the_screen_is_open_where_residents_are_missing(example_result):
    summary = example_result.table("governance_summary").copy()
    row = summary.iloc[[0]]
    summary = pd.concat([row, row, row]).set_axis(pd.Index([1, 2, 3], name="area"))
    summary["reaches_association"] = pd.array([True, False, pd.NA], dtype="boolean")
    summary["without_population"] = [0, 0, 1]
    words = Words("it")
    table = tables(write_governance(change(example_result, {"governance_summary": summary}), words))[
        "governance-practice-table"
    ]
    assert [row[-1] for row in table.rows] == [words("joint_above"), words("joint_below"), "–"]
    assert words("quality_without") in table.note
    told = texts(write_governance(example_result, words))
    assert "33/2019" in told
    assert "2030" in table.note
    assert "quella del centro" in table.note
    assert "fonte secondaria" in told


def test_an_area_with_missing_residents_that_reaches_the_threshold(example_result):
    """The example has a municipality without residents in its largest area."""
    summary = example_result.table("governance_summary")
    incomplete = summary["without_population"] > 0
    assert incomplete.any()
    assert summary.loc[incomplete & (summary["population"] >= 10_000), "reaches_association"].all()


def without_main(result):
    kept = {"governance_functions", "governance_layers"}
    functions = result.table("governance_functions").copy()
    main = functions["main"]
    functions.loc[main, ["areas", "city_members"]] = pd.NA
    functions.loc[main, ["value", "gap", "internal_share"]] = float("nan")
    reduced = {
        name: table
        for name, table in result.tables.items()
        if not name.startswith("governance") or name in kept
    }
    stage = {
        name: result.facts["governance"][name]
        for name in ("main", "name", "description", "functions", "municipalities_territory")
    }
    stage |= {
        "areas": None,
        "city_area": None,
        "reason_it": "mancano <i>reti</i>",
        "reason_en": "no <i>networks</i>",
    }
    return replace(
        result,
        tables={**reduced, "governance_functions": functions},
        facts={**result.facts, "governance": stage},
    )


@BOTH
def test_a_main_function_without_areas_says_why(example_result, language, tmp_path):
    result = without_main(example_result)
    words = Words(language)
    (section,) = write_governance(result, words)
    assert stage_reason(result, language) in texts([section], Notice)
    table = tables([section])["governance-functions-table"]
    assert len(table.rows) == len(result.table("governance_functions")) - 1
    source = render_html(page([section], language))
    assert "<i>" not in source
    write_package(result, tmp_path, words)
    names = {path.name for path in (tmp_path / "data").glob("governance*")}
    assert names == {"governance_functions.csv", "governance_layers.csv"}


def stage_reason(result, language):
    return result.facts["governance"][f"reason_{language}"]


@pytest.fixture(scope="module")
def proposed(example_result):
    """The example with saved proposals: hostile names and notes, one of another function, one that cannot be read."""
    areas = example_result.table("governance_areas")
    about = pd.DataFrame(
        {
            "function": ["strategic_planning", "waste", "strategic_planning", "gone"],
            "date": ["2026-11-20", "", "<u>", "2026-01-01"],
            "note": [HOSTILE_NOTE, "", None, "never seen"],
            "edited": [True, False, False, False],
            "areas": pd.array([2, 3, 2, pd.NA], dtype="Int64"),
            "value": [0.3, 0.4, float("nan"), float("nan")],
            "internal_share": [0.9, 0.8, float("nan"), float("nan")],
            "smallest_population": 1.0,
            "longest_minutes": 10.0,
            "broken": pd.array([1, 0, 2, pd.NA], dtype="Int64"),
            "moved": pd.array([1, pd.NA, 0, pd.NA], dtype="Int64"),
            "moved_names": [areas["name"].iloc[0], "", "", ""],
            "reason_it": ["", "", "", "la tabella non si legge"],
            "reason_en": ["", "", "", "its table cannot be read"],
        },
        index=pd.Index(FIRST, name="proposal"),
    )
    labels = pd.DataFrame({name: areas["area"].astype("str") for name in FIRST[:3]})
    return change(example_result, {"governance_proposals": about, "governance_proposal_areas": labels})


@BOTH
def test_saved_proposals_stand_beside_the_computed_areas(proposed, language):
    words = Words(language)
    sections = write_governance(proposed, words)
    assert sections[-1].id == "governance-proposals"
    table = tables(sections)["governance-proposals-table"]
    computed = words("joint_proposals_computed")
    names = [row[0] for row in table.rows]
    assert names == [computed, names[1], "third", computed, "second"]
    assert names[1].startswith(FIRST[0])
    items = [item for block in sections[-1].blocks if block.kind == "items" for item in block.items]
    assert any(
        proposed.table("governance_proposals").at["fourth", f"reason_{language}"] in item for item in items
    )
    assert "never seen" not in str(sections)
    assert len(re.findall("alert", str(items))) < HOSTILE_NOTE.count("alert")
    figures = [block for block in sections[-1].blocks if block.kind == "figure"]
    assert len(figures) == 3
    assert FIRST[0] not in str([section.blocks for section in sections[:-1]])


def test_what_somebody_wrote_is_escaped(proposed, parse_page):
    document = page(write_governance(proposed, Words("it")))
    source = render_html(document)
    assert "<script" not in source
    assert "<b>x</b>" not in source
    assert "<u>" not in source
    parsed = parse_page(source)
    assert not parsed.wrong
    ids = [attributes["id"] for _, attributes in parsed.elements if attributes.get("id")]
    assert len(set(ids)) == len(ids)
    assert render_pdf(document).startswith(b"%PDF")


def test_a_note_is_cut():
    assert len(cut_text(HOSTILE_NOTE, LONGEST_NOTE)) <= LONGEST_NOTE + 1
    assert cut_text(" a\n b\t", 10) == "a b"


def read(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@BOTH
def test_every_column_of_the_package_is_explained(proposed, language, tmp_path):
    write_package(proposed, tmp_path, Words(language))
    folder = tmp_path / "data"
    files = sorted(folder.glob("governance*.csv"))
    assert {path.name for path in files} | {"governance.gpkg"} == file_sources.GOVERNANCE
    meanings = read_yaml(COLUMNS)
    for path in files:
        frame = read(path)
        known = meanings[path.stem]
        assert frame.columns[0] == next(iter(known)), path.name
        assert all(set(meaning) == set(LANGUAGES) for meaning in known.values())
        free = path.stem == "governance_proposal_areas"
        strange = {
            column
            for column in frame.columns
            if column not in known and not re.match("alternative_[0-9]+$|function_[a-z_]+$", column)
        }
        assert free or not strange, path.name
        cells = frame.to_numpy().ravel()
        assert not [cell for cell in cells if re.match("[=+@]", cell)], path.name
    assert (
        read(folder / "governance_functions.csv")["text"].iloc[0]
        == proposed.table("governance_functions")[language].iloc[0]
    )


def test_polygons_of_the_main_function(example_result, tmp_path):
    write_package(example_result, tmp_path, Words("it"))
    path = tmp_path / "data" / "governance.gpkg"
    assert {name for name, _ in pyogrio.list_layers(path)} == {"municipalities", "governance_areas"}
    municipalities = gpd.read_file(path, layer="municipalities")
    areas = gpd.read_file(path, layer="governance_areas")
    assert municipalities.crs == areas.crs == CRS
    assert set(municipalities["code"]) == set(example_result.table("governance_areas").index)
    assert len(areas) == example_result.facts["governance"]["areas"]
    assert areas.area.sum() == pytest.approx(municipalities.area.sum())
    listed = list_areas(example_result)
    chosen = f"alternative_{example_result.facts['governance']['areas']}"
    assert (listed[chosen] == listed["area"]).all()
