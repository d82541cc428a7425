"""Without a commuting matrix flows are modelled: every figure that rests on them says so, and none is compared."""

import shutil

import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.config import default_settings, load_city
from diagnosis.report.compose import compose
from diagnosis.report.html import figures_of
from diagnosis.report.package import write_package
from diagnosis.report.sections.summary import headline
from diagnosis.report.words import Words
from diagnosis.studies.city import diagnose

FROM_FLOWS = {"self", "in", "inside", "area", "closed"}
DRAWN_FROM_FLOWS = {"map-flows", "map-areas", "map-residents-self-containment", "map-jobs-per-100-workers"}


@pytest.fixture(scope="module")
def result(project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("modelled") / "country"
    shutil.copytree(project / "data" / "example", folder)
    (folder / "flows.csv").unlink()
    return diagnose(load_city(folder / "city.yml"), default_settings(folder.parent))


def test_manifest_says_modelled(result):
    assert result.manifest.flows_kind == "modelled"
    assert not result.failed


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_figure_of_the_first_page_that_rests_on_flows_says_so(result, language):
    words = Words(language)
    cards = {card.id: card for card in headline(result, words)}
    assert set(cards) >= FROM_FLOWS
    for name, card in cards.items():
        assert (words("card_modelled") in card.note) == (name in FROM_FLOWS), name


@pytest.mark.parametrize("language", ["it", "en"])
def test_banner_and_captions_say_so(result, language):
    words = Words(language)
    document = compose(result, language)
    assert words("modelled") in [notice.text for notice in document.notices]
    drawn = {drawing.figure.id: drawing.figure.caption for drawing in figures_of(document)}
    assert set(drawn) >= DRAWN_FROM_FLOWS
    for name in DRAWN_FROM_FLOWS:
        assert words("modelled_short").casefold() in drawn[name].casefold(), name


def test_modelled_indicators_are_neither_scored_nor_found(result):
    catalogue = load_catalogue()
    assert "work" not in result.table("group_scores")
    for name in result.table("findings")["indicator"]:
        assert "commuting_2021" not in catalogue[name].sources


def test_data_package_says_so(result, tmp_path):
    words = Words("en")
    write_package(result, tmp_path, words)
    assert words("modelled") in (tmp_path / "data" / "README.md").read_text(encoding="utf-8")
