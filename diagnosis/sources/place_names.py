"""Municipalities by name: what publishers without codes write, and the municipality of 2022 it stands for.

A name is accepted where it can stand for one municipality only. Homonyms are told apart by the province or region
given with them, or by a declared position; a misspelt name needs a position that confirms it. What is left is
handed back with its nearest candidates.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.codes import VINTAGE_DAYS, format_codes
from diagnosis.errors import SourceError, examples
from diagnosis.sources.code_lists import read_suppression_list
from diagnosis.sources.formats import pick_columns
from diagnosis.tables import CRS, VINTAGE

if TYPE_CHECKING:
    import geopandas as gpd

BILINGUAL_BY_HYPHEN = "06"
"""Region (Friuli-Venezia Giulia) whose bilingual names are joined by a hyphen; elsewhere it is a slash."""

RENAMED = {
    # names of the census of 2011 whose municipality kept its cadastral code and changed its name by 2022 (ISTAT)
    "Brenzone": "023014",
    "Capaccio": "065025",
    "Casorzo": "005020",
    "Castellania": "006045",
    "Castellinaldo": "004051",
    "Costermano": "023030",
    "Fubine": "006076",
    "Montebello Ionico": "080053",
    "Negrar": "023052",
    "Ortonovo": "011020",
    "Soraga": "022176",
    "Tremosine": "017189",
}
ENLARGED = {
    # the same, but the municipality took others in
    "San Giorgio di Mantova": "020057",
    "Sermide": "020061",
}
AFFIXES = (
    r"^(comune|citta|gemeinde|municipio)( di| del| della| dell)? ",
    r" ?20[2-5]0$",
    r" 20[2-5][0-9]$",
    r" (italy|italia)$",
    r" (double|duplicated|comune)$",
)
"""What signatories write around a name, in the order it is taken off; years are those of a later plan."""

CLOSE, NEAR, FAR = 15_000.0, 50_000.0, 150_000.0
"""Metres from the centre of a municipality within which a declared position confirms it, tells homonyms apart, or
beyond which it speaks against it."""

SIZE_FACTOR = 2.0
"""A homonym whose residents are more than so many times those declared, or less than their part, is not chosen."""

LIKENESS = 0.85
LEAST_LIKENESS = 0.6
SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789"
"""What a key is made of, see :func:`key`."""

CANDIDATES = 3
ENGLISH = {
    "sicily": "19",
    "sardinia": "20",
    "tuscany": "09",
    "lombardy": "03",
    "piedmont": "01",
    "apulia": "16",
    "milan": "015",
    "padua": "028",
    "venice": "027",
    "genoa": "010",
    "turin": "001",
    "rome": "058",
    "naples": "063",
    "florence": "048",
}
"""Regions and provinces by English name; the Italian ones are those of the register."""


def fold(text: str) -> str:
    """Write a name in lower case, without accents and signs, its words separated by one blank."""
    plain = re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text.casefold()))
    return re.sub(r"[^a-z0-9]+", " ", plain).strip()


def key(text: str) -> str:
    """Write a name without anything between its words: the form in which names are compared."""
    return fold(text).replace(" ", "")


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """The names a municipality of 2022 is known by.

    Attributes
    ----------
    names : DataFrame
        ``key``, ``words``, ``code`` and ``match`` (name, bilingual, renamed or former), one row a pair.
    places : DataFrame
        Indexed by code: ``province``, ``region``, ``province_sign``, ``x`` and ``y`` of its centre in metres,
        ``residents``.
    territories : dict of str to str
        Key of the name of a province or region to its code (3 or 2 digits).
    """

    names: pd.DataFrame
    places: pd.DataFrame
    territories: dict[str, str]

    @classmethod
    def of(
        cls, municipalities: gpd.GeoDataFrame, residents: pd.Series, former: pd.DataFrame | None = None
    ) -> Gazetteer:
        """Build it from the municipalities of 2022, their residents, and names that merged (:func:`read_former`)."""
        rows = []
        for code, name, region in municipalities[["name", "region"]].itertuples():
            rows.append((name, code, "name"))
            parts = name.split("/")
            if region == BILINGUAL_BY_HYPHEN and "-" in name:
                parts = name.split("-")
            rows += [(part, code, "bilingual") for part in parts if len(parts) > 1]
        for match, listed in (("renamed", RENAMED), ("former", ENLARGED)):
            rows += [(name, code, match) for name, code in listed.items() if code in municipalities.index]
        if former is not None:
            rows += [(row.name, row.code, "former") for row in former.itertuples(index=False)]
        names = pd.DataFrame(rows, columns=["name", "code", "match"])
        names["words"] = names["name"].map(fold)
        names["key"] = names["words"].str.replace(" ", "", regex=False)
        present = names.loc[names["match"] != "former", "key"]
        # A present name is never read as that of a municipality that is gone.
        names = names[(names["match"] != "former") | ~names["key"].isin(present)]
        centres = municipalities.geometry.centroid
        places = pd.DataFrame(municipalities[["province", "region", "province_sign"]]).assign(
            x=centres.x, y=centres.y, residents=residents.reindex(municipalities.index)
        )
        territories = dict(ENGLISH)
        for level in ("province", "region"):
            named = municipalities.drop_duplicates(level)
            for full, code in zip(named[f"{level}_name"], named[level], strict=True):
                territories |= {key(part): code for part in full.split("/")}
        return cls(
            names.drop_duplicates(["key", "code"])[["key", "words", "code", "match"]], places, territories
        )

    @cached_property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """The rows of `names`."""
        return list(self.names.itertuples(index=False, name=None))

    @cached_property
    def signs(self) -> np.ndarray:
        """How often each of :data:`SIGNS` is in the key of each name: names x signs."""
        forms = self.names["key"].to_numpy(dtype="S")
        letters = forms.view("uint8").reshape(len(forms), -1)
        return np.stack([(letters == ord(sign)).sum(axis=1) for sign in SIGNS], axis=1)

    @cached_property
    def starts(self) -> np.ndarray:
        """First two signs of the key of each name."""
        return self.names["key"].to_numpy(dtype="U2")

    @cached_property
    def positions(self) -> np.ndarray:
        """Row of each name's municipality in `places`."""
        return self.places.index.get_indexer(self.names["code"])

    def words(self) -> set[str]:
        """Return the words, of four letters or more, of all names of places."""
        found = {word for words in self.names["words"] for word in words.split() if len(word) > 3}
        return found | set(self.territories)


