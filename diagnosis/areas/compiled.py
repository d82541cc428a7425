"""The aggregation as machine code for large networks, as plain Python for small ones."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from inspect import getsource, isfunction
from typing import NamedTuple

from diagnosis.areas import adjustment, loop, placement, state

COMPILED_FROM = 20_000
"""Flows from which compiled code is used: below, plain Python is done before numba is imported."""
COMPILED_FROM_IN_ALL = 300_000
"""The same for the flows of all runs together."""


MODULES = (state, loop, adjustment, placement)
"""The modules that are compiled."""


class Engine(NamedTuple):
    """The functions that carry out an aggregation, compiled or not."""

    aggregate: Callable
    place_in_code_order: Callable
    place_by_link: Callable


def engine(n_flows: int, runs: int = 1) -> Engine:
    """Return the functions for so many runs on a network with this number of flows."""
    compiled = n_flows >= COMPILED_FROM or n_flows * runs >= COMPILED_FROM_IN_ALL
    return _machine_code() if compiled else _plain()


def _plain() -> Engine:
    return Engine(loop.aggregate, placement.place_in_code_order, placement.place_by_link)


@cache
def _machine_code() -> Engine:
    """Compile, or load from numba's cache on disk."""
    from numba import njit
    from numba.extending import register_jitable

    for module in MODULES:
        for function in vars(module).values():
            if isfunction(function) and function.__module__ == module.__name__:
                register_jitable(function)
    # Numba looks for changes in the file of the compiled function only: the digest of the files it calls is part of
    # what it remembers, as the value of a free variable.
    digest = zlib.crc32("".join(map(getsource, MODULES)).encode())

    @njit(cache=True, nogil=True)
    def aggregate(areas, flows, rules, limits, steps, values):
        digest  # noqa: B018
        return loop_aggregate(areas, flows, rules, limits, steps, values)

    @njit(cache=True, nogil=True)
    def place_in_code_order(areas, flows, rules, limits, waiting, steps, values):
        digest  # noqa: B018
        place_codes(areas, flows, rules, limits, waiting, steps, values)

    @njit(cache=True, nogil=True)
    def place_by_link(areas, flows, rules, limits, waiting, steps, values):
        digest  # noqa: B018
        return place_links(areas, flows, rules, limits, waiting, steps, values)

    return Engine(aggregate, place_in_code_order, place_by_link)


loop_aggregate = loop.aggregate
place_codes, place_links = placement.place_in_code_order, placement.place_by_link
