import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from diagnosis.areas import area_quality, modularity
from diagnosis.areas.structure import area_structure
from diagnosis.errors import InputError

FLOWS = pd.DataFrame(
    [
        *(["a", "a", 10], ["a", "b", 2]),
        *(["b", "a", 300], ["b", "b", 8], ["b", "c", 4]),
        *(["c", "c", 6], ["c", "a", 1], ["c", "x", 5]),
    ],
    columns=["origin", "destination", "commuters"],
)
LABELS = pd.Series([2, 2, 1, 1, None], index=list("abcdx"), dtype="Int64")


def test_by_hand():
    table = area_quality(
        LABELS,
        FLOWS,
        population=pd.Series({"a": 9000, "b": 400, "c": 100}),
        contiguity=pd.DataFrame({"code": ["a", "b", "c"], "neighbour": ["c", "b", "a"], "kind": "land"}),
        municipalities=pd.DataFrame({"name": ["Alba", "Bra"], "area_km2": [2.0, 3.0]}, index=["a", "b"]),
        parameters={
            "min_size": 100,
            "min_self_containment": 0.6,
            "target_size": 300,
            "target_self_containment": 0.75,
        },
    )
    assert table.index.tolist() == [1, 2]
    two = table.loc[2]
    assert (two["name"], two["municipalities"], two["area_km2"]) == ("Alba", 2, 5)
    assert (two["employed_residents"], two["jobs"], two["internal_commuters"]) == (324, 321, 320)
    assert two["supply_self_containment"] == 320 / 324
    assert two["demand_self_containment"] == 320 / 321
    assert two["validity"] == 1.25
    assert two["commuter_ratio"] == 5 / 640
    assert two["home_work_ratio"] == 3 / 320
    assert two["internal_cohesion_links"] == 1
    assert two["internal_cohesion_flows"] == 100 * 302 / 320
    assert two["central_municipalities"] == 1
    assert (two["links_in"], two["links_out"]) == (2, 2)
    assert (two["population"], two["small_municipalities_share"], two["n_pieces"]) == (9400, 0.5, 2)
    one = table.loc[1]  # c, and d which has no flow
    assert (one["name"], one["municipalities"], one["employed_residents"], one["jobs"]) == ("c", 2, 12, 10)
    assert np.isnan(one["internal_cohesion_links"])
    assert np.isnan(one["internal_cohesion_flows"])
    assert (one["municipalities_without_population"], one["n_pieces"]) == (1, 2)
    assert np.isnan(one["area_km2"])


def test_structure_is_part_of_the_quality():
    table = area_quality(LABELS, FLOWS, municipalities=pd.DataFrame({"name": ["Alba"]}, index=["a"]))
    expected = area_structure(LABELS, FLOWS)
    pd.testing.assert_frame_equal(table[expected.columns], expected)
    assert table["centre"].tolist() == ["c", "a"]
    assert table["name"].tolist() == ["c", "Alba"]


@pytest.mark.parametrize("shared", [True, False])
def test_polygons_add_the_shape(shared):
    ground = gpd.GeoDataFrame(
        {"name": list("ABCD")},
        geometry=[shapely.box(x, 0, x + 1000, 1000) for x in (0, 1000, 5000, 9000)],
        index=list("abcd"),
        crs="EPSG:3035",
    )
    borders = pd.DataFrame({"code": ["a", "b"], "neighbour": ["b", "a"], "shared_m": 1000.0})
    table = area_quality(
        LABELS,
        FLOWS,
        municipalities=ground,
        contiguity=borders if shared else borders.drop(columns="shared_m"),
    )
    two = table.loc[2]
    assert (two["area_km2"], two["convex_hull_ratio"], two["largest_distance_km"]) == (2, 1, 1)
    assert two["polsby_popper"] == pytest.approx(4 * np.pi * 2 / 36)
    assert (table.loc[1, "n_pieces"], table.loc[1, "largest_distance_km"]) == (2, 4)
    listed = area_quality(LABELS, FLOWS, municipalities=ground.assign(area_km2=7.0))
    assert listed["area_km2"].tolist() == [14, 14]  # a given area is not replaced by that of the polygons


def test_modularity_by_hand():
    total = 336
    expected = 320 / total - 324 * 321 / total**2 + 6 / total - 12 * 10 / total**2
    assert modularity(LABELS, FLOWS) == pytest.approx(expected)


def test_an_area_without_flows_has_missing_ratios():
    labels = pd.Series(["A", "B", "B"], index=["a", "z", "y"])
    table = area_quality(labels, FLOWS)
    assert table.loc["B", "municipalities"] == 2
    assert table.loc["B", "name"] == "y"
    assert table.loc["B", ["supply_self_containment", "commuter_ratio"]].isna().all()


def test_wrong_labels_are_told():
    with pytest.raises(InputError, match="codes must be those of the flows"):
        area_quality(LABELS.rename(str.upper), FLOWS)
    with pytest.raises(InputError, match="repeated"):
        modularity(pd.Series([1, 2], index=["a", "a"]), FLOWS)
    with pytest.raises(InputError, match="dict was given"):
        modularity({}, FLOWS)
    with pytest.raises(InputError, match="missing: 'neighbour'"):
        area_quality(LABELS, FLOWS, contiguity=pd.DataFrame({"code": ["a"]}))


def test_reference_partitions_changed_by_hand(oracles, mirror):
    """The reference software moved single municipalities: margins and modularity of any partition."""
    checked = 0
    for path in sorted((oracles / "lma").glob("[BS]*.json")):
        case = json.loads(path.read_text())
        flows = pd.read_csv(mirror / f"istat/LabourMarketAreas/{case['dataset']}.csv")
        flows.columns = ["origin", "destination", "commuters"]
        for change in (case["assign_single"], case.get("fine_tuning")):
            if change is None:
                continue
            labels = pd.DataFrame(change["partition"]).set_index("community")["cluster"]
            expected = pd.DataFrame(change["marginals"]).set_index("cluster").sort_index()
            table = area_quality(labels, flows)
            assert table["employed_residents"].to_dict() == expected["amount_live"].to_dict()
            assert table["jobs"].to_dict() == expected["amount_work"].to_dict()
            assert modularity(labels, flows) == pytest.approx(change["q_modularity"], abs=1e-9)
            checked += 1
    assert checked == 13
