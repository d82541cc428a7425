"""Municipalities as a city writes them (ISTAT codes, cadastral codes, names), found in the list of 2022.

Nothing is guessed in silence: an exact name or code is taken, one that differs by articles and abbreviations only is
taken and said, any other is a problem with the nearest candidates.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

CODE = re.compile(r"[0-9]{4,6}")
PREFIX = re.compile(r"^(comune|citta|municipio|gemeinde|commune) (di|del|della|d'|de|von) ?(?=\w)")
TOTAL = re.compile(
    r"(somma|media|complesso|italia)$"
    r"|(totale|totali|total|provincia|citta metropolitana|libero consorzio|regione|territorio|in complesso"
    r"|media (provinciale|regionale|nazionale|del territorio))\b"
)
SAINTS = ("san", "santo", "santa", "sant", "santi", "sante")
PARTICLES = frozenset(
    (
        "di", "del", "dello", "della", "dei", "degli", "delle", "d", "de", "in", "nel", "nello", "nella", "nei",
        "negli", "nelle", "nell", "dell", "all", "al", "allo", "alla", "ai", "agli", "alle", "sul", "sulla",
        "sui", "sullo", "sull", "a", "con", "e", "ed", "da", "dal", "lo", "la", "il", "i", "gli", "le", "l"
    )
)  # fmt: skip
NEAREST = 3
LIKENESS = 0.72
MOST_COMPARED = 200
"""Unknown names for which the nearest are looked up: each is compared with all municipalities."""


@dataclass(frozen=True)
class Match:
    """What a cell says of a municipality.

    Attributes
    ----------
    code : str or None
        Of 2022, or as written where it is none of 2022 (see `kind`).
    kind : str
        ``""``: found; ``"zeros"``: found, leading zeros were lost; ``"near"``: found but for articles and
        abbreviations; ``"territory"``: the only namesake in the territory; otherwise a kind of problem.
    candidates : tuple of str
        Codes of the nearest, or of those meant.
    """

    code: str | None
    kind: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether it is a municipality of 2022."""
        return self.kind in ("", "zeros", "near", "territory")


@dataclass(eq=False)
class PlaceIndex:
    """The municipalities of 2022 by all that they are called.

    Parameters
    ----------
    municipalities : DataFrame
        Indexed by code: ``name``, ``province``, ``province_name`` and, if there, ``province_sign``.
    cadastral : Series, optional
        Cadastral code by code.
    territory : iterable of str, optional
        Codes among which a name without a province is looked for first.
    """

    municipalities: pd.DataFrame
    cadastral: pd.Series | None = None
    territory: Iterable[str] = ()
    _by_name: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list), init=False)
    _by_loose: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list), init=False)
    _cache: dict[tuple[str, str], Match] = field(default_factory=dict, init=False)
    _compared: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.territory = frozenset(self.territory)
        self._codes = frozenset(self.municipalities.index)
        self._names = self.municipalities["name"].to_dict()
        for code, name in self._names.items():
            for key in dict.fromkeys(_keys(name)):
                self._by_name[key].append(code)
            for key in dict.fromkeys(_loose_keys(name)):
                self._by_loose[key].append(code)
        self._by_cadastral = (
            {} if self.cadastral is None else {str(v).upper(): code for code, v in self.cadastral.items()}
        )
        self._provinces = self._province_keys()
        self._province_of = self.municipalities["province"].to_dict()

    def _province_keys(self) -> dict[str, set[str]]:
        keys: dict[str, set[str]] = defaultdict(set)
        columns = [c for c in ("province_name", "province_sign") if c in self.municipalities]
        for column in columns:
            pairs = self.municipalities[[column, "province"]].drop_duplicates()
            for text, province in pairs.itertuples(index=False):
                for key in (_key(text), *(_key(part) for part in re.split(r"[/]", str(text)))):
                    keys[key].add(province)
        for province in self.municipalities["province"].unique():
            keys[province].add(province)
            keys[province.lstrip("0")].add(province)
        return keys

    def official(self, code: str) -> str:
        """Write a municipality with its name, province and code."""
        if code not in self._codes:
            return code
        column = "province_sign" if "province_sign" in self.municipalities else "province"
        return f"{self._names[code]} ({self.municipalities.at[code, column]}, {code})"

    def describe(self, codes: Iterable[str]) -> str:
        """Write several municipalities in a row, or a dash."""
        return ", ".join(map(self.official, codes)) or "–"

    def provinces(self, text: str) -> set[str]:
        """Return the codes of the provinces that a sign, a name or a code may mean."""
        plain = re.sub(r"^(provincia|citta metropolitana|libero consorzio comunale)( autonoma)? (di|del|della) ", "",
                       _plain(text))  # fmt: skip
        return self._provinces.get(re.sub("[^a-z0-9]", "", plain), set())

    def is_code(self, text: str) -> bool:
        """Whether a text is an ISTAT code of 2022, leading zeros or not."""
        digits = re.sub(r"\.0+$", "", text)
        return bool(CODE.fullmatch(digits)) and digits.zfill(6) in self._codes

    def is_cadastral(self, text: str) -> bool:
        """Whether a text is a cadastral code."""
        return text.upper() in self._by_cadastral

    def match_code(self, text: str) -> Match:
        """Find an ISTAT code; a code that is none of 2022 is handed back as one of an unknown year."""
        digits = re.sub(r"\.0+$", "", text)
        code = digits.zfill(6)
        if not CODE.fullmatch(digits):
            return Match(None, "unknown_code", self._near_codes(digits))
        if code in self._codes:
            return Match(code, "" if len(digits) == 6 else "zeros")
        return Match(code, "unknown_code", self._near_codes(code))

    def match_cadastral(self, text: str) -> Match:
        """Find a cadastral code."""
        code = self._by_cadastral.get(text.upper())
        near = difflib.get_close_matches(text.upper(), self._by_cadastral, n=NEAREST, cutoff=0.7)
        return (
            Match(code) if code else Match(None, "unknown_code", tuple(self._by_cadastral[k] for k in near))
        )

    def match_name(self, text: str, province: str = "") -> Match:
        """Find a municipality by its name.

        Parameters
        ----------
        text : str
            Case, accents, apostrophes, hyphens and the other language of a bilingual name do not matter; a province
            in brackets counts as `province`.
        province : str, optional
            Sign, name or code; tells namesakes.
        """
        if (text, province) not in self._cache:
            self._cache[text, province] = self._find(text, province)
        return self._cache[text, province]

    def is_name(self, text: str) -> bool:
        """Whether a text is the name of one or several municipalities."""
        return any(key in self._by_name for key in _written_keys(_split_province(text)[0]))

    def _find(self, text: str, province: str) -> Match:
        name, bracketed = _split_province(text)
        provinces = self.provinces(province or bracketed) if province or bracketed else None
        keys = _written_keys(name)
        codes = next((self._by_name[key] for key in keys if key in self._by_name), [])
        kind = ""
        if not codes:
            loose = {code for key in _loose_keys(name) for code in self._by_loose.get(key, ())}
            codes, kind = sorted(loose), "near"
        if provinces is not None and codes:
            inside = [code for code in codes if self._province_of[code] in provinces]
            if not inside:
                return Match(None, "other_province", tuple(codes))
            codes = inside
        if len(codes) == 1:
            return Match(codes[0], kind)
        if not codes:
            return Match(None, "unknown_name", self._near_names(name, provinces))
        spaced = [code for code in codes if _plain(self._names[code]) == _plain(name)]
        marked = [code for code in codes if _written(self._names[code]) == _written(name)]
        if len(spaced) == 1 and not kind:  # a blank tells them: Treville and Tre Ville
            return Match(spaced[0])
        if len(marked) == 1 and not _written(name).isascii():  # an accent does: Paternò is not Paterno
            return Match(marked[0], kind)
        inside = [code for code in codes if code in self.territory]
        if len(inside) == 1 and not kind:
            return Match(inside[0], "territory", tuple(codes))
        return Match(None, "ambiguous_name", tuple(codes))

    def _near_names(self, name: str, provinces: set[str] | None) -> tuple[str, ...]:
        """Nearest names: those of the province or the territory first, then of the whole list."""
        self._compared += 1
        if self._compared > MOST_COMPARED:
            return ()
        key = _key(name)
        found: list[str] = []
        first = [
            k
            for k, codes in self._by_name.items()
            if any(c in self.territory or (provinces and self._province_of[c] in provinces) for c in codes)
        ]
        for pool in (first, self._by_name):
            for near in difflib.get_close_matches(key, pool, n=NEAREST, cutoff=LIKENESS):
                found += [code for code in self._by_name[near] if code not in found]
        return tuple(found[:NEAREST])

    def _near_codes(self, code: str) -> tuple[str, ...]:
        """Nearest codes: one digit wrong, missing or swapped."""
        self._compared += 1
        if self._compared > MOST_COMPARED:
            return ()
        pool = [c for c in self._codes if c[:3] == code[:3]] or list(self._codes)
        return tuple(difflib.get_close_matches(code, sorted(pool), n=NEAREST, cutoff=0.6))


