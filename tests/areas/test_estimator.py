import pandas as pd
import pytest

from diagnosis.areas import FunctionalAreas
from diagnosis.errors import UnknownNameError


def test_parameters_are_stored_as_given_and_cloned():
    from sklearn.base import clone

    model = FunctionalAreas(min_size=50, target_size=100)
    assert model.get_params() == {
        "min_size": 50,
        "min_self_containment": 0.60,
        "target_size": 100,
        "target_self_containment": 0.75,
        "mode": "istat",
        "contiguity": None,
        "within": None,
        "must_link": None,
        "cannot_link": None,
        "random_state": None,
    }
    twin = clone(model)
    assert twin is not model
    assert twin.get_params() == model.get_params()


def test_repr_shows_what_was_changed():
    assert repr(FunctionalAreas()) == "FunctionalAreas()"
    pairs = pd.DataFrame({"code": ["a"], "neighbour": ["b"]})
    assert (
        repr(FunctionalAreas(contiguity=pairs)) == "FunctionalAreas(contiguity=<DataFrame of shape (1, 2)>)"
    )
    assert repr(FunctionalAreas(min_size=50, mode="x")) == "FunctionalAreas(min_size=50, mode='x')"


def test_set_params_changes_all_or_nothing():
    model = FunctionalAreas()
    assert model.set_params(min_size=2) is model
    with pytest.raises(UnknownNameError, match="Did you mean 'target_size'"):
        model.set_params(min_size=3, target_sise=9)
    assert model.min_size == 2


def test_constructor_takes_keywords_only():
    with pytest.raises(TypeError):
        FunctionalAreas(1000)
