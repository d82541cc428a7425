"""Limits that cannot hold together, in words: for users of the library, and in sentences for everybody."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from diagnosis.errors import EXAMPLES_SHOWN, InputError, examples, unknown_name

if TYPE_CHECKING:
    from diagnosis.areas.governance.infeasibility import Infeasibility

DROPPED = "dropped"
"""Relaxation of a constraint that can only be left out."""
PAIR = "cannot_link"
PARAMETERS = {
    "min_population": "min_population {}",
    "min_members": "min_members {}",
    "max_members": "max_members {}",
    "validity": "validity at {}",
    "max_minutes": "max_minutes {}",
}
LIMITS = {
    "it": {
        "min_population": "almeno {} residenti per ambito",
        "min_members": "almeno {} comuni per ambito",
        "max_members": "al massimo {} comuni per ambito",
        "validity": "autocontenimento del lavoro di almeno il {} negli ambiti con {} occupati residenti o più, del {} "
        "in quelli che ne hanno {}",
        "max_minutes": "al massimo {} minuti dal centro dell'ambito",
        PAIR: "{} e {} in ambiti diversi",
    },
    "en": {
        "min_population": "at least {} residents in an area",
        "min_members": "at least {} municipalities in an area",
        "max_members": "at most {} municipalities in an area",
        "validity": "a self-containment of work of at least {} in areas of {} employed residents or more, of {} in "
        "those of {}",
        "max_minutes": "at most {} minutes to the centre of the area",
        PAIR: "{} and {} in different areas",
    },
}
ONE = {
    "it": {
        "max_members": "ambiti di un solo comune",
        "max_minutes": "al massimo un minuto dal centro dell'ambito",
    },
    "en": {
        "max_members": "areas of one municipality",
        "max_minutes": "at most one minute to the centre of the area",
    },
}
"""The same limits at 1."""
WITHOUT = {
    "it": {
        "min_population": "nessuna popolazione minima",
        "min_members": "nessun numero minimo di comuni",
        "max_members": "nessun numero massimo di comuni",
        "validity": "nessuna soglia di autocontenimento",
        "max_minutes": "nessun limite di minuti",
        PAIR: "{} e {} anche nello stesso ambito",
    },
    "en": {
        "min_population": "no least population",
        "min_members": "no least number of municipalities",
        "max_members": "no largest number of municipalities",
        "validity": "no least self-containment",
        "max_minutes": "no limit of minutes",
        PAIR: "{} and {} allowed to share an area",
    },
}
SENTENCES = {
    "it": {
        "proven_one": "Per {where} non si può rispettare questo limite: {limits}.",
        "proven_many": "Per {where} non si possono rispettare insieme questi limiti: {limits}.",
        "searched_one": "Per {where} una ricerca non ha trovato ambiti che rispettino questo limite: {limits}.",
        "searched_many": "Per {where} una ricerca non ha trovato ambiti che rispettino insieme questi limiti: "
        "{limits}.",
        "offer_one": "In questa parte del territorio basterebbe questo cambiamento: {offers}.",
        "offer_many": "In questa parte del territorio basterebbe uno solo di questi cambiamenti: {offers}.",
        "none_one": "Allentare soltanto questo limite non è bastato: va allentato anche qualche altro limite.",
        "none_many": "Allentarne uno solo non è bastato: ne vanno allentati più d'uno.",
    },
    "en": {
        "proven_one": "For {where} this limit cannot be kept: {limits}.",
        "proven_many": "For {where} these limits cannot be kept together: {limits}.",
        "searched_one": "For {where} a search has found no areas that keep this limit: {limits}.",
        "searched_many": "For {where} a search has found no areas that keep these limits together: {limits}.",
        "offer_one": "In this part of the territory this change would be enough: {offers}.",
        "offer_many": "In this part of the territory any one of these changes would be enough: {offers}.",
        "none_one": "Relaxing this limit alone was not enough: another one has to be relaxed as well.",
        "none_many": "Relaxing any one of them was not enough: more than one has to be relaxed.",
    },
}
JOINTS = {
    "it": {"and": " e ", "or": "; oppure ", "one_more": "un altro comune", "more": "altri {} comuni"},
    "en": {
        "and": " and ",
        "or": "; or ",
        "one_more": "one more municipality",
        "more": "{} more municipalities",
    },
}


def to_error(found: Infeasibility) -> InputError:
    """Return the error that names limits as the parameters they are."""
    named = ", ".join(_parameter(name, found.limits.get(name)) for name in found.constraints)
    certain = "cannot hold together" if found.proven else "were not found to hold together by a search"
    offers = "; or ".join(_change(name, loosened(name, value)) for name, value in found.relaxations.items())
    return InputError(
        "The constraints must allow a partition into feasible areas",
        f"{named or 'contiguity'} {certain} for {examples(found.municipalities)}",
        f"A partition exists with {offers}"
        if offers
        else "Relax several of them, or add edges to contiguity",
    )


def tell_infeasibility(
    found: Infeasibility, language: str = "it", names: Mapping[str, str] | pd.Series | None = None
) -> str:
    """Say which limits cannot be kept together, where, and what would do; see :meth:`Infeasibility.sentence`."""
    if language not in SENTENCES:
        raise unknown_name("The language", language, SENTENCES)
    known: Mapping[str, str] | pd.Series = {} if names is None else names
    texts, joints = SENTENCES[language], JOINTS[language]
    number = "one" if len(found.constraints) == 1 else "many"
    first = texts[f"{'proven' if found.proven else 'searched'}_{number}"].format(
        where=_places([str(known.get(code, code)) for code in found.municipalities], language),
        limits="; ".join(_limit(name, found.limits.get(name), language, known) for name in found.constraints),
    )
    if not found.relaxations:
        return f"{first} {texts[f'none_{number}']}"
    offers = [
        _offer(name, value, found.limits.get(name), language, known)
        for name, value in found.relaxations.items()
    ]
    second = texts["offer_one" if len(offers) == 1 else "offer_many"]
    return f"{first} {second.format(offers=joints['or'].join(offers))}"


def loosened(name: str, value: object) -> object:
    """Round the relaxation of a limit so that it can be read, and so that what was found still keeps it."""
    if isinstance(value, tuple):
        return tuple(loosened(name, part) for part in value)
    if not isinstance(value, int | float):
        return value
    if name == "validity":
        return math.floor(1e4 * value) / 1e4
    return math.ceil(value) if name.startswith("max_") else math.floor(value)


def _parameter(name: str, value: object) -> str:
    return PARAMETERS[name].format(_plain(value)) if name in PARAMETERS else name


def _change(name: str, value: object) -> str:
    if value == DROPPED:
        return f"{name} {DROPPED}"
    if name != "validity":
        return f"{name} at {_plain(value)}"
    part = "sizes and self-containment" if isinstance(value, tuple) else "self-containment"
    return f"the {part} asked for multiplied by {_plain(value)}"


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return "/".join(map(_plain, value))
    return f"{value:.10g}" if isinstance(value, int | float) else str(value)


def _places(names: list[str], language: str) -> str:
    """Join at most five names, followed by the number of the others."""
    joints, shown, others = JOINTS[language], names[:EXAMPLES_SHOWN], len(names) - EXAMPLES_SHOWN
    if others > 0:
        more = joints["one_more"] if others == 1 else joints["more"].format(_number(others, language))
        return ", ".join(shown) + joints["and"] + more
    return joints["and"].join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _limit(name: str, value: object, language: str, names: Mapping[str, str] | pd.Series) -> str:
    texts = LIMITS[language]
    if name.startswith(PAIR):
        return _pair(texts[PAIR], name, names)
    if isinstance(value, tuple):
        min_size, min_share, target_size, target_share = value
        return texts[name].format(
            _percent(min_share, language),
            _number(target_size, language),
            _percent(target_share, language),
            _number(min_size, language),
        )
    return (
        ONE[language].get(name, texts[name]) if value == 1 else texts[name].format(_number(value, language))
    )


def _offer(
    name: str, value: object, limit: object, language: str, names: Mapping[str, str] | pd.Series
) -> str:
    if name.startswith(PAIR):
        return _pair(WITHOUT[language][PAIR], name, names)
    value = loosened(name, value)
    if value in (DROPPED, 0) or (name, value) == ("min_members", 1):
        return WITHOUT[language][name]
    if isinstance(limit, tuple):
        value = _eased(limit, value)
    return _limit(name, value, language, names)


def _eased(limit: tuple, factor: object) -> tuple:
    """Multiply the parameters of validity: self-containments by a number, sizes as well by a tuple of one."""
    min_size, min_share, target_size, target_share = limit
    if isinstance(factor, tuple):
        size = factor[0]
        return _eased(
            (math.floor(min_size * size), min_share, math.floor(target_size * size), target_share), size
        )
    return min_size, _rounded(min_share * factor), target_size, _rounded(target_share * factor)


def _rounded(share: float) -> float:
    return math.floor(1e3 * share + 1e-9) / 1e3


def _pair(text: str, name: str, names: Mapping[str, str] | pd.Series) -> str:
    return text.format(*(names.get(code, code) for code in name.split(" ")[1:]))


def _percent(share: float, language: str) -> str:
    return _number(100 * share, language) + {"it": "\u00a0%", "en": "%"}[language]


def _number(value: object, language: str) -> str:
    """Write a number of at most one decimal as the language does."""
    text = f"{float(value):,.1f}".removesuffix(".0")  # type: ignore[arg-type]
    return text.translate(str.maketrans(",.", ".,")) if language == "it" else text
