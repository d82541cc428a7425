"""Tree of a composite index, aggregated level by level: from indicators to domains to one index.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.composite.aggregation import RULES, Rule
from diagnosis.composite.checks import check_entries, check_values, read_numbers
from diagnosis.composite.shares import MINIMUM_SHARE, check_weights
from diagnosis.errors import InputError, examples, unknown_name


@dataclass(frozen=True, eq=False)
class Framework:
    """Tree of an index: indicators below domains, domains below the index, with any number of levels.

    Parameters
    ----------
    parents : pandas.Series or mapping
        The node above each node: domain of each indicator, index of each domain. What is above nothing is a
        top; there may be several.
    weights : pandas.Series or mapping, optional
        By node, zero or more; rescaled among the children of each node. Nodes not named weigh 1.

    Raises
    ------
    diagnosis.errors.InputError
        A node above itself, directly or not; an unknown node or a bad number in the weights.
    """

    parents: pd.Series
    weights: Any = None

    def __post_init__(self) -> None:
        parents = pd.Series(self.parents, dtype=object)
        if parents.empty or not parents.index.is_unique:
            raise InputError(
                "a framework needs every node once", f"{len(parents)} rows, some repeated or none"
            )
        parents = parents[parents.notna()]
        nodes = pd.Index(pd.unique(np.r_[parents.index.to_numpy(object), parents.to_numpy(object)]))
        given = check_entries({} if self.weights is None else self.weights, "weights")
        unknown = [node for node in given if node not in nodes]
        if unknown:
            raise InputError(
                "weights must be of nodes of the framework",
                f"unknown: {examples(unknown)}",
                "Correct the names",
            )
        weights = read_numbers(dict.fromkeys(nodes, 1.0) | given, nodes, "weights")
        object.__setattr__(self, "parents", parents)
        object.__setattr__(self, "weights", weights)
        for children in self.children.values():
            check_weights(weights, pd.Index(children))
        self._heights()

    def _heights(self) -> dict[object, int]:
        """Height of each node, 0 for indicators, in the order in which they can be aggregated."""
        children = self.children
        heights = dict.fromkeys((node for node in self.weights.index if node not in children), 0)
        waiting = [node for node in self.weights.index if node in children]
        while waiting:
            ready = [node for node in waiting if all(child in heights for child in children[node])]
            if not ready:
                raise InputError("no node may be above itself", f"a circle among {examples(waiting)}")
            for node in ready:
                heights[node] = 1 + max(heights[child] for child in children[node])
            waiting = [node for node in waiting if node not in heights]
        return dict(sorted(heights.items(), key=lambda item: item[1]))

    @property
    def children(self) -> dict[object, list]:
        """Nodes directly below each aggregate, in the order given."""
        return {
            node: list(group) for node, group in self.parents.groupby(self.parents, sort=False).groups.items()
        }

    @property
    def levels(self) -> list[list]:
        """Nodes by height: the indicators first, the index last."""
        heights = self._heights()
        return [
            [node for node, at in heights.items() if at == level]
            for level in range(1 + max(heights.values()))
        ]

    def aggregate(
        self,
        normalised: pd.DataFrame,
        rules: Rule | Sequence[Rule] | Mapping[object, Rule] = "arithmetic",
        minimum_share: float = MINIMUM_SHARE,
    ) -> pd.DataFrame:
        """Aggregate indicators to every node above them.

        Parameters
        ----------
        normalised : pandas.DataFrame
            Rows units, columns the indicators of the framework; other columns are ignored.
        rules : str, function, sequence or mapping, default 'arithmetic'
            One of ``RULES`` or a function of (table, weights, minimum_share): one for all, one a level from
            the domains up, or by node.
        minimum_share : float, default 0.75
            Share of its children, by weight, a unit needs to be given a score at a node.

        Returns
        -------
        pandas.DataFrame
            Index of `normalised`; one column an aggregate, domains first and the index last.

        Raises
        ------
        diagnosis.errors.InputError
            An indicator without column; more or fewer rules than levels.
        diagnosis.errors.UnknownNameError
            A rule that does not exist.

        References
        ----------
        OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 6. doi:10.1787/9789264043466-en
        """
        levels = self.levels
        absent = [indicator for indicator in levels[0] if indicator not in normalised.columns]
        if absent:
            raise InputError(
                "every indicator of the framework needs a column",
                f"none for {examples(absent)}",
                "Add it, with missing values where unknown, or take it out of the framework",
            )
        columns = check_values(normalised[levels[0]], "normalised").to_dict("series")
        children = self.children
        for level, nodes in enumerate(levels[1:]):
            for node in nodes:
                rule = self._rule(rules, level, node, len(levels) - 1)
                table = pd.DataFrame(
                    {child: columns[child] for child in children[node]}, index=normalised.index
                )
                columns[node] = rule(table, self.weights[table.columns], minimum_share)
        aggregates = [node for nodes in levels[1:] for node in nodes]
        return pd.DataFrame({node: columns[node] for node in aggregates}, index=normalised.index)

    @staticmethod
    def _rule(rules: Any, level: int, node: object, n_levels: int) -> Callable:
        if isinstance(rules, Mapping):
            if node not in rules:
                raise InputError("every aggregate needs a rule", f"none for {node!r}", "Add it to rules")
            rule = rules[node]
        elif isinstance(rules, str) or callable(rules):
            rule = rules
        elif len(rules) != n_levels:
            raise InputError(
                f"one rule is needed for each of the {n_levels} levels", f"{len(rules)} were given"
            )
        else:
            rule = rules[level]
        if callable(rule):
            return rule
        if rule not in RULES:
            raise unknown_name("rule", rule, RULES)
        return RULES[rule]
