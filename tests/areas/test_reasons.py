import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.functional import FunctionalAreas
from diagnosis.areas.labour_market import TradeOff
from diagnosis.areas.reason_texts import FRAGMENTS, SENTENCES
from diagnosis.areas.reasons import RULES, explain_membership
from diagnosis.errors import InputError, UnknownNameError

FLOWS = pd.DataFrame(
    [
        *(["a", "a", 60], ["a", "b", 10], ["a", "c", 5]),
        *(["b", "b", 20], ["b", "a", 30]),
        *(["c", "c", 40], ["c", "b", 10], ["c", "d", 10]),
        *(["d", "d", 30], ["d", "c", 20]),
        *(["e", "e", 9], ["e", "a", 1], ["x", "e", 4]),
    ],
    columns=["origin", "destination", "commuters"],
)
LABELS = pd.Series([1, 1, 2, 2, None, None], index=["a", "b", "c", "d", "e", "g"], dtype="Int64")
PARAMETERS = {
    "min_size": 50,
    "min_self_containment": 0.6,
    "target_size": 200,
    "target_self_containment": 0.75,
}
NAMES = {"a": "Alba", "b": "Bra", "c": "Ceva", "d": "Dogliani", "e": "Elva", "g": "Garessio"}
NEAR = pd.DataFrame({"code": ["a", "b", "c"], "neighbour": ["b", "c", "d"]})


def explain(code, labels=LABELS, **options):
    return explain_membership(code, labels, FLOWS, PARAMETERS, names=NAMES, **options)


def history(*rows):
    return pd.DataFrame(rows, columns=["code", "rule", "from_area", "to_area"], dtype="str")


def test_table_by_hand():
    explanation = explain("b", contiguity=NEAR)
    assert (explanation.code, explanation.area, explanation.rule) == ("b", 1, "strongest_link")
    table = explanation.table
    assert table.index.tolist() == [1, 2]
    assert table.index.name == "area"
    assert table["name"].tolist() == ["Alba", "Ceva"]
    assert table["own"].tolist() == [True, False]
    assert table["touches"].tolist() == [True, True]
    assert table["commuters_to"].tolist() == [30, 0]
    assert table["commuters_from"].tolist() == [10, 10]
    validity = TradeOff(**PARAMETERS).validity
    own, other = table.iloc[0], table.iloc[1]
    assert own["validity_now"] == own["validity_with"] == validity(125, 131, 120)
    assert own["validity_without"] == validity(75, 91, 60)
    assert own["self_containment_without"] == 60 / 91
    assert other["validity_now"] == other["validity_without"] == validity(110, 105, 100)
    assert other["validity_with"] == validity(160, 145, 130)
    assert other["self_containment_with"] == 130 / 160
    assert dataclasses.is_dataclass(explanation)
    with pytest.raises(dataclasses.FrozenInstanceError):
        explanation.rule = "other"


def test_the_sentence_of_the_strongest_link():
    explanation = explain("b")
    assert explanation.sentence() == (
        "Fuori dal comune Bra ha il legame più forte con l'ambito di Alba: 60 residenti occupati su 100 lavorano "
        "negli altri comuni "
        "dell'ambito, da cui arrivano 25 su 100 di quanti lavorano nel comune; il legame è oltre 10 volte quello con "
        "l'ambito di Ceva."
    )
    assert explanation.sentence("en") == (
        "Outside the municipality Bra is linked most with the area of Alba: 60 of every 100 employed residents "
        "work in the other "
        "municipalities of the area, where 25 of every 100 people who work in the municipality live; the link is "
        "more than 10 times that with the area of Ceva."
    )
    centre = explain("c")
    assert centre.sentence().startswith(
        "Fuori dal comune Ceva ha il legame più forte con gli altri comuni del suo ambito: 17 residenti"
    )
    assert "comuni confinanti" not in centre.sentence()
    assert explain("a", contiguity=NEAR).sentence("en").endswith("; it borders on no other area.")
    with pytest.raises(UnknownNameError, match="'fr' was given"):
        explanation.sentence("fr")


