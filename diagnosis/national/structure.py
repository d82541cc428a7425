"""Where the scores of municipalities are alike side by side, in the whole country."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from diagnosis.national.fragility import FRAMEWORK, smooth_components
from diagnosis.national.scores import Scoring
from diagnosis.networks import spatial_clusters

BORDER = "border"


def find_structure(
    scorings: Iterable[Scoring], smoothed: pd.DataFrame, contiguity: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Find clusters of the scores: themes, and the reconstructed fragility index where there is one.

    The scores are those of rates smoothed by empirical Bayes, on the goalposts of the official ones, so that the play
    of chance in small municipalities makes neither clusters nor islands. Ferry edges are no neighbourhood.

    Parameters
    ----------
    scorings : iterable of Scoring
    smoothed : DataFrame, municipalities x indicators
        Smoothed rates.
    contiguity : DataFrame
        As :func:`diagnosis.networks.contiguity` returns it.

    Returns
    -------
    dict of DataFrame
        `clusters` and `moran`: :class:`diagnosis.networks.SpatialClusters`; `indicator` is the id of a theme, or
        ``fragility``.
    """
    scores = [scoring.score(smooth_components(scoring, smoothed)) for scoring in scorings]
    table = pd.concat(scores, axis=1)
    first = [name for name in table if name == FRAMEWORK]
    table = table[[*first, *(name for name in table if name != FRAMEWORK)]]
    found = spatial_clusters(table, contiguity[contiguity["kind"] == BORDER])
    return {"clusters": found.clusters, "moran": found.moran}
