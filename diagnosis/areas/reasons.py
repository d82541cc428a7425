"""Why a municipality is in its area: what each area would be with and without it, which rule decided, one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.labour_market import TradeOff
from diagnosis.areas.membership import Membership
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
_EXCHANGE_IT = (
    "{to} {to:residente occupato|residenti occupati} su 100 {to:lavora|lavorano} negli altri comuni dell'ambito, "
    "da cui {coming:arriva|arrivano} {coming} su 100 di quanti lavorano nel comune"
)
_EXCHANGE_EN = (
    "{to} of every 100 employed residents {to:works|work} in the other municipalities of the area, where {coming} of "
    "every 100 people who work in the municipality {coming:lives|live}"
)
SENTENCES = {
    "strongest_link": {
        "it": "{name} lavora soprattutto con {own}: {exchange}; {comparison}.",
        "en": "{name} works above all with {own}: {exchange}; {comparison}.",
    },
    "strongest_link_then": {
        "it": "Nel formarsi degli ambiti {name} aveva il legame più forte con {own}: {exchange}; {comparison}.",
        "en": "While the areas were being formed, {name} had its strongest link with {own}: {exchange}; {comparison}.",
    },
    "only_neighbour": {
        "it": "{name} confina soltanto con comuni dell'ambito di {area}: {exchange}.",
        "en": "{name} borders only on municipalities of the area of {area}: {exchange}.",
    },
    "refused_apart": {
        "it": (
            "{name} ha il legame più forte con l'ambito di {rival}, ma non vi confina; "
            "è nell'ambito di {area}: {exchange}."
        ),
        "en": (
            "{name} has its strongest link with the area of {rival}, but does not border on it; "
            "it is in the area of {area}: {exchange}."
        ),
    },
    "refused_validity": {
        "it": (
            "{name} ha il legame più forte con l'ambito di {rival}, che però, accogliendo il comune, risponderebbe "
            "meno bene alle soglie di dimensione e autocontenimento (da {before} a {after}; il minimo è 1); "
            "è nell'ambito di {area}: {exchange}."
        ),
        "en": (
            "{name} has its strongest link with the area of {rival}, which would, however, meet the thresholds of size "
            "and self-containment less well with it (from {before} to {after}; the minimum is 1); "
            "it is in the area of {area}: {exchange}."
        ),
    },
    "founder": {
        "it": "L'ambito di {area} si è formato attorno a {name}: {exchange}; {comparison}.",
        "en": "The area of {area} formed around {name}: {exchange}; {comparison}.",
    },
    "reserve": {
        "it": (
            "Il comune di {name} è stato assegnato alla fine, senza verifica delle soglie, all'ambito con cui aveva "
            "allora il legame più forte, quello di {area}: {exchange}; {comparison}."
        ),
        "en": (
            "{name} was placed at the end, without a test of the thresholds, in the area with which it then had its "
            "strongest link, that of {area}: {exchange}; {comparison}."
        ),
    },
    "reserve_largest": {
        "it": (
            "Il comune di {name} non aveva scambi di pendolari con gli ambiti confinanti ed è stato assegnato al più "
            "grande di essi, quello di {area}."
        ),
        "en": (
            "{name} exchanged commuters with none of the areas it borders on and was placed in the largest of them, "
            "that of {area}."
        ),
    },
    "other": {
        "it": "Il solo pendolarismo non spiega perché {name} sia nell'ambito di {area}: {exchange}; {comparison}.",
        "en": "Commuting alone does not explain why {name} is in the area of {area}: {exchange}; {comparison}.",
    },
    "alone": {
        "it": "{name} forma da sé un ambito: {stay} residenti occupati su 100 {stay:lavora|lavorano} nel comune.",
        "en": "{name} is an area by itself: {stay} of every 100 employed residents {stay:works|work} in it.",
    },
    "no_area_linked": {
        "it": "{name} non è in alcun ambito; il legame più forte è quello con l'ambito di {rival}.",
        "en": "{name} is in no area; its strongest link is with the area of {rival}.",
    },
    "no_area": {
        "it": "{name} non è in alcun ambito e non ha scambi di pendolari con nessuno di essi.",
        "en": "{name} is in no area and exchanges commuters with none.",
    },
}
"""One sentence a case, in both languages; ``{n:one|many}`` chooses by the figure, as in the texts of the report."""
FRAGMENTS = {
    "exchange": {"it": _EXCHANGE_IT, "en": _EXCHANGE_EN},
    "own": {"it": "l'ambito di {area}", "en": "the area of {area}"},
    "own_centre": {"it": "gli altri comuni del suo ambito", "en": "the other municipalities of its area"},
    "times": {
        "it": "il legame è {times} volte quello con l'ambito di {rival}",
        "en": "the link is {times} times that with the area of {rival}",
    },
    "far": {
        "it": "il legame è oltre 10 volte quello con l'ambito di {rival}",
        "en": "the link is more than 10 times that with the area of {rival}",
    },
    "close": {
        "it": "il legame con l'ambito di {rival} è di forza simile",
        "en": "the link with the area of {rival} is about as strong",
    },
    "weaker": {
        "it": "ad ambiti definiti il legame con l'ambito di {rival} è più forte",
        "en": "with the areas as drawn the link with the area of {rival} is stronger",
    },
    "needed": {
        "it": (
            "il legame con l'ambito di {rival} è più forte, ma senza {name} l'ambito di {area} non raggiungerebbe "
            "le soglie"
        ),
        "en": (
            "the link with the area of {rival} is stronger, but without {name} the area of {area} would not reach "
            "the thresholds"
        ),
    },
    "none": {"it": "non ha scambi con altri ambiti", "en": "it exchanges commuters with no other area"},
    "none_touching": {
        "it": "non ha scambi con altri ambiti confinanti",
        "en": "it exchanges commuters with no other area it borders on",
    },
    "surrounded": {"it": "non confina con altri ambiti", "en": "it borders on no other area"},
    "fewer_than_one": {"it": "meno di 1", "en": "fewer than 1"},
}
"""Parts of :data:`SENTENCES`."""


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
    if code not in membership.codes:
        raise unknown_name(
            "The municipality", code, map(str, membership.codes), "Give a code of the partition"
        )
    i, scale = membership.codes.get_loc(code), membership.scale
    pairs = membership.pairs(contiguity, only=i).sort_values("link", ascending=False, kind="stable")
    trade_off = TradeOff(*(parameters[name] for name in _PARAMETERS)).scaled(scale)
    called = {} if names is None else dict(names)
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
            needed = ratio < 1 and home.validity_without < 1
            key = (
                "needed"
                if needed
                else "weaker"
                if ratio < 1
                else "close"
                if ratio < 1.1
                else "times"
                if ratio <= 10
                else "far"
            )
            values["times"] = _number(ratio, 1, language).removesuffix(",0").removesuffix(".0")
        values["comparison"] = FRAGMENTS[key][language].format_map(values)
    return SENTENCES[decision.case][language].format_map(values)


def _number(value: float, decimals: int, language: str) -> str:
    text = f"{value:.{decimals}f}"
    return text.replace(".", ",") if language == "it" else text
