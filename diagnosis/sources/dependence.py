"""What depends on each source: tables, other sources that cannot be read without it, indicators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnosis.catalogue import Catalogue
from diagnosis.provenance import Source
from diagnosis.sources.readers import COMPANIONS, READERS


@dataclass(frozen=True)
class Dependants:
    """What rests on one source.

    Attributes
    ----------
    tables : tuple of str
        Tables of :mod:`diagnosis.tables` that cannot be had without it.
    sources : tuple of str
        Sources that cannot be read without it.
    indicators : tuple of str
        Indicators that are computed from it, or from a source that cannot be read without it.
    """

    tables: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()


def find_dependants(sources: Mapping[str, Source], catalogue: Catalogue) -> dict[str, Dependants]:
    """Find what depends on each source.

    Parameters
    ----------
    sources : mapping of str to Source
        The list of sources.
    catalogue : Catalogue
        The indicators, with the sources of each.

    Returns
    -------
    dict of str to Dependants
        In the order of `sources`. A source on which nothing depends is in it too.
    """
    found = {}
    for name, source in sources.items():
        others = tuple(other for other, needed in COMPANIONS.items() if name in needed and other in sources)
        group = {name, *others}
        filled = [source.provides, *(READERS[other][0] for other in group if other in READERS)]
        found[name] = Dependants(
            tables=tuple(sorted({table for table in filled if table})),
            sources=others,
            indicators=tuple(item for item in catalogue if group & set(catalogue[item].sources)),
        )
    return found


def needed_sources(source_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Add to the sources of an indicator those that are needed to read them."""
    companions = [name for item in source_ids for name in COMPANIONS.get(item, ())]
    return tuple(dict.fromkeys((*source_ids, *companions)))
