"""The sentences that say why a municipality is in its area, in both languages."""

from __future__ import annotations

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
        "it": "Fuori dal comune {name} ha il legame più forte con {own}: {exchange}; {comparison}.",
        "en": "Outside the municipality {name} is linked most with {own}: {exchange}; {comparison}.",
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
            "Il comune di {name} è stato assegnato nella fase finale, in base al solo legame, all'ambito di {area}: "
            "{exchange}; {comparison}."
        ),
        "en": (
            "{name} was placed in the last phase, by its link alone, in the area of {area}: {exchange}; {comparison}."
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
    "fewer": {
        "it": (
            "in proporzione il legame con l'ambito di {rival} è più forte, ma le persone che si spostano sono di più "
            "con quello attuale"
        ),
        "en": (
            "in proportion the link with the area of {rival} is stronger, but more people travel to and from the "
            "present one"
        ),
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
