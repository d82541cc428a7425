"""The stage of the governance areas on the example: tables that fit together, saved proposals, what cannot be drawn."""

import json

import pandas as pd
import pytest

from diagnosis.config import Governance, load_city
from diagnosis.errors import NotApplicableError
from diagnosis.functions import load_functions
from diagnosis.governance.proposals import save_proposal
from diagnosis.national.shared import load_national
from diagnosis.sources.own.files import PROPOSALS
from diagnosis.stages.governance import propose_areas
from diagnosis.studies.city import run_key
from diagnosis.territory import load_country, load_territory


@pytest.fixture(scope="module")
def national(example_settings):
    return load_national(load_country(example_settings, load_city("example").data), example_settings)


@pytest.fixture
def propose(national, example_settings):
    def propose(settings=example_settings, **changes):
        city = load_city("example")
        fields = city.governance.model_dump() | {"runs": 0} | changes
        city = city.model_copy(update={"governance": Governance(**fields)})
        return propose_areas(load_territory(city, settings, national.country), national)

    return propose


@pytest.fixture(scope="module")
def tables(example_study):
    return example_study.tables


def test_every_municipality_free_to_join_has_one_area(tables, example_study):
    areas, facts = tables["governance_areas"], example_study.facts["governance"]
    labels = tables["governance_alternatives"]
    assert areas["area"].equals(labels[str(facts["areas"])].rename("area"))
    assert labels.notna().all(axis=None)
    assert all(labels[name].nunique() == int(name) for name in labels)
    assert areas.loc[areas["in_territory"], "shown"].all()
    assert len(areas) == facts["municipalities"]
    assert facts["outside"] == (~areas["in_territory"]).sum()
    assert areas["with_centre"].between(0, 1).all()
    assert facts["firm"] + facts["rim"] == facts["municipalities_territory"]


def test_summary_and_curve_tell_the_same(tables, example_study):
    facts, areas = example_study.facts["governance"], tables["governance_areas"]
    summary, curve = tables["governance_summary"], tables["governance_curve"]
    members = areas[areas["shown"]].groupby("area").size()
    assert summary["members"].to_dict() == members.to_dict()
    assert summary.at[facts["city_area"], "members"] == facts["city_members"]
    assert summary["valid"].all()
    assert curve.at[facts["areas"], "value"] == facts["value"]
    if facts["shown_areas"] == facts["areas"]:
        assert summary["interaction"].sum() == pytest.approx(facts["value"])
    assert summary["population"].min() >= curve.at[facts["areas"], "smallest_population"]


def test_every_function_is_listed_with_its_layers(tables):
    functions, layers = tables["governance_functions"], tables["governance_layers"]
    assert list(functions.index) == list(load_functions())
    assert functions["main"].sum() == 1
    assert (functions["reason_it"] == "").all()
    for name, function in load_functions().items():
        own = layers[layers["function"] == name]
        assert dict(zip(own["layer"], own["weight"], strict=True)) == function.layers
        assert (own["found"] == (own["reason_it"] == "")).all()
        assert own.loc[~own["found"], "term"].isna().all()
    drawn = tables["governance_areas"].filter(like="function_")
    assert drawn.nunique().to_dict() == {f"function_{name}": n for name, n in functions["areas"].items()}


def test_core_is_who_stays_with_the_centre(tables):
    areas, centres = tables["governance_areas"], tables["governance_summary"]["centre"]
    for code, row in areas[areas["shown"]].iterrows():
        centre = centres[row["area"]]
        alike = [name for name in areas.filter(like="function_") if row[name] == areas.at[centre, name]]
        assert row["functions_with_centre"] == len(alike), code
        assert row["core"] == (len(alike) == row["functions_compared"])


def test_reasons_are_told_for_all_shown_in_two_languages(tables):
    reasons, areas = tables["governance_reasons"], tables["governance_areas"]
    assert set(reasons.index) == set(areas.index[areas["shown"]])
    assert reasons["member"].sum() == (areas["area"] == areas.at[load_city("example").code, "area"]).sum()
    assert reasons[["it", "en"]].map(lambda text: text.endswith(".")).all(axis=None)


def test_without_runs_nothing_is_said_of_sensitivity(propose):
    tables, facts = propose()
    assert facts["runs"] == 0
    assert "with_centre" not in tables["governance_areas"]
    assert "firm_share" not in tables["governance_summary"]


def test_limits_nobody_can_keep_leave_the_other_functions(propose):
    tall = load_functions()["strategic_planning"].model_copy(update={"min_population": 1e9})
    tables, facts = propose(functions={"tall": tall}, main="tall")
    assert facts["areas"] is None
    assert "almeno 1.000.000.000 residenti" in facts["reason_it"]
    assert "at least 1,000,000,000 residents" in facts["reason_en"]
    assert "governance_areas" not in tables
    functions = tables["governance_functions"]
    assert functions.at["tall", "own"]
    assert functions["areas"].isna().tolist() == [name == "tall" for name in functions.index]


def test_a_single_municipality_needs_no_areas(national, example_settings):
    city = load_city("example")
    text = {"it": "Sola", "en": "Alone"}
    alone = city.model_copy(
        update={
            "province": None,
            "municipalities": (city.code,),
            "territory_name": city.name.model_copy(update=text),
        }
    )
    with pytest.raises(NotApplicableError):
        propose_areas(load_territory(alone, example_settings, national.country), national)


def test_the_main_function_must_be_known():
    with pytest.raises(ValueError, match="transport"):
        Governance(main="transports")