def test_alone_and_without_area():
    labels = pd.Series([1, 2, 2, 2], index=list("abcd"))
    alone = explain("a", labels)
    assert alone.rule == "founder"
    assert alone.sentence() == "Alba forma da sé un ambito: 80 residenti occupati su 100 lavorano nel comune."
    assert np.isnan(alone.table.loc[1, "validity_without"])
    assert np.isnan(alone.table.loc[1, "link"])
    lost = explain("e")
    assert (lost.area, lost.rule) == (None, "no_area")
    assert lost.sentence() == "Elva non è in alcun ambito; il legame più forte è quello con l'ambito di Alba."
    nowhere = explain("g")
    assert nowhere.rule == "no_area"
    assert nowhere.table.empty
    assert nowhere.sentence("en") == "Garessio is in no area and exchanges commuters with none."


MOVED = LABELS.where(LABELS.index != "b", 2)
"""The partition with b where its weaker link is."""


def test_another_partition_is_not_explained_by_links():
    explanation = explain(
        "b", MOVED, contiguity=pd.concat([NEAR, pd.DataFrame([["b", "d"]], columns=NEAR.columns)])
    )
    # area 1 is then a alone: with b it would gain, and it touches b
    assert explanation.rule == "other"
    assert explanation.sentence() == (
        "Il solo pendolarismo non spiega perché Bra sia nell'ambito di Ceva: 0 residenti occupati su 100 lavorano "
        "negli altri comuni dell'ambito, da cui arrivano 25 su 100 di quanti lavorano nel comune; ad ambiti "
        "definiti il legame con l'ambito di Alba è più forte."
    )


def test_a_stronger_link_with_an_area_that_does_not_touch():
    apart = pd.DataFrame({"code": ["b", "b", "a"], "neighbour": ["c", "e", "d"]})
    labels = MOVED.where(MOVED.index != "e", 3)
    explanation = explain("b", labels, contiguity=apart)
    assert explanation.rule == "stronger_link_refused"
    assert explanation.sentence().startswith(
        "Bra ha il legame più forte con l'ambito di Alba, ma non vi confina; è nell'ambito di Ceva: "
    )
    only = explain("b", MOVED, contiguity=apart)
    assert only.rule == "only_neighbour"
    assert only.sentence("en").startswith("Bra borders only on municipalities of the area of Ceva: ")


def test_a_stronger_link_with_an_area_that_would_lose_validity():
    flows = pd.DataFrame(
        [["m", "m", 1000], ["n", "m", 300], ["n", "n", 100], ["n", "q", 500], ["q", "q", 5000]],
        columns=["origin", "destination", "commuters"],
    )
    labels = pd.Series([1, 2, 2], index=list("mnq"))
    explanation = explain_membership("n", labels, flows, PARAMETERS)
    assert explanation.table.index[0] == 1
    assert explanation.table.loc[1, "validity_with"] < explanation.table.loc[1, "validity_without"]
    assert explanation.rule == "stronger_link_refused"
    before, after = (f"{explanation.table.loc[1, f'validity_{name}']:.2f}" for name in ("without", "with"))
    assert f"(from {before} to {after}; the minimum is 1)" in explanation.sentence("en")
    assert (
        f"(da {before.replace('.', ',')} a {after.replace('.', ',')}; il minimo è 1)"
        in explanation.sentence()
    )


