"""Infeasible problems: which constraints, which municipalities, and the nearest relaxation."""

import re

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.infeasibility import Infeasibility, explain_infeasibility
from diagnosis.areas.governance.infeasibility_words import (
    DROPPED,
    JOINTS,
    LIMITS,
    ONE,
    PAIR,
    PARAMETERS,
    SENTENCES,
    WITHOUT,
    loosened,
)
from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.governance.search import search_areas
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import UnknownNameError


def chain(population, pairs=None, internal=50.0, **limits) -> AreaProblem:
    """Municipalities in a row that exchange 10 commuters with each neighbour."""
    codes = [f"{i:06d}" for i in range(len(population))]
    pairs = [(i, i + 1) for i in range(len(codes) - 1)] if pairs is None else pairs
    rows = [(codes[i], codes[i], internal) for i in range(len(codes))]
    rows += [(codes[i], codes[j], 10.0) for i, j in pairs] + [(codes[j], codes[i], 10.0) for i, j in pairs]
    flows = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    contiguity = pd.DataFrame([(codes[i], codes[j]) for i, j in pairs], columns=["code", "neighbour"])
    return AreaProblem.from_tables(
        pd.Series(np.asarray(population, dtype=float), index=codes),
        {"work": FlowLayer(flows)},
        contiguity,
        AreaConstraints(**limits),
    )


def test_a_feasible_problem_has_nothing_to_explain():
    assert explain_infeasibility(chain([100] * 6, min_population=200)) is None


def test_an_island_with_too_few_people_is_named_with_its_limit():
    problem = chain([500, 500, 500, 80], pairs=[(0, 1), (1, 2)], min_population=400)
    found = explain_infeasibility(problem)
    assert found is not None
    assert found.proven
    assert found.constraints == ("min_population",)
    assert found.municipalities.tolist() == ["000003"]
    assert found.relaxations == {"min_population": 80.0}
    message = str(found.error())
    assert "000003" in message
    assert "min_population 400" in message
    assert "min_population at 80" in message


def test_population_against_members_is_proven_and_each_can_give_way():
    problem = chain([10, 10, 10, 10, 1000, 1000], min_population=100, max_members=3)
    found = explain_infeasibility(problem)
    assert found is not None
    assert found.proven
    assert set(found.constraints) == {"min_population", "max_members"}
    assert found.municipalities.tolist() == ["000000"]
    # {0 1 2} {3 4 5}: thirty residents; five members reach the first large municipality
    assert found.relaxations == {"min_population": 30.0, "max_members": 5}


def test_relaxed_limits_are_feasible():
    problem = chain([10, 10, 10, 10, 1000, 1000], min_population=30, max_members=3)
    assert search_areas(problem, rounds=100).feasible
    assert explain_infeasibility(problem) is None


def test_links_that_isolate_a_municipality_are_named():
    problem = chain(
        [10, 100, 100, 100], min_population=50, cannot_link=[["000000", "000001"], ["000002", "000003"]]
    )
    found = explain_infeasibility(problem)
    assert found is not None
    assert set(found.constraints) == {"min_population", "cannot_link 000000 000001"}
    assert found.municipalities.tolist() == ["000000"]
    assert found.relaxations == {"min_population": 10.0, "cannot_link 000000 000001": "dropped"}
    assert "cannot_link 000000 000001 dropped" in str(found.error())


def test_validity_that_no_area_reaches_is_relaxed_by_a_factor():
    # All of the row together: 200 internal and 60 exchanged commuters, all stay; no division is needed.
    problem = chain([100] * 4, max_members=2, validity=TradeOff(10, 0.95, 100, 0.99))
    found = explain_infeasibility(problem)
    assert found is not None
    assert set(found.constraints) == {"max_members", "validity"}
    assert found.relaxations["max_members"] == 4
    factor = found.relaxations["validity"]
    assert 0.8 < factor < 1.0
    eased = chain([100] * 4, max_members=2, validity=TradeOff(10, 0.95 * factor, 100, 0.99 * factor))
    assert search_areas(eased, rounds=100).feasible
    with pytest.raises(type(found.error()), match="self-containment"):
        raise found.error()


def minutes_between(codes, step=10.0):
    place = np.arange(len(codes))
    return pd.DataFrame(step * np.abs(place[:, None] - place), index=codes, columns=codes)


def test_minutes_that_are_too_few_are_raised_to_those_that_are_needed():
    codes = [f"{i:06d}" for i in range(5)]
    problem = chain([100] * 5, min_members=5, minutes=minutes_between(codes), max_minutes=15)
    found = explain_infeasibility(problem)
    assert found is not None
    assert set(found.constraints) == {"min_members", "max_minutes"}
    assert found.limits["max_minutes"] == 15
    # Equal jobs inside the row, fewer at its ends: the centre is the first of the middle ones.
    assert found.relaxations["max_minutes"] == 30
    assert found.relaxations["min_members"] >= 1
    eased = chain([100] * 5, min_members=5, minutes=minutes_between(codes), max_minutes=30)
    assert explain_infeasibility(eased) is None
    assert "al massimo 30 minuti dal centro dell'ambito" in found.sentence()


