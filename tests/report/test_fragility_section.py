"""The section on fragility: never ISTAT's index, what is missing is named, a map only where there is one to draw."""

from dataclasses import replace

import pandas as pd
import pytest

from diagnosis.report.document import Drawing, Pair, Prose, Table
from diagnosis.report.figures import draw
from diagnosis.report.map_figures import CLUSTER_COLOURS
from diagnosis.report.sections.fragility import write_fragility
from diagnosis.report.words import Words

LANGUAGES = ["it", "en"]


def blocks(result, language):
    return [block for section in write_fragility(result, Words(language)) for block in section.blocks]


def texts(result, language):
    return " ".join(block.text for block in blocks(result, language) if isinstance(block, Prose))


def tables(result, language):
    return {block.id: block for block in blocks(result, language) if isinstance(block, Table)}


@pytest.fixture(scope="module")
def clustered(example_result):
    """The invented city with clusters of each kind."""
    clusters = example_result.table("spatial_clusters").copy()
    kinds = [*CLUSTER_COLOURS, "missing"]
    clusters["cluster"] = [kinds[number % len(kinds)] for number in range(len(clusters))]
    inside = clusters[clusters["in_territory"]]
    structure = example_result.table("spatial_structure").assign(moran=0.5, p=0.001)
    for kind in ("high_high", "low_low", "high_low", "low_high"):
        counts = inside[inside["cluster"] == kind]["indicator"].value_counts()
        structure[f"{kind}_inside"] = counts.reindex(structure.index).fillna(0).astype(int)
    facts = {**example_result.facts["fragility"], "clear": list(structure.index), "tested": True}
    return replace(
        example_result,
        tables={**example_result.tables, "spatial_clusters": clusters, "spatial_structure": structure},
        facts={**example_result.facts, "fragility": facts},
    )


@pytest.mark.parametrize(
    ("language", "denial"), [("it", "Non è l'indice dell'Istat"), ("en", "It is not ISTAT's index")]
)
def test_the_index_says_what_it_is_not_and_what_is_missing(example_result, language, denial):
    text = texts(example_result, language)
    assert denial in text
    assert "4" in text
    assert "12" in text
    rows = tables(example_result, language)["fragility-components"].rows
    assert len(rows) == 12
    missing = Words(language)("component_missing", reason="").strip()
    assert sum(row[1].startswith(missing) for row in rows) == 8
    for row in rows:
        if row[1].startswith(missing):
            assert row[2:] == ("–", "–", "–")


@pytest.mark.parametrize("language", LANGUAGES)
def test_too_few_components_say_so_and_draw_nothing(example_result, language):
    empty = {name: example_result.table(name).iloc[:0] for name in ("fragility", "fragility_groups")}
    facts = {**example_result.facts["fragility"], "components": [1, 3], "stand_ins": [], "city": None}
    poorer = replace(
        example_result,
        tables={**example_result.tables, **empty},
        facts={**example_result.facts, "fragility": facts},
    )
    assert Words(language)("fragility_none", n=2, of=12) in texts(poorer, language)
    assert not any(isinstance(block, Drawing | Pair) for block in blocks(poorer, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_concentrations_are_named_drawn_and_counted(clustered, language):
    words = Words(language)
    own = clustered.table("spatial_clusters")
    own = own[own["in_territory"] & (own["indicator"] == "fragility")]
    text = texts(clustered, language)
    for kind in ("high_high", "low_low", "high_low", "low_high"):
        for name in own.loc[own["cluster"] == kind, "name"]:
            assert name in text
    assert any(isinstance(block, Pair) for block in blocks(clustered, language))
    figure = draw("map_concentrations", clustered, language)
    for kind in set(own["cluster"]) & set(CLUSTER_COLOURS):
        assert words(f"cluster_{kind}") in figure.alt
    assert figure.table["cluster"].isna().sum() == (own["cluster"] == "missing").sum()
    rows = {row[0]: row[1:] for row in tables(clustered, language)["concentrations-measures"].rows}
    structure = clustered.table("spatial_structure")
    # in the index high is bad, in the scores it is good
    assert rows[words("fragility_index")][0] == str(structure.at["fragility", "high_high_inside"])
    population = next(cells for name, cells in rows.items() if name in ("Popolazione", "Population"))
    assert population[0] == str(structure.at["population", "low_low_inside"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_concentration_is_a_sentence(clustered, language):
    words = Words(language)
    facts = {**clustered.facts["fragility"], "clear": []}
    plain = replace(clustered, facts={**clustered.facts, "fragility": facts})
    text = texts(plain, language)
    assert words("concentrations_no_fragility") in text
    assert words("concentrations_none") in text
    assert "concentrations-measures" not in tables(plain, language)
    assert not any(isinstance(block, Pair) for block in blocks(plain, language))


def test_decile_of_the_city_and_residents_of_the_most_fragile(example_result):
    found = example_result.table("fragility")
    facts = example_result.facts["fragility"]
    assert facts["city"]["decile"] == found.at[example_result.city.code, "decile"]
    worst = found.index[found["decile"] >= 9]
    assert facts["most_fragile"]["municipalities"] == len(worst)
    residents = example_result.municipalities["residents"]
    known = found.index[found["decile"].notna()]
    share = residents[worst].sum() / residents[known].sum()
    assert facts["most_fragile"]["residents"] == pytest.approx(share)
    assert pd.notna(share)


def test_a_kind_without_a_name_is_not_drawn(clustered):
    from diagnosis.errors import InputError
    from diagnosis.maps import cluster_map

    kinds = pd.Series("hot", clustered.municipalities.index)
    with pytest.raises(InputError, match="hot"):
        cluster_map(
            clustered.municipalities, kinds, {"none": ("-", "#fff")}, figure_id="x", title="x", legend="x"
        )
    nothing = kinds.where(kinds != "hot")
    drawn = cluster_map(
        clustered.municipalities, nothing, {"none": ("-", "#fff")}, figure_id="x", title="x", legend="x"
    )
    assert drawn.table["value"].isna().all()