def read_former(path: Path, since: str, register: pd.DataFrame) -> pd.DataFrame:
    """Read the municipalities that merged into others, with the municipality of 2022 they are part of.

    Parameters
    ----------
    path : Path
        ISTAT's list of suppressed municipalities and their successors: CSV separated by semicolons.
    since : str
        First day, ISO.
    register : DataFrame
        Municipalities of 2022, indexed by code.

    Returns
    -------
    DataFrame of str
        ``name`` and ``code``, one row a municipality.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this list.
    """
    path = Path(path)
    columns = {
        "Data evento": "date",
        "Codice Comune": "before",
        "Denominazione Comune": "name",
        "Codice del Comune associato alla variazione": "after",
    }
    events = pick_columns(read_suppression_list(path), columns, path)
    days = pd.to_datetime(events["date"], format="%d/%m/%Y", errors="coerce")
    if (wrong := days.isna()).any():
        raise SourceError(
            f"{path.name}: every event must have a day, as dd/mm/yyyy",
            f"{int(wrong.sum())} have none, for instance {examples(events.loc[wrong, 'date'])}",
        )
    events = events.assign(day=days)[(days >= since) & (days <= VINTAGE_DAYS[VINTAGE])].sort_values("day")
    events = events.assign(before=format_codes(events["before"]), after=format_codes(events["after"]))
    code = events["after"]
    for _, step in events.groupby("day"):
        successors = step.drop_duplicates("before").set_index("before")["after"]
        later = events["day"] < step["day"].iloc[0]
        code = code.where(~later, code.map(successors).fillna(code))
    former = pd.DataFrame({"name": events["name"].str.strip(), "code": code})
    return former[former["code"].isin(register.index)].drop_duplicates(ignore_index=True)


