"""Why a municipality is in its area: what each area would be with and without it, which rule decided, one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.labour_market import TradeOff
from diagnosis.areas.membership import Membership
from diagnosis.areas.reason_texts import FRAGMENTS, SENTENCES
from diagnosis.errors import InputError, examples, unknown_name

RULES = (
    "strongest_link",
    "only_neighbour",
    "stronger_link_refused",
    "founder",
    "reserve",
    "no_area",
    "other",
)
"""What decided the area of a municipality; ``other``: neither links nor neighbours nor validity explain it."""

_PARAMETERS = ("min_size", "min_self_containment", "target_size", "target_self_containment")
_HISTORY = ("code", "rule", "from_area", "to_area")


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one municipality is in its area.

    Attributes
    ----------
    code : object
        Code of the municipality.
    area : object
        Its area; None for none.
    table : pandas.DataFrame
        One row an area it has flows with, touches, or is in, by decreasing link; see :func:`explain_membership`.
    rule : str
        One of :data:`RULES`.
    sentences : mapping
        The sentence by language.
    """

    code: object
    area: object
    table: pd.DataFrame = field(repr=False)
    rule: str
    sentences: Mapping[str, str] = field(repr=False)

    def sentence(self, language: str = "it") -> str:
        """Return the reason in one sentence.

        Parameters
        ----------
        language : str, default "it"
            ``"it"`` or ``"en"``.

        Returns
        -------
        str

        Raises
        ------
        diagnosis.errors.UnknownNameError
            The language is unknown.
        """
        if language not in self.sentences:
            raise unknown_name("The language", language, self.sentences)
        return self.sentences[language]


def explain_membership(
    code: object,
    labels: pd.Series,
    flows: pd.DataFrame | FlowNetwork,
    parameters: Mapping,
    *,
    contiguity: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
    names: Mapping | pd.Series | None = None,
) -> Explanation:
    """Say why a municipality is in its area.

    Parameters
    ----------
    code : text or int
        Code of the municipality.
    labels, flows, contiguity
        As :func:`diagnosis.areas.membership.membership_links`.
    parameters : mapping
        The four parameters of :class:`diagnosis.areas.FunctionalAreas`, e.g. its ``get_params()``.
    history : pandas.DataFrame, optional
        ``history_`` of the estimator that drew the areas: `code`, `rule`, `from_area`, `to_area`. Without it the rule
        is derived from labels and flows: `reserve` cannot be told then, and `founder` only of one that is alone.
    names : mapping or pandas.Series, optional
        Name of each municipality by code, for the sentence; an area is called after its member with most jobs.

    Returns
    -------
    Explanation
        Its `table`, index `area`, by decreasing `link`: `name` (of the area), `own`, `touches`, `link`,
        `commuters_to`, `commuters_from` as :func:`diagnosis.areas.membership.membership_links`, and the validity and
        the self-containment (the smaller of supply and demand side) of the area `_now`, `_with` the municipality and
        `_without` it; missing where nobody lives or works in the area.
        Its `rule`: ``strongest_link`` (of all areas, or when it moved, by `history`); ``only_neighbour`` (others are
        linked more strongly, none touches it); ``stronger_link_refused`` (every area linked more strongly does not
        touch it or, without `history`, would lose validity); ``founder`` (others joined it, or it is alone);
        ``reserve`` (placed at the end without a test); ``no_area``; ``other`` (no rule explains it: another method,
        or a constraint).

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`diagnosis.areas.membership.membership_links`; `code` is not in `labels`; a parameter or a column of
        `history` is missing.
    """
    _check(parameters, history)
    membership = Membership.of(labels, flows)
    if not pd.api.types.is_hashable(code) or code not in membership.codes:
        known = list(map(str, membership.codes))
        near = difflib.get_close_matches(str(code), known, n=1)
        to_do = f"The nearest code is {near[0]!r}" if near else "Give a code of the partition"
        raise unknown_name("The municipality", code, known, to_do)
    i, scale = membership.codes.get_loc(code), membership.scale
    pairs = membership.pairs(contiguity, only=i).sort_values("link", ascending=False, kind="stable")
    trade_off = TradeOff(*(parameters[name] for name in _PARAMETERS)).scaled(scale)
    called = {} if names is None else pd.Series(dict(names), dtype="object").dropna().to_dict()
    centres = [membership.centre(area) for area in pairs["area"]]
    table = pd.concat([pairs[["own", "touches", "link"]], membership.judge(pairs, trade_off)], axis=1)
    table.insert(0, "name", [str(called.get(centre, centre)) for centre in centres])
    table.insert(4, "commuters_to", pairs["to"] / scale)
    table.insert(5, "commuters_from", pairs["coming"] / scale)
    table.index = pd.Index(membership.areas.take(pairs["area"]), name="area")
    decision = _decide(code, table, contiguity is not None, history)
    facts = {
        "name": str(called.get(code, code)),
        "centre": code in [centre for centre, own in zip(centres, table["own"], strict=True) if own],
        "live": membership.live[i] / scale,
        "work": membership.work[i] / scale,
        "within": membership.within[i] / scale,
        "without_second": "none"
        if contiguity is None
        else "none_touching"
        if table.loc[~table["own"], "touches"].any()
        else "surrounded",
    }
    if decision.case == "founder" and not facts["centre"]:
        # Who began an area that has another centre today means nothing to a reader.
        decision = decision._replace(case="strongest_link")
    sentences = {language: _write(decision, table, facts, language) for language in ("it", "en")}
    position = membership.area[i]
    area = None if position < 0 else membership.areas.iloc[position]
    return Explanation(code, area, table, decision.rule, sentences)


