import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.governance.draft import AreaDraft

CODES = [f"00000{i}" for i in range(1, 7)]
"""A grid: 1 2 3 above 4 5 6."""
EDGES = [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]
FLOWS = np.array(
    [
        [80, 4, 0, 6, 0, 0],
        [30, 50, 8, 0, 2, 0],
        [0, 9, 90, 0, 0, 5],
        [20, 0, 0, 40, 7, 0],
        [3, 5, 0, 6, 60, 11],
        [0, 0, 12, 0, 9, 70],
    ],
    dtype=float,
)
RESIDENTS = pd.Series([1000.0, 600, 900, 400, 500, 700], index=CODES)
START = np.array([0, 0, 1, 0, 1, 1])
MINUTES = pd.DataFrame(10.0 + 5 * np.abs(np.subtract.outer(range(6), range(6))), index=CODES, columns=CODES)


def build(layer="commuting", **limits):
    rows = [(CODES[i], CODES[j], FLOWS[i, j]) for i in range(6) for j in range(6)]
    flows = pd.DataFrame([*rows, (CODES[0], "x", 10.0)], columns=["origin", "destination", "commuters"])
    pairs = pd.DataFrame(
        [(CODES[p], CODES[q]) for i, j in EDGES for p, q in ((i, j), (j, i))], columns=["code", "neighbour"]
    )
    return AreaProblem.from_tables(RESIDENTS, {layer: FlowLayer(flows)}, pairs, AreaConstraints(**limits))


@pytest.fixture
def draft():
    return AreaDraft(build(), START, minutes=MINUTES, wished_minutes=20)


def test_measures_by_hand(draft):
    found = draft.measures()[0]  # municipalities 1, 2, 4
    assert (found.members, found.population) == (3, 2000.0)
    inside = FLOWS[np.ix_([0, 1, 3], [0, 1, 3])].sum()
    assert found.within == inside
    assert found.employed == FLOWS[[0, 1, 3]].sum() + 10
    assert found.jobs == FLOWS[:, [0, 1, 3]].sum()
    assert found.self_containment == pytest.approx(inside / found.employed)
    assert (found.centre, found.farthest, found.longest) == (0, 3, 25.0)
    assert (found.beyond, found.unreached, found.limits) == (1, 0, ())
    assert np.isnan(found.validity)
    assert found.value == pytest.approx(draft.problem.value([0, 1, 3]))


def test_a_move_counts_at_once(draft):
    before = {area: item.value for area, item in draft.measures().items()}
    change, limits = draft.foresee(CODES[1], 1)
    draft.move(CODES[1], 1)
    after = draft.measures()
    assert draft.labels().tolist() == [0, 1, 1, 0, 1, 1]
    assert draft.moved().tolist() == [CODES[1]]
    total = sum(before.values())
    assert sum(item.value for item in after.values()) == pytest.approx(total * (1 + change))
    assert sum(item.value for item in after.values()) == pytest.approx(
        draft.problem.partition_value(draft.partition)
    )
    assert limits == ()


def test_only_areas_that_touch_can_be_joined(draft):
    assert draft.destinations(CODES[0]) == []
    assert draft.destinations(CODES[1]) == [1]
    with pytest.raises(InputError, match="must touch"):
        draft.move(CODES[0], 1)
    with pytest.raises(InputError, match="must touch"):
        draft.move(CODES[1], 7)
    with pytest.raises(UnknownNameError, match="municipality"):
        draft.move("999999", 1)
    assert not draft.can_undo


def test_new_areas_have_new_numbers(draft):
    draft.move(CODES[2], None)
    assert draft.areas == [0, 1, 2]
    with pytest.raises(InputError, match="its own already"):
        draft.move(CODES[2], None)
    draft.undo()
    draft.move(CODES[5], None)
    assert draft.areas == [0, 1, 3]
    assert not draft.can_redo
    draft.move(CODES[5], 1)
    assert draft.areas == [0, 1]
    assert len(draft.moved()) == 0


