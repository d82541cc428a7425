"""Moving municipalities by hand: the rule of the reference software."""

import json

import pandas as pd
import pytest

from diagnosis.areas import fine_tune
from diagnosis.errors import InputError, UnknownNameError

COLUMNS = ["origin", "destination", "commuters"]
FLOWS = pd.DataFrame(
    [
        ["a", "a", 90],
        ["b", "b", 90],
        ["c", "c", 5],
        ["c", "a", 3],
        ["c", "b", 6],
        ["b", "c", 2],
        ["d", "d", 4],
    ],
    columns=COLUMNS,
)
LABELS = pd.Series({"a": 1, "b": 2, "c": 1, "d": 3})


def test_reference_regions(oracles, mirror):
    tuned_cases = 0
    for path in sorted((oracles / "lma").glob("[BS]*.json")):
        case = json.loads(path.read_text())
        flows = pd.read_csv(mirror / f"istat/LabourMarketAreas/{case['dataset']}.csv").set_axis(
            COLUMNS, axis=1
        )
        if not case.get("fine_tuning"):
            continue
        expected = case["fine_tuning"]
        before = pd.Series({row["community"]: row["cluster"] for row in case["partition"]})
        listed = {int(code): expected["list_contiguity"][code] for code in expected["order"]}
        tuned, not_tuned = fine_tune(before, flows, listed)
        after = pd.Series({row["community"]: row["cluster"] for row in expected["partition"]})
        pd.testing.assert_series_equal(tuned.sort_index(), after.sort_index())
        left = expected["not_tuned"]
        assert [str(code) for code in not_tuned] == [
            str(code) for code in (left if isinstance(left, list) else [left])
        ]
        tuned_cases += 1
    assert tuned_cases == 6


def test_the_strongest_link_by_hand():
    tuned, left = fine_tune(LABELS, FLOWS, {"c": [1, 2]})
    assert tuned.to_dict() == {"a": 1, "b": 2, "c": 2, "d": 3}
    assert left == []
    assert LABELS["c"] == 1


def test_one_without_flows_to_its_candidates_stays():
    tuned, left = fine_tune(LABELS, FLOWS, {"d": [1, 2], "c": 2})
    assert left == ["d"]
    assert tuned.to_dict() == {"a": 1, "b": 2, "c": 2, "d": 3}


@pytest.mark.parametrize(("listed", "message"), [({"c": [9]}, "9"), ({"c": []}, "none")])
def test_candidates_must_be_areas(listed, message):
    with pytest.raises(InputError, match=message):
        fine_tune(LABELS, FLOWS, listed)


def test_unknown_code_is_answered():
    with pytest.raises(UnknownNameError, match="cc"):
        fine_tune(LABELS, FLOWS, {"cc": [1]})
