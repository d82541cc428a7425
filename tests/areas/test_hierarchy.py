import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas import hierarchy
from diagnosis.areas.hierarchy import area_hierarchy
from diagnosis.errors import InputError, UnknownNameError

LEVELS = [
    {"min_size": 10, "min_self_containment": 0.4, "target_size": 40, "target_self_containment": 0.5},
    {"min_size": 40, "min_self_containment": 0.6, "target_size": 150, "target_self_containment": 0.75},
    {"min_size": 200, "min_self_containment": 0.7, "target_size": 600, "target_self_containment": 0.8},
]


def towns(seed, n=12):
    """Flows of `n` towns on a line that fall with distance."""
    random = np.random.default_rng(seed)
    place = np.sort(random.uniform(0, 10, n))
    size = random.lognormal(3, 1, n)
    flow = np.outer(size, size) / 20 / (1 + np.abs(np.subtract.outer(place, place))) ** 2
    origin, destination = np.divmod(np.arange(n * n), n)
    return pd.DataFrame(
        {
            "origin": [f"{i:02}" for i in origin],
            "destination": [f"{j:02}" for j in destination],
            "commuters": np.ceil(flow.ravel()).astype(int),
        }
    )


def assert_nested(table):
    for below, above in zip(table.columns, table.columns[1:], strict=False):
        known = table[table[below].notna()]
        assert (known.groupby(below)[above].nunique(dropna=False) == 1).all()


@given(st.integers(0, 10_000))
def test_levels_are_nested(seed):
    flows = towns(seed)
    table = area_hierarchy(flows, LEVELS)
    assert table.columns.tolist() == ["level_1", "level_2", "level_3"]
    assert table.index.tolist() == sorted(flows["origin"].unique())
    assert table.index.name == "code"
    assert (table.dtypes == "Int64").all()
    assert_nested(table)
    assert table.nunique().is_monotonic_decreasing


def test_groups_of_the_user_hold_at_every_level():
    table = area_hierarchy(towns(3), LEVELS, must_link=[["00", "11"]])
    assert (table.loc["00"] == table.loc["11"]).all()
    assert_nested(table)


def test_areas_below_are_given_as_groups(monkeypatch):
    asked = []

    class Fake:
        def __init__(self, *, mode=None, must_link=None, contiguity=None, **level):
            self.must_link, self.contiguity, self.level = must_link, contiguity, level

        def get_params(self):
            return dict.fromkeys(hierarchy.THRESHOLDS, 1) | self.level

        def fit(self, flows, population=None, location=None):
            asked.append((self.must_link, self.contiguity, population, location))
            values = [1, 1, 2, 2, 3, None] if len(asked) == 1 else [1, 1, 1, 1, 2, None]
            self.labels_ = pd.Series(values, index=list("abcdef"), dtype="Int64", name="area")
            return self

    monkeypatch.setattr(hierarchy, "FunctionalAreas", Fake)
    table = area_hierarchy(
        None,
        [{}, {"min_size": 2}],
        population="p",
        location="l",
        contiguity="c",
        must_link=[("a", "b"), ("e", "f")],
    )
    assert asked == [
        ([["a", "b"], ["e", "f"]], "c", "p", "l"),
        ([["a", "b"], ["c", "d"]], "c", "p", "l"),
    ]
    assert table["level_2"].tolist()[:5] == [1, 1, 1, 1, 2]
    assert pd.isna(table.loc["f", "level_2"])


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([], "at least one mapping"),
        (LEVELS[0], "at least one mapping"),
        ([1000, 2000], "1000 was given"),
        ([LEVELS[0], LEVELS[0]], "from level 1 to 2 all stay the same"),
        ([*LEVELS[:2], LEVELS[1] | {"min_size": 39, "target_size": 160}], "from level 2 to 3 .* 'min_size'"),
    ],
)
def test_wrong_levels_are_told(levels, message):
    with pytest.raises(InputError, match=message):
        area_hierarchy(towns(1), levels)


def test_another_mode_is_refused():
    with pytest.raises(InputError, match="mode='istat' was given"):
        area_hierarchy(towns(1), LEVELS, mode="istat")


def test_an_unknown_threshold_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'min_size'"):
        area_hierarchy(towns(1), [{"minsize": 3}])