def test_limits_are_named():
    draft = AreaDraft(build(min_population=800, max_members=3, cannot_link=[[CODES[1], CODES[2]]]), START)
    draft.move(CODES[1], 1)
    assert draft.measures()[1].limits == ("max_members", "cannot_link")
    draft.move(CODES[4], None)
    assert draft.measures()[2].limits == ("min_population",)
    apart = AreaDraft(build(), np.array([0, 0, 0, 1, 1, 1]))
    apart.move(CODES[1], 1)
    assert apart.measures()[0].limits == ("contiguity",)
    judged = AreaDraft(build(validity=TradeOff(50, 0.6, 400, 0.75)), START)
    judged.move(CODES[1], None)
    found = judged.measures()[2]
    assert found.validity < 1
    assert found.limits == ("validity",)


def test_those_tied_together_move_together():
    draft = AreaDraft(build(must_link=[[CODES[1], CODES[4]]]), np.array([0, 0, 0, 0, 0]))
    assert draft.companions(CODES[4]).tolist() == [CODES[1]]
    draft.move(CODES[4], None)
    assert draft.moved().tolist() == [CODES[1], CODES[4]]
    fixed = AreaDraft(build(fixed=[[CODES[2]]]), np.array([0, 0, 1, 0, 0, 0]))
    assert fixed.destinations(CODES[1]) == []
    with pytest.raises(InputError, match="fixed"):
        fixed.move(CODES[2], 0)


def test_jobs_are_of_the_commuting_network_only():
    found = AreaDraft(build("schools"), START).measures()[0]
    assert np.isnan([found.employed, found.jobs, found.within, found.self_containment]).all()
    assert np.isnan(found.longest)


def test_a_way_that_is_not_known_is_counted_apart():
    minutes = MINUTES.copy()
    minutes.loc[CODES[3], CODES[0]] = np.nan
    found = AreaDraft(build(), START, minutes=minutes).measures()[0]
    assert (found.unreached, found.longest, found.farthest) == (1, 15.0, 1)


def test_reasons_have_the_numbers_of_the_draft(draft):
    draft.move(CODES[2], None)
    draft.move(CODES[4], 0)
    draft.move(CODES[5], 2)
    assert draft.areas == [0, 2]
    table = draft.reasons()
    assert table["area"].tolist() == draft.labels().tolist()
    assert set(table["second"].dropna()) <= {0, 2}
    assert draft.reasons() is table


def test_a_saved_partition_keeps_the_numbers_it_can(draft):
    draft.replace(np.array([7, 7, 3, 7, 3, 9]))
    assert draft.labels().tolist() == [0, 0, 1, 0, 1, 2]
    assert draft.moved().tolist() == [CODES[5]]
    draft.undo()
    assert len(draft.moved()) == 0


def test_a_start_needs_every_unit():
    for wrong in (START[:5], np.array([0, 0, -1, 0, 1, 1])):
        with pytest.raises(InputError, match="starts from one area"):
            AreaDraft(build(), wrong)


@given(
    st.lists(
        st.tuples(st.sampled_from(["move", "new", "undo", "redo", "reset"]), st.integers(0, 5)), max_size=25
    )
)
def test_every_step_can_be_undone_and_measured_anew(steps):
    draft = AreaDraft(build(min_population=900), START)
    course, position = [draft.partition.tolist()], 0
    for what, number in steps:
        code = CODES[number]
        before = draft.partition.tolist()
        if what == "move" and draft.destinations(code):
            draft.move(code, draft.destinations(code)[0])
        elif what == "new" and (draft.labels() == draft.labels()[code]).sum() > 1:
            draft.move(code, None)
        elif what in ("undo", "redo", "reset"):
            getattr(draft, what)()
        if what == "undo":
            position = max(position - 1, 0)
        elif what == "redo":
            position = min(position + 1, len(course) - 1)
        elif draft.partition.tolist() != before:
            course = [*course[: position + 1], draft.partition.tolist()]
            position += 1
        assert draft.partition.tolist() == course[position]
        fresh = AreaDraft(draft.problem, draft.partition).measures()
        assert [item.value for item in draft.measures().values()] == [item.value for item in fresh.values()]
        assert sum(item.members for item in draft.measures().values()) == 6
    while draft.can_undo:
        draft.undo()
    assert draft.partition.tolist() == START.tolist()