def match_names(published: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    """Find the municipality each name stands for.

    Parameters
    ----------
    published : DataFrame
        ``name``; ``territory``, a text that may name a province or region; ``residents``, ``latitude`` and
        ``longitude`` in degrees, missing where none is declared. Any index.
    gazetteer : Gazetteer

    Returns
    -------
    DataFrame of object
        Index of `published`: ``code`` and ``match`` (one of :data:`diagnosis.tables.energy.MATCHES`), missing where
        the name stands for none or several; then ``candidates`` (codes of at most three similar names, nearest
        first) and ``possible`` (those the name may well mean), separated by blanks.
    """
    x, y = _project(published["longitude"], published["latitude"])
    by_key: dict[str, dict[str, str]] = {}
    for name, code, match in gazetteer.names[["key", "code", "match"]].itertuples(index=False):
        by_key.setdefault(name, {})[code] = match
    places = {place.Index: place for place in gazetteer.places.itertuples()}
    rows: list[tuple] = []
    for row in zip(*(published[name] for name in ("name", "territory", "residents")), x, y, strict=True):
        name = row[0]
        forms, bare = _forms(name)
        found = next((by_key[form] for form in forms if form in by_key), {})
        if not found and "." in name:
            found = _abbreviated(name, gazetteer.names)
        if not found:
            rows.append(_resembling(bare, row[3], row[4], gazetteer))
            continue
        chosen = _choose(found, row, _sign(name), places, gazetteer.territories)
        codes = " ".join(found)
        rows.append((chosen, found[chosen], None, None) if chosen else (None, None, codes, codes))
    columns = ["code", "match", "candidates", "possible"]
    return pd.DataFrame(rows, index=published.index, columns=columns, dtype=object)


def _project(longitude: pd.Series, latitude: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    import pyproj

    transformer = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    x, y = transformer.transform(longitude.to_numpy(dtype=float), latitude.to_numpy(dtype=float))
    known = np.isfinite(x) & np.isfinite(y)
    return np.where(known, x, np.nan), np.where(known, y, np.nan)


def _forms(name: str) -> tuple[list[str], str]:
    """Keys a name may have, from what is written to parts of a bilingual name; and the key without affixes."""
    plain = bare = fold(re.sub(r"\((..?)\)?(?=\s|$)", " ", name))
    for affix in AFFIXES:
        bare = re.sub(affix, "", bare)
    parts = re.split(r"\s+[-/]\s+|/", name)
    forms = [fold(name), plain, bare, *(map(fold, parts) if len(parts) > 1 else ())]
    return [form.replace(" ", "") for form in dict.fromkeys(forms)], bare.replace(" ", "")


def _sign(name: str) -> str:
    """Sign of a province in brackets, ``Cesa (CE)``."""
    found = re.search(r"\(([A-Za-z]{2})\)?(?=\s|$)", name)
    return found[1].upper() if found else ""


def _named_in(territory: str, territories: dict[str, str]) -> set[str]:
    words = fold(territory).split()
    spans = {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(i + 4, len(words)) + 1)}
    return {territories[span] for span in spans if span in territories}


def _choose(found: dict[str, str], row: tuple, sign: str, places: dict, territories: dict) -> str | None:
    """Return the one code that the name, its sign, its territory or its position single out."""
    _, territory, residents, px, py = row
    codes, named = list(found), _named_in(territory, territories)
    if sign and (signed := [code for code in codes if places[code].province_sign == sign]):
        return signed[0] if len(signed) == 1 else None
    away = {code: math.hypot(places[code].x - px, places[code].y - py) for code in codes}
    inside = [code for code in codes if {places[code].province, places[code].region} & named]
    if len(codes) == 1:
        return None if named and not inside and away[codes[0]] > FAR else codes[0]
    like = [  # what merged into a municipality had fewer residents than it has
        code for code in codes if found[code] == "former" or not _differ(places[code].residents, residents)
    ]
    for evidence in (
        [code for code in inside if not away[code] > FAR],
        [code for code in codes if away[code] < NEAR],
    ):
        if len(evidence) == 1:
            return evidence[0] if evidence[0] in like else None
    return None


def _differ(residents: float, declared: float) -> bool:
    return not residents / SIZE_FACTOR <= declared <= residents * SIZE_FACTOR and math.isfinite(
        residents * declared
    )


def _abbreviated(name: str, names: pd.DataFrame) -> dict[str, str]:
    """Names whose words start as the abbreviated ones do: ``Pozzuolo M.``, ``Mercato S. Severino``."""
    words = re.findall(r"\w+\.?", unicodedata.normalize("NFKD", name))
    pattern = " ?".join(fold(word) + ("[a-z]*" if word.endswith(".") else "") for word in words)
    found = names[names["words"].str.fullmatch(pattern)]
    return dict.fromkeys(found["code"], "abbreviation")


def _resembling(form: str, px: float, py: float, gazetteer: Gazetteer) -> tuple:
    """Accept a short or misspelt name that a position confirms; otherwise list what it resembles."""
    places = gazetteer.places
    metres = np.hypot(places["x"].to_numpy() - px, places["y"].to_numpy() - py)
    signs, counts = gazetteer.signs, np.array([form.count(sign) for sign in SIGNS])
    lengths = signs.sum(axis=1)
    near = metres[gazetteer.positions] < NEAR
    alike = np.char.startswith(gazetteer.starts, form[:2]) & (np.abs(lengths - len(form)) <= 4)
    # The most a matcher's ratio can be: what its quick_ratio is, for all names at once.
    most = 2.0 * np.minimum(signs, counts).sum(axis=1) / (lengths + len(form))
    worth = (most > LEAST_LIKENESS) | np.char.startswith(gazetteer.starts, form[:2])
    rows = np.concatenate([np.flatnonzero(near & worth), np.flatnonzero(alike & worth & ~near)])
    scores: dict[str, tuple[float, str]] = {}
    matcher = difflib.SequenceMatcher(None, form, autojunk=False)
    for row in rows.tolist():
        found, words, code, match = gazetteer.rows[row]
        starts = found.startswith(form) and _starts(form, words)
        score = 0.0
        if most[row] > LEAST_LIKENESS:
            matcher.set_seq2(found)
            score = matcher.ratio()
        if starts:
            score = max(score, LIKENESS)
        kind = match if match == "former" else "short" if starts else "spelling"
        if score > scores.get(code, (LEAST_LIKENESS, ""))[0]:
            scores[code] = (score, kind)
    away = pd.Series(metres, places.index)
    ranked = sorted(scores, key=lambda code: (-scores[code][0], not away[code] < NEAR, away[code]))
    possible = [code for code in ranked if scores[code][0] >= 0.75 and away[code] < NEAR]
    sure = [code for code in ranked if scores[code][0] >= LIKENESS and away[code] < CLOSE]
    if len(sure) == 1 and possible[0] == sure[0]:
        return sure[0], scores[sure[0]][1], None, None
    return None, None, " ".join(ranked[:CANDIDATES]) or None, " ".join(possible) or None


def _starts(start: str, words: str) -> bool:
    """Whether the first words of a name, and not only its first letters, make up `start`."""
    parts = words.split()
    return len(start) > 3 and any("".join(parts[:n]) == start for n in range(1, len(parts)))