def test_ways_nobody_knows_are_no_value_to_offer():
    codes = [f"{i:06d}" for i in range(4)]
    minutes = minutes_between(codes)
    minutes.loc["000003"] = minutes["000003"] = np.inf
    found = explain_infeasibility(
        chain([100, 100, 100, 10], min_population=50, minutes=minutes, max_minutes=40)
    )
    assert found is not None
    assert found.municipalities.tolist() == ["000003"]
    assert found.relaxations == {"min_population": 10.0, "max_minutes": DROPPED}
    assert "max_minutes dropped" in str(found.error())
    assert found.sentence("en").endswith("at least 10 residents in an area; or no limit of minutes.")
    # Here the limit only has to reach the way to the nearest of the others.
    minutes.loc["000003", "000002"] = minutes.loc["000002", "000003"] = 55.0
    found = explain_infeasibility(
        chain([100, 100, 100, 10], min_population=50, minutes=minutes, max_minutes=40)
    )
    assert found is not None
    assert found.relaxations["max_minutes"] == 55


def test_a_sentence_says_what_where_and_what_would_do():
    problem = chain([10, 10, 10, 10, 1000, 1000], min_population=100, max_members=3)
    found = explain_infeasibility(problem)
    assert found is not None
    assert found.sentence("it", {"000000": "Avola"}) == (
        "Per Avola non si possono rispettare insieme questi limiti: almeno 100 residenti per ambito; al massimo "
        "3 comuni per ambito. In questa parte del territorio basterebbe uno solo di questi cambiamenti: almeno 30 "
        "residenti per ambito; oppure al massimo 5 comuni per ambito."
    )
    assert found.sentence("en", pd.Series({"000001": "Noto"})) == (
        "For 000000 these limits cannot be kept together: at least 100 residents in an area; at most 3 municipalities "
        "in an area. In this part of the territory any one of these changes would be enough: at least 30 residents in "
        "an area; or at most 5 municipalities in an area."
    )
    with pytest.raises(UnknownNameError, match="language"):
        found.sentence("de")


def told(language="it", *, proven=True, municipalities=("1",), relaxations=None, **limits):
    names = tuple(limits)
    kept = {name: value for name, value in limits.items() if not name.startswith("cannot_link")}
    return Infeasibility(names, pd.Index(list(municipalities)), kept, relaxations or {}, proven).sentence(
        language
    )


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (told(min_population=1e4, relaxations={"min_population": 4312.7}), "almeno 4.312 residenti"),
        (
            told(min_population=1e4, relaxations={"min_population": 0.0}),
            "cambiamento: nessuna popolazione minima.",
        ),
        (told(min_members=3, relaxations={"min_members": 1}), "nessun numero minimo di comuni"),
        (told(max_members=1), "questo limite: ambiti di un solo comune. Allentare soltanto questo"),
        (told(max_minutes=22.5, relaxations={"max_minutes": 30.01}), "al massimo 22,5 minuti dal centro"),
        (told(max_minutes=22.5, relaxations={"max_minutes": 30.01}), "al massimo 31 minuti dal centro"),
        (
            told(validity=(1000, 0.6, 10000, 0.75), relaxations={"validity": 0.9}),
            "il 54\xa0% negli ambiti con 10.000 occupati residenti o più, del 67,5\xa0% in quelli che ne hanno 1.000.",
        ),
        (
            told("en", validity=(1000, 0.6, 10000, 0.75), relaxations={"validity": (0.5,)}),
            "at least 30% in areas of 5,000 employed residents or more, of 37.5% in those of 500.",
        ),
        (
            told("en", proven=False, max_members=2, min_members=2),
            "a search has found no areas that keep these",
        ),
        (told("en", max_members=2, min_members=2), "more than one has to be relaxed."),
        (told(municipalities="abcdef", max_members=2), "Per a, b, c, d, e e un altro comune non"),
        (
            told("en", municipalities=list(range(1205)), max_members=2),
            "3, 4 and 1,200 more municipalities this",
        ),
        (told(municipalities="ab", max_members=2), "Per a e b non"),
        (
            told(
                municipalities="ab",
                min_population=9,
                **{"cannot_link 1 2": None},
                relaxations={"cannot_link 1 2": DROPPED},
            ),
            "1 e 2 in ambiti diversi. In questa parte del territorio basterebbe questo cambiamento: 1 e 2 anche nello",
        ),
    ],
)
def test_numbers_and_names_are_written_as_the_language_does(sentence, words):
    assert words in sentence


def test_both_languages_have_the_same_words_with_the_same_places():
    for table in (LIMITS, ONE, WITHOUT, SENTENCES, JOINTS):
        assert table["it"].keys() == table["en"].keys()
        for name, text in table["it"].items():
            other = table["en"][name]
            assert sorted(re.findall(r"{\w*}", text)) == sorted(re.findall(r"{\w*}", other))
    assert {*PARAMETERS, PAIR} == LIMITS["it"].keys() == WITHOUT["it"].keys()


def test_what_is_offered_is_never_harder_than_what_was_found():
    assert loosened("min_population", 80.9) == 80
    assert loosened("max_minutes", 30.01) == 31
    assert loosened("validity", 0.98765) == 0.9876
    assert loosened("validity", (0.5,)) == (0.5,)
    assert loosened("max_minutes", DROPPED) == DROPPED


def test_only_the_part_of_the_territory_that_cannot_be_divided_is_named():
    problem = chain([500, 500, 500, 80, 90, 100], pairs=[(0, 1), (1, 2), (3, 4), (4, 5)], min_population=400)
    found = explain_infeasibility(problem)
    assert found is not None
    assert found.municipalities.tolist() == ["000003", "000004", "000005"]
    assert found.relaxations == {"min_population": 270.0}