class _Decision(NamedTuple):
    """Which rule decided, which sentence says it, and the row of the area to compare with."""

    rule: str
    case: str
    rival: int | None
    change: tuple[float, float] | None = None


def _check(parameters: Mapping, history: pd.DataFrame | None) -> None:
    for what, given, needed in (("parameters", parameters, _PARAMETERS), ("history", history, _HISTORY)):
        if given is not None and (absent := [name for name in needed if name not in list(given)]):
            raise InputError(f"{what}: {', '.join(needed)} are needed", f"missing: {examples(absent)}")


def _decide(code: object, table: pd.DataFrame, contiguous: bool, history: pd.DataFrame | None) -> _Decision:
    own, link = table["own"].to_numpy(), table["link"].to_numpy()
    touches = table["touches"].fillna(True).to_numpy(dtype=bool)
    linked = [row for row in np.flatnonzero(~own).tolist() if link[row] > 0]
    if not own.any():
        return _Decision("no_area", *(("no_area_linked", linked[0]) if linked else ("no_area", None)))
    home = int(own.argmax())
    if np.isnan(link[home]):
        return _Decision("founder", "alone", None)
    second = next((row for row in linked if touches[row]), None)
    joined = False
    if history is not None:
        steps = history[history["code"] == code]
        joined = len(steps) > 0
        # One that never moved founded its area if others joined it; members of a group that was kept together have
        # no steps of their own.
        if steps["rule"].iloc[-1] == "founded" if joined else (history["to_area"] == code).any():
            return _Decision("founder", "founder", second)
        if joined and pd.isna(steps["from_area"].iloc[-1]):
            largest = steps["rule"].iloc[-1] == "largest_neighbour"
            return _Decision("reserve", "reserve_largest" if largest else "reserve", second)
    stronger = [row for row in linked if link[row] > link[home]]
    if not stronger and link[home] > 0:
        return _Decision("strongest_link", "strongest_link", second)
    if contiguous and touches[home] and not touches[~own].any():
        return _Decision("only_neighbour", "only_neighbour", second)
    before, after = table["validity_without"].to_numpy(), table["validity_with"].to_numpy()
    # One that joined by its strongest link was refused by none of those that are linked more strongly today.
    accepting = [row for row in stronger if touches[row] and (joined or not after[row] < before[row])]
    if stronger and not accepting:
        rival = stronger[0]
        if not touches[rival]:
            return _Decision("stronger_link_refused", "refused_apart", rival)
        return _Decision("stronger_link_refused", "refused_validity", rival, (before[rival], after[rival]))
    if joined and accepting:
        return _Decision("strongest_link", "strongest_link_then", accepting[0])
    return _Decision("other", "other", accepting[0] if accepting else second)


class _Share(str):
    """How many of every hundred, in words; ``{n:one|many}`` chooses by it."""

    single: bool

    def __new__(cls, part: float, whole: float, language: str) -> _Share:
        share = 100 * part / whole if whole > 0 else 0.0
        few = 0 < share < 0.5
        text = super().__new__(cls, FRAGMENTS["fewer_than_one"][language] if few else str(int(share + 0.5)))
        text.single = few or text == "1"
        return text

    def __format__(self, form: str) -> str:
        return form.split("|")[0 if self.single else 1] if "|" in form else str(self)


def _write(decision: _Decision, table: pd.DataFrame, facts: Mapping, language: str) -> str:
    """Fill in the sentence of a decision."""
    values = {"name": facts["name"], "stay": _Share(facts["within"], facts["live"], language)}
    rival = None if decision.rival is None else table.iloc[decision.rival]
    if rival is not None:
        values["rival"] = rival["name"]
    if decision.change is not None:
        before, after = decision.change
        digits = next((n for n in (2, 3, 4) if f"{before:.{n}f}" != f"{after:.{n}f}"), 5)
        values |= {"before": _number(before, digits, language), "after": _number(after, digits, language)}
    for home in table[table["own"]].itertuples():
        values["area"] = home.name
        values["to"] = _Share(home.commuters_to, facts["live"], language)
        values["coming"] = _Share(home.commuters_from, facts["work"], language)
        values["own"] = FRAGMENTS["own_centre" if facts["centre"] else "own"][language].format_map(values)
        values["exchange"] = FRAGMENTS["exchange"][language].format_map(values)
        key = facts["without_second"]
        if rival is not None:
            ratio = home.link / rival["link"]
            key = _compared(ratio, home, rival)
            values["times"] = _number(ratio, 1, language).removesuffix(",0").removesuffix(".0")
        values["comparison"] = FRAGMENTS[key][language].format_map(values)
    return SENTENCES[decision.case][language].format_map(values)


def _compared(ratio: float, home: Any, rival: pd.Series) -> str:
    """Choose how to compare the link with that of the next area, and say what holds a municipality against it."""
    if ratio >= 1.1:
        return "times" if ratio <= 10 else "far"
    if ratio >= 1 / 1.1:
        return "close"
    if home.validity_without < 1:
        return "needed"
    persons, others = home.commuters_to + home.commuters_from, rival["commuters_to"] + rival["commuters_from"]
    return "fewer" if others <= persons else "weaker"


def _number(value: float, decimals: int, language: str) -> str:
    text = f"{value:.{decimals}f}"
    return text.replace(".", ",") if language == "it" else text
