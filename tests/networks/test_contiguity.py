import geopandas as gpd
import networkx
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import translate

from diagnosis.errors import InputError
from diagnosis.networks import components, contiguity, to_graph, to_libpysal


def frame(shapes, crs="EPSG:3035"):
    codes = pd.Index(list(shapes), name="code")
    return gpd.GeoDataFrame(geometry=list(shapes.values()), index=codes, crs=crs)


def square(column, row, size=1000.0):
    return box(column * size, row * size, (column + 1) * size, (row + 1) * size)


def neighbours(pairs, code):
    return pairs.loc[pairs["code"] == code].set_index("neighbour")


def test_grid_counts_borders_and_points():
    pairs = contiguity(frame({f"{c}{r}": square(c, r) for c in range(3) for r in range(3)}))
    middle = neighbours(pairs, "11")
    assert sorted(middle.index) == ["00", "01", "02", "10", "12", "20", "21", "22"]
    assert (middle["kind"] == "border").all()
    assert middle.loc[["01", "10", "12", "21"], "shared_m"].to_list() == pytest.approx([1000] * 4, abs=3)
    assert middle.loc[["00", "02", "20", "22"], "shared_m"].max() < 10
    assert len(pairs) == 2 * (12 + 8)


@pytest.mark.parametrize("shift", [-0.8, -0.2, 0.3, 0.9])
def test_slivers_and_overlaps_do_no_harm(shift):
    pairs = contiguity(frame({"a": square(0, 0), "b": translate(square(1, 0), shift)}))
    assert pairs["kind"].to_list() == ["border", "border"]
    assert pairs["shared_m"].iloc[0] == pytest.approx(1000, abs=5)


def test_tolerance_decides():
    shapes = frame({"a": square(0, 0), "b": translate(square(1, 0), 5)})
    assert contiguity(shapes)["kind"].iloc[0] == "ferry"
    assert contiguity(shapes, tolerance=10)["kind"].iloc[0] == "border"


def test_invalid_and_multipart_polygons():
    bow_tie = Polygon([(1000, 0), (2000, 1000), (2000, 0), (1000, 1000)])
    exclave = MultiPolygon([square(5, 0), box(200, 200, 300, 300)])
    around = square(0, 0) - box(200, 200, 300, 300)
    shapes = frame({"around": around, "bow": bow_tie, "exclave": exclave, "far": square(6, 0)})
    pairs = contiguity(shapes)
    assert set(neighbours(pairs, "around").index) == {"bow", "exclave"}
    assert neighbours(pairs, "exclave").loc["around", "shared_m"] == pytest.approx(400, abs=10)
    assert set(neighbours(pairs, "far").index) == {"exclave"}


def test_ferries_join_an_archipelago_to_the_nearest_place():
    shapes = {
        "inland": square(0, 0),
        "port": square(1, 0),
        "isle": square(4, 0),
        "islet": translate(square(5, 0), 500),
        "second": translate(square(1, 9), 500),
    }
    pairs = contiguity(frame(shapes))
    ferries = {
        frozenset(row) for row in pairs.loc[pairs["kind"] == "ferry", ["code", "neighbour"]].to_numpy()
    }
    assert {"port", "isle"} in ferries
    assert {"isle", "islet"} in ferries
    assert len(ferries) == 3
    assert {"port", "second"} in ferries
    assert (pairs.loc[pairs["kind"] == "ferry", "shared_m"] == 0).all()
    assert networkx.is_connected(to_graph(pairs, shapes))


def test_one_municipality_has_no_pair():
    pairs = contiguity(frame({"a": square(0, 0)}))
    assert pairs.empty
    assert pairs.columns.to_list() == ["code", "neighbour", "kind", "shared_m"]
    assert list(to_graph(pairs, ["a"])) == ["a"]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (frame({"a": square(0, 0)}, crs="EPSG:4326"), "metric.*to_crs"),
        (frame({"a": square(0, 0)}, crs=None), "metric"),
        (frame({"a": square(0, 0), "b": Polygon()}), "polygon.*'b'"),
        (frame({"a": square(0, 0), "b": None}), "polygon.*'b'"),
        (pd.concat([frame({"a": square(0, 0)})] * 2), "unique.*'a'"),
    ],
)
def test_bad_geometry_is_named(shapes, message):
    with pytest.raises(InputError, match=message):
        contiguity(shapes)


def test_tolerance_must_be_positive():
    with pytest.raises(InputError, match="tolerance"):
        contiguity(frame({"a": square(0, 0)}), tolerance=0)


def test_pieces_of_areas():
    codes = ["a", "b", "c", "d", "e"]
    pairs = pd.DataFrame({"code": ["a", "b", "c", "d"], "neighbour": ["b", "a", "d", "c"]})
    labels = pd.Series({"a": 1, "b": 1, "c": 1, "d": 2, "x": 9})
    assert components(codes, pairs, labels).to_dict() == {1: 2, 2: 1}
    assert components(codes, pairs, labels).name == "pieces"


@given(
    cells=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12), data=st.data()
)
def test_symmetric_connected_and_blind_to_row_order(cells, data):
    shapes = frame({f"{c}{r}": square(c, r) for c, r in cells})
    pairs = contiguity(shapes)
    forth = set(zip(pairs["code"], pairs["neighbour"], strict=True))
    assert forth == {(b, a) for a, b in forth}
    assert len(forth) == len(pairs)
    assert all(a != b for a, b in forth)
    assert networkx.is_connected(to_graph(pairs, shapes.index))
    order = data.draw(st.permutations(range(len(shapes))))
    pd.testing.assert_frame_equal(contiguity(shapes.iloc[order]), pairs)


@pytest.mark.slow
def test_italy_against_a_third_party_list(italy, mirror):
    pairs = contiguity(italy)
    listed = pd.read_csv(mirror / "istat" / "contiguita_comuni_2021.csv", dtype=str)
    listed = listed.apply(lambda column: column.str.zfill(6))
    listed = listed.replace({"041033": "099030", "041060": "099031"})  # the two passed to Rimini in June 2021
    theirs = {pair for pair in zip(listed["CMN"], listed["neigh"], strict=True) if pair[0] != pair[1]}
    border = pairs[pairs["kind"] == "border"]
    ours = set(zip(border["code"], border["neighbour"], strict=True))
    assert len(ours & theirs) / len(ours) > 0.997
    assert len(ours & theirs) / len(theirs) > 0.9999
    # what only we have are true borders, not near misses
    only = border[[pair not in theirs for pair in zip(border["code"], border["neighbour"], strict=True)]]
    assert only["shared_m"].median() > 1000
    assert networkx.is_connected(to_graph(pairs, italy.index))
    ferries = {
        frozenset(pair) for pair in pairs.loc[pairs["kind"] == "ferry", ["code", "neighbour"]].to_numpy()
    }
    assert len(ferries) == 20
    assert {"080096", "083048"} in ferries  # Villa San Giovanni - Messina
    assert {"090006", "090035"} in ferries  # Arzachena - La Maddalena


def test_libpysal_weights_keep_order_and_isolates():
    pairs = pd.DataFrame({"code": ["b", "a", "b", "c"], "neighbour": ["a", "b", "c", "b"]})
    weights = to_libpysal(pairs, ["c", "a", "b", "lonely"])
    assert list(weights.unique_ids) == ["c", "a", "b", "lonely"]
    assert list(weights.isolates) == ["lonely"]
    assert sorted(weights["b"].index) == ["a", "c"]
    assert weights.n_edges == 4