def test_rules_from_the_history():
    steps = history(
        ["a", "refused", "a", None],
        ["b", "joined", "b", "c"],
        ["d", "joined", "d", "c"],
        ["a", "placed", None, "c"],
    )
    reserve = explain("a", history=steps)
    assert reserve.rule == "reserve"
    assert reserve.sentence("en").startswith(
        "Alba was placed in the last phase, by its link alone, in the area of "
    )
    largest = explain("a", history=history(["a", "largest_neighbour", None, "c"]))
    assert largest.rule == "reserve"
    assert largest.sentence().endswith("è stato assegnato al più grande di essi, quello di Alba.")
    assert explain("b", history=steps).rule == "strongest_link"
    founder = explain("c", history=steps)
    assert founder.rule == "founder"
    assert founder.sentence().startswith("L'ambito di Ceva si è formato attorno a Ceva: ")
    assert explain("g", history=steps).rule == "no_area"
    late = pd.concat([steps, history(["d", "founded", None, "x"])])
    assert explain("d", history=late).rule == "founder"


def test_the_strongest_link_of_the_time():
    steps = history(["b", "joined", "b", "c"])
    explanation = explain("b", MOVED, history=steps)
    assert explanation.rule == "strongest_link"
    assert explanation.sentence().startswith("Nel formarsi degli ambiti Bra aveva il legame più forte con ")
    assert explanation.sentence("en").endswith("the link with the area of Alba is stronger.")


def test_members_of_a_group_that_moved_as_one_have_no_steps_of_their_own():
    steps = history(["a", "joined", "a", "c"])
    assert explain("b", history=steps).rule == "strongest_link"


def test_wrong_input_is_told():
    with pytest.raises(UnknownNameError, match="'q' was given"):
        explain("q")
    with pytest.raises(InputError, match=r"parameters: .* missing: 'min_size'"):
        explain_membership("a", LABELS, FLOWS, {"min_self_containment": 0.6})
    with pytest.raises(InputError, match=r"history: .* missing: 'rule'"):
        explain("a", history=history().drop(columns="rule"))


def test_texts_are_complete():
    for texts in (SENTENCES, FRAGMENTS):
        assert all(set(text) == {"it", "en"} for text in texts.values())


def test_a_share_below_one_half_per_cent_is_said():
    flows = pd.DataFrame(
        [["a", "a", 996], ["a", "b", 4], ["b", "b", 99], ["b", "a", 1]],
        columns=["origin", "destination", "commuters"],
    )
    labels = pd.Series([1, 1], index=["a", "b"])
    assert (
        "meno di 1 residente occupato su 100 lavora "
        in explain_membership("a", labels, flows, PARAMETERS).sentence()
    )
    assert "fewer than 1 of every 100" in explain_membership("a", labels, flows, PARAMETERS).sentence("en")
    assert (
        ": 1 residente occupato su 100 lavora "
        in explain_membership("b", labels, flows, PARAMETERS).sentence()
    )


@given(
    st.lists(st.integers(0, 40), min_size=36, max_size=36),
    st.permutations(range(1, 7)),
    st.randoms(use_true_random=False),
)
@settings(max_examples=15)
def test_every_municipality_of_a_fitted_partition_has_a_reason(amounts, names, random):
    codes = list("abcdef")
    flows = pd.DataFrame(
        [[o, d, amounts[6 * i + j] + 1] for i, o in enumerate(codes) for j, d in enumerate(codes)],
        columns=["origin", "destination", "commuters"],
    )
    parameters = {**PARAMETERS, "min_size": 30, "target_size": 300}
    model = FunctionalAreas(**parameters).fit(flows)
    network, steps = FlowNetwork.from_table(flows), model.history_
    order = random.sample(range(6), 6)
    renamed = model.labels_.map(lambda area: names[area - 1], na_action="ignore").iloc[order]
    for code in codes:
        explanation = explain_membership(code, model.labels_, network, parameters, history=steps)
        assert explanation.rule in RULES
        moves, alone = steps[steps["code"] == code], explanation.table["link"].isna().any()
        assert (moves.empty or alone) == (explanation.rule == "founder")
        assert explanation.table["own"].sum() == 1
        for language in ("it", "en"):
            assert code in explanation.sentence(language)
            assert "{" not in explanation.sentence(language)
        again = explain_membership(code, renamed, flows.iloc[::-1], parameters, history=steps)
        assert again.sentences == explanation.sentences
        assert again.rule == explanation.rule
