import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.core import core_and_rim
from diagnosis.areas.governance.practicability import practicability
from diagnosis.errors import InputError, UnknownNameError

CODES = list("abcdef")
LABELS = pd.Series([1, 1, 1, 2, 2, None], index=CODES)
POPULATION = pd.Series([9000, 4000, 2000, 6000, 5000, 100], index=CODES)


def test_areas_are_described():
    table = practicability(
        LABELS,
        POPULATION,
        mountain=pd.Series({"b": True, "c": True}),
        borders={"province": pd.Series(list("xxyyyy"), index=CODES)},
        groups=[
            pd.DataFrame({"code": ["a", "b", "d"], "group": ["u", "u", "u"]}),
            pd.DataFrame({"code": ["d", "e", "a", "b"], "group": ["v", "v", "u", "u"]}),
        ],
    )
    assert table.loc[1].to_dict() == {
        "members": 3, "population": 15000, "small_members": 1, "small_share": pytest.approx(1 / 3),
        "small_residents_share": pytest.approx(2000 / 15000), "reaches_association": True, "province_crossed": 1,
        "ties_kept": 1, "ties": 3,
    }  # fmt: skip
    # e has 5,000 residents and lies at the threshold; d-e is kept, a-d and b-d are not.
    assert table.loc[2, ["small_members", "reaches_association", "ties_kept", "ties"]].tolist() == [
        1,
        True,
        1,
        3,
    ]


def test_a_member_without_residents_leaves_the_sum_missing():
    table = practicability(LABELS, POPULATION.drop("c"))
    assert np.isnan(table.at[1, "population"])
    assert not table.at[1, "reaches_association"]
    with pytest.raises(InputError, match="repeated"):
        practicability(pd.concat([LABELS, LABELS]), POPULATION)


def test_core_is_with_its_centre_in_every_function():
    labels = pd.DataFrame({"plan": LABELS, "waste": [7, 7, 8, 8, 8, 8], "school": [1, 1, 2, 3, None, 3]})
    found = core_and_rim(labels, pd.Series({1: "a", 2: "d"}))
    assert found["core"].tolist() == [True, True, False, True, True, False]
    assert found["with_centre"].tolist() == [3, 3, 1, 3, 2, 0]
    assert found["compared"].tolist() == [3, 3, 3, 3, 2, 0]
    assert found.at["c", "elsewhere"] == "waste school"
    with pytest.raises(UnknownNameError, match="plan"):
        core_and_rim(labels, pd.Series({1: "a", 2: "d"}), "plans")
    with pytest.raises(InputError, match="centre"):
        core_and_rim(labels, pd.Series({1: "a"}))
