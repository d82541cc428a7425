"""Errors say what must hold, what was found, what to do; and survive the way between processes."""

import pickle

import pytest

from diagnosis import errors
from diagnosis.errors import DiagnosisError, InputError, UnknownNameError, examples, unknown_name

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DiagnosisError)
]


def test_three_parts_become_sentences():
    error = InputError("codes must be known", "'1' is not.", "Look it up!")
    assert str(error) == "codes must be known. '1' is not. Look it up!"
    assert str(InputError("codes must be known")) == "codes must be known."


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_error_crosses_a_process_boundary(kind):
    copy = pickle.loads(pickle.dumps(kind("a rule", "a finding", "an advice")))
    assert type(copy) is kind
    assert (copy.must_hold, copy.found, copy.to_do) == ("a rule", "a finding", "an advice")
    assert str(copy) == "a rule. a finding. an advice."


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        (["a", "b"], "'a', 'b'"),
        ((number for number in range(5)), "0, 1, 2, 3, 4"),
        (range(7), "0, 1, 2, 3, 4 and 2 more"),
    ],
)
def test_at_most_five_examples(values, text):
    assert examples(values) == text


def test_unknown_name_names_the_nearest_whatever_the_case():
    error = unknown_name("The city", "SIRACUSSA", ["siracusa", "siena"])
    assert isinstance(error, UnknownNameError)
    assert isinstance(error, KeyError)
    assert "'SIRACUSSA' was given. Did you mean 'siracusa'?" in str(error)


def test_unknown_name_lists_a_hundred_at_most():
    message = str(unknown_name("unit", "?", [f"{code:06d}" for code in range(7904)]))
    assert message.endswith("000099 and 7804 more.")


def test_unknown_name_without_a_near_one_lists_all():
    assert str(unknown_name("The city", 7, ["b", "a"])).endswith("Choose one of: a, b.")