def test_saved_proposals_are_measured_beside_the_computed_areas(propose, example_settings, tables, tmp_path):
    settings = example_settings.model_copy(update={"local": tmp_path})
    folder = tmp_path / "example" / PROPOSALS
    computed = tables["governance_alternatives"][
        str(int(tables["governance_curve"].query("chosen").index[0]))
    ]
    places = tables["governance_map"]
    names = {area: f"Area {area}" for area in computed.unique()}
    about = {"function": "strategic_planning", "date": "2026-05-31", "note": "<b>hello</b>"}
    save_proposal(folder, "same", computed.astype(int), places, names, **about)
    whole = computed.astype(int) * 0 + 1
    save_proposal(folder, "whole", whole, places, {1: "All"}, **about)
    whole.rename("area").to_csv(folder / "by-hand.csv")
    (folder / "broken.csv").write_text("code;area\n1;2\n", encoding="utf-8")
    (folder / "old.csv").write_text((folder / "whole.csv").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "old.yml").write_text(
        (folder / "whole.yml").read_text(encoding="utf-8").replace("strategic_planning", "gone"),
        encoding="utf-8",
    )
    (folder / "link.csv").symlink_to(folder / "whole.csv")
    found, _ = propose(settings)
    saved = found["governance_proposals"]
    assert list(saved.index) == ["broken", "by-hand", "link", "old", "same", "whole"]
    chosen = found["governance_curve"].query("chosen").iloc[0]
    for figure in ("value", "smallest_population", "longest_minutes"):
        assert saved.at["same", figure] == pytest.approx(chosen[figure])
    assert saved.at["same", "internal_share"] == pytest.approx(chosen["internal_share"])
    assert saved.loc["same", ["moved", "broken"]].tolist() == [0, 0]
    assert saved.at["whole", "areas"] == saved.at["by-hand", "areas"] == 1
    assert saved.at["whole", "moved"] == len(computed) - computed.value_counts().iloc[0]
    assert saved.at["same", "note"] == "<b>hello</b>"
    assert saved["reason_it"].ne("").tolist() == [True, False, True, True, False, False]
    assert list(found["governance_proposal_areas"]) == ["by-hand", "same", "whole"]


def test_a_new_proposal_makes_a_new_report(example_settings, tmp_path, national):
    settings = example_settings.model_copy(update={"local": tmp_path})
    city, key = load_city("example"), national.country.key
    before = run_key(city, settings, key)
    folder = tmp_path / "example" / PROPOSALS
    folder.mkdir(parents=True)
    assert run_key(city, settings, key) == before
    (folder / "one.csv").write_text("code,area\n", encoding="utf-8")
    assert run_key(city, settings, key) != before


def test_facts_can_be_saved_and_tables_too(example_result, tmp_path):
    from diagnosis.result import Diagnosis

    json.dumps(example_result.facts["governance"], allow_nan=False)
    again = Diagnosis.load(example_result.save(tmp_path / "result"))
    for name, table in example_result.tables.items():
        if name.startswith("governance_"):
            found = pd.DataFrame(again.table(name))
            pd.testing.assert_frame_equal(found, pd.DataFrame(table), check_dtype=False)


def test_what_a_move_changes_inside_is_what_counting_again_gives(tables, example_study):
    from diagnosis.governance.alternatives import internal_share

    flows = example_study.territory.country.table("flows")
    areas, reasons = tables["governance_areas"], tables["governance_reasons"]
    flows = flows[flows["origin"].isin(areas.index)]
    centre_of = {name: area for area, name in tables["governance_summary"]["name"].items()}
    before = internal_share(flows, areas["area"])
    total = flows["commuters"].sum()
    known = reasons[reasons["second_name"].isin(centre_of)]
    assert len(known)
    for code, row in known.iterrows():
        moved = areas["area"].copy()
        moved[code] = centre_of[row["second_name"]]
        change = (internal_share(flows, moved) - before) * total
        assert row["internal_change"] == pytest.approx(change, abs=1e-6)
    open_choice = reasons[reasons["open_choice"]]
    assert (open_choice["second_share"] > open_choice["own_share"]).all()
    assert (open_choice["interaction_change"] < 0).all()


def test_always_together_and_same_divisions_are_told(tables, example_study):
    facts, areas, functions = (
        example_study.facts["governance"],
        tables["governance_areas"],
        tables["governance_functions"],
    )
    columns = [name for name in areas if name.startswith("function_")]
    codes = pd.Series(areas.index, index=areas["name"])
    for names in facts["together"]:
        assert (areas.loc[codes[names], columns].nunique() == 1).all()
        assert len(names) > 1
    for name, other in functions["same_as"][functions["same_as"] != ""].items():
        pairs = areas[[f"function_{name}", f"function_{other}"]].drop_duplicates()
        assert len(pairs) == functions.at[name, "areas"] == functions.at[other, "areas"]


def test_existing_areas_are_worth_what_their_partition_is(tables, example_study):
    agreement, facts = tables["governance_agreement"], example_study.facts["governance"]
    assert (agreement["groups_divided"] <= agreement["groups"]).all()
    lists = agreement[agreement["cooperation"]]
    assert lists[["interaction_before", "adjusted_rand", "internal_share_before"]].isna().all(axis=None)
    others = agreement[~agreement["cooperation"]]
    assert (others["interaction_before"] <= 10 * facts["best_value"]).all()
    assert others["interaction_before"].notna().all()