def is_total(text: str) -> bool:
    """Whether the cell of a municipality says that the row is a total or a mean."""
    return bool(TOTAL.match(_plain(text)))


def _split_province(text: str) -> tuple[str, str]:
    hit = re.fullmatch(r"(.+?)\s*[\(\[]\s*([^()\[\]]+?)\s*[\)\]]", text)
    return (hit[1], hit[2]) if hit else (text, "")


def _plain(text: object) -> str:
    """Write in lower case without accents, with one kind of apostrophe, hyphens and strokes as blanks."""
    unified = re.sub("[’‘`´ʼ]", "'", str(text).casefold())
    bare = unicodedata.normalize("NFKD", unified).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^a-z0-9'/.]+", " ", bare).split())


def _written(text: str) -> str:
    unified = re.sub("[’‘`´ʼ]", "'", unicodedata.normalize("NFC", str(text)).casefold())
    return " ".join(unified.split())


def _key(text: object) -> str:
    return re.sub("[^a-z0-9]", "", _plain(text))


def _keys(name: str) -> list[str]:
    """Keys of an official name: the whole, and each language of a bilingual one, in either order."""
    parts = [part for part in re.split(r"/", name) if part.strip()]
    keys = [_key(name), *(_key(part) for part in parts), _key("".join(reversed(parts)))]
    return [key for key in keys if key]


def _written_keys(text: str) -> list[str]:
    """Keys under which a name as written is looked for: as it is, then without "Comune di"."""
    plain = _plain(text)
    keys = [_key(plain), _key(PREFIX.sub("", plain))]
    return [key for key in dict.fromkeys(keys) if key]


def _loose_keys(text: str) -> list[str]:
    """Keys of a name without articles and prepositions; the saint of an abbreviation is left open."""
    keys = []
    for part in {text, *text.split("/")}:
        words = [word for word in re.split(r"[ '/.]+", PREFIX.sub("", _plain(part))) if word]
        kept = [
            "s" if word in (*SAINTS, "s", "ss", "st") else word for word in words if word not in PARTICLES
        ]
        if kept:
            keys.append(" ".join(kept))
    return keys
