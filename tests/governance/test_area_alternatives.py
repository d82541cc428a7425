from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.problem import AreaProblem, FlowLayer
from diagnosis.config import load_city
from diagnosis.errors import InputError
from diagnosis.functions import load_functions
from diagnosis.governance import alternatives
from diagnosis.governance.alternatives import (
    draw_alternatives,
    draw_best,
    internal_share,
    longest_ways,
    place_units,
    smallest_population,
)
from diagnosis.governance.layers import existing_groups, published_groups
from diagnosis.governance.subject import balance_layers, build_subject
from diagnosis.national.shared import load_national
from diagnosis.territory import load_country, load_territory


@pytest.fixture(scope="module")
def subject(example_settings):
    city = load_city("example")
    country = load_country(example_settings, city.data)
    territory = load_territory(city, example_settings, country)
    return build_subject(
        territory, load_national(country, example_settings), load_functions()["strategic_planning"]
    )


def asking(subject, **changes):
    return replace(subject, function=subject.function.model_copy(update=changes))


def test_one_number_is_proposed_and_it_is_on_the_front(subject):
    found = draw_alternatives(subject)
    assert found.curve["chosen"].sum() == found.curve["best"].sum() == 1
    assert found.curve.at[found.chosen, "front"]
    assert found.curve.at[found.chosen, "value"] >= 0.95 * found.curve["value"].max()
    assert (found.curve["gap"] == 0).all()  # so few municipalities are proven
    assert found.labels[found.chosen].nunique() == found.chosen
    assert np.array_equal(found.partition[subject.problem.unit_of] + 1, found.labels[found.chosen])
    assert found.reason == ("interaction" if found.chosen == found.best else "internal_share")


def test_the_number_a_function_names_is_taken(subject):
    curve = draw_alternatives(subject).curve
    for n_areas in curve.index:
        found = draw_alternatives(asking(subject, n_areas=int(n_areas)))
        assert (found.chosen, found.reason) == (n_areas, "given")
    with pytest.raises(InputError, match="99 was given, found were 1, 2"):
        draw_alternatives(asking(subject, n_areas=99))
    assert draw_best(asking(subject, n_areas=1)).labels[1].nunique() == 1


def test_a_searched_function_is_not_called_proven(subject, monkeypatch):
    proven = draw_best(subject)
    monkeypatch.setattr(alternatives, "PROVEN_UNITS", 3)
    searched = draw_best(subject)
    assert proven.curve["status"].tolist() == ["optimal"]
    assert searched.curve["status"].tolist() == ["no bound"]
    assert searched.curve["bound"].tolist() == [np.inf]
    assert searched.curve["value"].iloc[0] == pytest.approx(proven.curve["value"].iloc[0])
    common = ["internal_share", "smallest_population", "longest_minutes"]
    pd.testing.assert_frame_equal(searched.curve[common], proven.curve[common])
    pd.testing.assert_frame_equal(searched.labels, proven.labels)


def test_limits_nobody_can_keep_are_explained(subject, monkeypatch):
    monkeypatch.setattr(alternatives, "PROVEN_UNITS", 3)
    impossible = replace(subject, problem=replace(subject.problem, min_population=1e9))
    with pytest.raises(InputError, match="limits must be found"):
        draw_best(impossible)


def test_longest_ways_are_those_to_the_centre(subject):
    found = draw_best(asking(subject, n_areas=1))
    ways = longest_ways(subject, found.partition)
    centre = subject.codes[subject.problem.work[0].argmax()]
    assert ways.at[1, "minutes"] == subject.minutes[centre].max()
    assert ways.at[1, "farthest"] == subject.minutes[centre].idxmax()
    unknown = replace(subject, minutes=subject.minutes * np.nan)
    assert np.isnan(longest_ways(unknown, found.partition).at[1, "minutes"])


def test_the_share_inside_counts_those_who_leave_the_study_set():
    flows = pd.DataFrame(
        {"origin": list("aabbz"), "destination": list("abbza"), "commuters": [10, 20, 30, 40, 99]}
    )
    labels = pd.Series([1, 1], index=list("ab"))
    assert internal_share(flows, labels) == pytest.approx(60 / 100)
    assert internal_share(flows, pd.Series([1, 2], index=list("ab"))) == pytest.approx(40 / 100)
    assert np.isnan(internal_share(flows.iloc[:0], labels))


def test_an_area_without_residents_on_record_is_not_the_smallest(subject):
    labels = pd.Series(1, index=subject.codes)
    labels.iloc[0] = 2
    partition = place_units(subject.problem, labels)
    population = subject.problem.population.copy()
    assert smallest_population(subject.problem, partition) == min(population[0], population[1:].sum())
    population[0] = 0.0
    assert smallest_population(replace(subject.problem, population=population), partition) == population.sum()


def test_units_get_the_area_of_their_municipalities(subject):
    labels = pd.Series(range(1, len(subject.codes) + 1), index=subject.codes)
    assert np.array_equal(place_units(subject.problem, labels), np.arange(len(subject.codes)))


def test_weights_of_several_layers_are_shares_of_what_their_pairs_are_worth():
    flows = pd.DataFrame({"origin": list("ab"), "destination": list("ba"), "commuters": [10.0, 0.0]})
    strong = pd.DataFrame({"origin": list("ab"), "destination": list("ba"), "commuters": [5.0, 5.0]})
    population = pd.Series([1.0, 1.0], index=list("ab"))
    pairs = pd.DataFrame({"code": ["a", "b"], "neighbour": ["b", "a"]})
    margins = pd.DataFrame({"resident": [20.0, 5.0], "work": [5.0, 40.0]}, index=list("ab"))
    layers = {"weak": FlowLayer(flows, 2.0, margins), "strong": FlowLayer(strong, 3.0)}
    problem = balance_layers(AreaProblem.from_tables(population, layers, pairs))
    # weak: 10^2 / (20 * 40), at both ends; strong: everybody moves, 5^2 / (5 * 5) twice at both ends
    assert problem.layer_weights.tolist() == pytest.approx([2.0 / (2 * 100 / 800), 3.0 / 4.0])
    single = AreaProblem.from_tables(population, {"weak": FlowLayer(flows, 2.0)}, pairs)
    assert balance_layers(single).layer_weights.tolist() == [2.0]


def test_published_cooperation_counts(mirror, tmp_path):
    from diagnosis.config import default_settings

    country = load_country(default_settings(tmp_path, mirror=mirror))
    found = published_groups(country)
    assert set(found) == {"energy_alliances", "snai_2021"}
    assert found["energy_alliances"]["code"].isin(country.municipalities.index).mean() > 0.9
    codes = found["snai_2021"].query("group == 'Valsesia'")["code"]
    kept = existing_groups(country, pd.Index(codes[:2]))
    assert any(set(codes) == set(table.loc[table["group"] == "Valsesia", "code"]) for table in kept)
