"""Data of persons have no place in a table of municipalities: columns that look like them are refused.

What is sought: Italian tax codes, e-mail addresses, telephone numbers, addresses, names of persons, dates of birth. A
heuristic errs on the side of refusing; the city can declare a column harmless, but not one of tax codes or e-mails.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from diagnosis.schema import Text
from diagnosis.sources.tabular import normalise

TAX_CODE = re.compile(
    r"(?<![A-Z0-9])[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z](?![A-Z0-9])"
)
"""Tax code of a natural person, letters for digits included (D.M. 23 December 1976, articles 1-8)."""
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ODD = dict(
    zip(
        SIGNS,
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
EMAIL = re.compile(r"[\w.+-]{1,64}\s?(?:@|\(at\)|\[at\])\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", re.IGNORECASE)
TELEPHONE = re.compile(
    r"(?:tel\.?|cell\.?)?\s*(?:(?:\+|00)39[\s./-]?)[0-9][0-9\s./-]{6,12}|0[0-9]{1,3}[\s./-]?[0-9]{5,8}"
    r"|3[0-9]{2}[\s./-]?[0-9]{6,7}|3[0-9]{2}[\s./-][0-9]{3}[\s./-]?[0-9]{3,4}",
    re.IGNORECASE,
)
ADDRESS = re.compile(
    r"(?:via|v\.|viale|v\.le|piazza|p\.zza|p\.za|piazzale|corso|c\.so|largo|vicolo|strada|contrada|c\.da|localita"
    r"|località|loc\.|lungomare|traversa|salita|borgo|frazione|fraz\.)\s+[^\d,]{2,60}(?:,?\s*(?:n\.?\s*°?|n°)?\s*\d{1,4}.*|,.*)?",
    re.IGNORECASE,
)
HEADINGS = {
    # by kind: words of a heading, as tabular.normalise writes them
    "tax_code": ("codice_fiscale", "cod_fiscale", "codicefiscale", "cod_fisc", "fiscal_code", "tax_code"),
    "email": ("email", "e_mail", "mail", "pec", "posta_elettronica"),
    "telephone": ("telefono", "tel", "cellulare", "cell", "phone", "mobile", "recapito", "recapito_telefonico", "fax"),
    "address": ("indirizzo", "residenza_via", "domicilio", "address", "via_e_numero", "numero_civico", "civico"),
    "name": ("cognome", "cognome_e_nome", "nome_e_cognome", "nominativo", "surname", "last_name", "first_name",
             "full_name", "intestatario", "titolare", "responsabile", "referente", "sindaco", "legale_rappresentante",
             "beneficiario", "richiedente", "utente_nome", "nome_utente", "nome_alunno"),
    "birth": ("data_di_nascita", "data_nascita", "nato_il", "luogo_di_nascita", "luogo_nascita", "date_of_birth",
              "birth_date", "dob"),
}  # fmt: skip
KINDS = {
    "tax_code": Text(it="codici fiscali", en="tax codes"),
    "email": Text(it="indirizzi e-mail", en="e-mail addresses"),
    "telephone": Text(it="numeri di telefono", en="telephone numbers"),
    "address": Text(it="indirizzi", en="addresses"),
    "name": Text(it="nomi di persone", en="names of persons"),
    "birth": Text(it="dati di nascita", en="data of birth"),
}
EXCUSABLE = ("telephone", "address", "name")
"""Kinds that the city can declare not to be of persons: schools have names and addresses too."""
SHARE, FEWEST = 0.3, 3
LARGEST_FIGURE = 1e7
SMALL_NUMBER = re.compile(r"[-+]?[0-9]{0,7}([.,][0-9]+)?\s?[%€]?|[-–]|n\.?d\.?")


@dataclass(frozen=True)
class PersonalData:
    """A column that looks like data of persons.

    Attributes
    ----------
    column : int
        Position.
    kind : str
        Key of :data:`KINDS`.
    number : int
        Cells; 0 where the heading says it.
    position : int
        Of the first such cell among the cells.
    """

    column: int
    kind: str
    number: int = 0
    position: int = 0


def find_personal(
    headings: Sequence[str],
    columns: Iterable[Sequence[object]],
    exempt: Collection[str] = (),
    places: Collection[int] = (),
) -> list[PersonalData]:
    """Find the columns that look like data of persons.

    Parameters
    ----------
    headings : sequence of str
    columns : iterable of sequence
        Cells of each column.
    exempt : collection of str
        Headings declared to be of no person.
    places : collection of int
        Positions of the columns of municipalities and provinces, whose names may sound like those of persons.

    Returns
    -------
    list of PersonalData
        One a column at most.
    """
    harmless = {normalise(heading) for heading in exempt}
    found = []
    for position, (heading, cells) in enumerate(zip(headings, columns, strict=True)):
        excused = normalise(heading) in harmless
        hit = _by_content(position, cells, excused=excused, place=position in places)
        kind = None if _are_figures(cells) else _by_heading(heading)
        if hit is None and kind and position not in places and not (excused and kind in EXCUSABLE):
            hit = PersonalData(position, kind)
        if hit:
            found.append(hit)
    return found


def _by_heading(heading: str) -> str | None:
    plain = normalise(heading)
    for kind, names in HEADINGS.items():
        if any(re.search(rf"(^|_){name}(_|$)", plain) for name in names if len(name) > 4):
            return kind
        if plain in names:
            return kind
    return None


def _are_figures(cells: Sequence[object]) -> bool:
    """Whether all cells are numbers too small for telephones: "households with a telephone (%)" is of no person."""
    filled = [cell for cell in cells if cell != ""]
    numbers = [cell for cell in filled if not isinstance(cell, str) or SMALL_NUMBER.fullmatch(cell)]
    return (
        bool(filled)
        and len(numbers) == len(filled)
        and all(
            isinstance(cell, str) or (isinstance(cell, int | float) and abs(cell) < LARGEST_FIGURE)
            for cell in numbers
        )
    )


def _by_content(position: int, cells: Sequence[object], *, excused: bool, place: bool) -> PersonalData | None:
    texts = [(i, str(cell)) for i, cell in enumerate(cells) if isinstance(cell, str) and cell.strip()]
    for kind, holds in (("tax_code", holds_tax_code), ("email", holds_email)):
        if hits := [i for i, text in texts if holds(text)]:
            return PersonalData(position, kind, len(hits), hits[0])
    if excused or place:
        return None
    for kind, holds in (("telephone", is_telephone), ("address", is_address), ("name", is_person)):
        hits = [i for i, text in texts if holds(text)]
        different = {texts_by for i, texts_by in texts if i in set(hits)} if len(hits) >= FEWEST else set()
        if len(different) >= FEWEST and len(hits) >= SHARE * len(texts):
            return PersonalData(position, kind, len(hits), hits[0])
    return None


def holds_tax_code(text: str) -> bool:
    """Whether a text holds the tax code of a person, its last letter being the right one."""
    return any(check_letter(code[:15]) == code[15] for code in TAX_CODE.findall(text.upper()))


def check_letter(code: str) -> str:
    """Return the check letter of the first 15 signs of a tax code (D.M. 23 December 1976, article 8)."""
    total = sum(
        ODD[sign] if i % 2 == 0 else (int(sign) if sign.isdigit() else ord(sign) - 65)
        for i, sign in enumerate(code)
    )
    return chr(65 + total % 26)


def holds_email(text: str) -> bool:
    """Whether a text holds an e-mail address."""
    return bool(EMAIL.search(text))


def find_mention(text: str) -> str | None:
    """Return which of what is of persons in any text it holds, a key of :data:`KINDS`; None if neither."""
    if holds_tax_code(text):
        return "tax_code"
    return "email" if holds_email(text) else None


def tell_kind(kind: str) -> str:
    """Say in both languages what a kind of data of persons is."""
    return f"{KINDS[kind].it} / {KINDS[kind].en}"


def is_telephone(text: str) -> bool:
    """Whether a text is an Italian telephone number."""
    return bool(TELEPHONE.fullmatch(text.strip()))


def is_address(text: str) -> bool:
    """Whether a text is a street with or without number."""
    return bool(ADDRESS.fullmatch(text.strip()))


@functools.cache
def given_names() -> frozenset[str]:
    """Return common given names of residents of Italy, without accents."""
    text = Path(__file__).with_name("given_names.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def is_person(text: str) -> bool:
    """Whether a text is two to four words, one of them a common given name."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    plain = re.fullmatch(r"[^\W\d_]+(?:[ ,.'’-]+[^\W\d_]+){1,3}\.?", text.strip())
    return bool(plain) and 2 <= len(words) <= 5 and any(normalise(word) in given_names() for word in words)
