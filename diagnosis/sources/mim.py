"""Ministry of Education and Merit (MIM): registers of schools, and pupils of each school.

The publisher's live files carry e-mail, certified e-mail and web addresses and telephone numbers of schools. Only the
columns named in :data:`REGISTER_COLUMNS` and :data:`PUPILS_COLUMNS` are ever read; the others leave the file with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.codes import VINTAGE_DAYS, changes
from diagnosis.errors import InputError, SourceError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.istat import read_municipality_list
from diagnosis.sources.packing import DAMAGED, open_text
from diagnosis.tables import GRADES, PUPILS, SCHOOLS, VINTAGE, Table

REGISTER_COLUMNS = {
    "ANNOSCOLASTICO": "school_year",
    "CODICESCUOLA": "school",
    "CODICECOMUNESCUOLA": "cadastral",
    "DESCRIZIONETIPOLOGIAGRADOISTRUZIONESCUOLA": "type",
}
STATE_COLUMNS = {
    "CODICEISTITUTORIFERIMENTO": "institute",
    "DESCRIZIONECARATTERISTICASCUOLA": "character",
}
"""In the registers of state schools only."""
PUPILS_COLUMNS = {"CODICESCUOLA": "school", "NUMEROSTUDENTI": "pupils"}

STATE, PRIVATE, AUTONOMOUS = "state", "private", "autonomous"
AUTONOMOUS_REGIONS = ("02", "04")
"""Valle d'Aosta and Trentino-Alto Adige: private schools and most pupils are in no file, nor Trento's and Bolzano's
preschools, so that neither a number of schools nor of pupils can be compared with those of the other regions."""

ADMINISTRATIVE = re.compile(
    r"ISTITUTO (COMPRENSIVO|SUPERIORE)|CENTRO TERRITORIALE|CRIA|CONVITTO|EDUCANDATO|NON DISP"
)
"""Types of rows that are head offices, adult education or boarding houses, with no pupils of their own."""
TYPES = {
    "preschool": re.compile("SCUOLA INFANZIA"),
    "primary": re.compile("SCUOLA PRIMARIA"),
    "lower_secondary": re.compile("SCUOLA (SEC. )?PRIMO GRADO"),
    "upper_secondary": re.compile(r"LICEO|ISTITUTO|IST |SCUOLA MAGISTRALE|SCUOLA SEC\. SECONDO GRADO"),
}
NOT_ORDINARY = (
    "C/O IST. OSPEDALIERO",
    "SPEC. PER CARCERARI",
    "PERCORSO II LIVELLO",
    "CPIA",
    "CONVITTO NAZIONALE",
    "EDUCANDATO FEMMINILE",
)
"""Schools in hospitals and prisons, of adults, in the evening, and boarding houses listed as schools: none of them
has a number of pupils, and the children of a place do not go there."""

MASKED = re.compile(r"<=(\d+)")
GRADE_SIGNS = {
    **dict.fromkeys(("AA", "1A"), "preschool"),
    **dict.fromkeys(("EE", "1E"), "primary"),
    **dict.fromkeys(("MM", "1M"), "lower_secondary"),
}
"""Third and fourth character of the code of a school below upper secondary, state and private."""


def read_school_list(state: Path, private: Path, autonomous: Path, municipality_list: Path) -> pd.DataFrame:
    """Read the three registers of schools as one list.

    Parameters
    ----------
    state, private, autonomous : Path
        CSV of state schools, of private schools with equal status (paritarie), and of the state schools of the
        autonomous regions; plain or gzipped. They may be of different school years.
    municipality_list : Path
        Municipalities of 2026 with cadastral codes, see :func:`diagnosis.sources.istat.read_municipality_list`.

    Returns
    -------
    DataFrame
        Indexed by ``school``: ``code`` (municipality of 2022; missing where it was merged since), ``grade`` (one of
        :data:`diagnosis.tables.GRADES`; missing for head offices, adults, hospitals and prisons), ``kind``,
        ``school_year`` (``2025/26``), ``institute`` (school whose head runs it, missing for private ones).

    Raises
    ------
    diagnosis.errors.SourceError
        A file is not such a register.
    diagnosis.errors.InputError
        A school is listed twice, or stands in an unknown municipality.
    """
    parts = []
    for kind, path in ((STATE, state), (PRIVATE, private), (AUTONOMOUS, autonomous)):
        columns = REGISTER_COLUMNS if kind == PRIVATE else {**REGISTER_COLUMNS, **STATE_COLUMNS}
        parts.append(_read_columns(Path(path), columns).assign(kind=kind))
    schools = pd.concat(parts, ignore_index=True)
    if (repeated := schools["school"].duplicated()).any():
        raise InputError(
            "A school must be in one register, once",
            f"{int(repeated.sum())} are not: {examples(schools.loc[repeated, 'school'])}",
        )
    register = read_register()
    places = pd.Series(register.index, index=register["cadastral"].to_numpy())
    later = read_municipality_list(Path(municipality_list))["cadastral"]
    cadastral = schools["cadastral"]
    strange = pd.Index(cadastral.unique()).difference(places.index).difference(later)
    unknown = cadastral.isin(strange)
    if unknown.any():
        raise InputError(
            f"Every school must stand in a municipality of {VINTAGE} or later, by its cadastral code",
            f"{int(unknown.sum())} do not: {examples(cadastral[unknown].unique())}",
            "Use a list of municipalities as recent as the registers",
        )
    schools["code"] = cadastral.map(places)
    schools.loc[schools["code"].isin(_merged_since(_latest_day(schools))), "code"] = None
    schools["grade"] = _grades(schools)
    year = schools["school_year"]
    schools["school_year"] = year.str[:4] + "/" + year.str[4:]
    return schools.set_index("school")[["code", "grade", "kind", "school_year", "institute"]]


def read_schools(state: Path, private: Path, autonomous: Path, municipality_list: Path) -> pd.DataFrame:
    """Count schools by municipality and grade.

    Parameters
    ----------
    state, private, autonomous, municipality_list : Path
        See :func:`read_school_list`.

    Returns
    -------
    DataFrame, 7,904 rows
        In the contract :data:`diagnosis.tables.SCHOOLS`. A school is one code of the register (punto di erogazione):
        upper secondary institutes have one for each kind of course. Missing in the two autonomous regions, but for
        what the register of their state schools holds, and in municipalities merged since 2022.

    Raises
    ------
    diagnosis.errors.SourceError, diagnosis.errors.InputError
        See :func:`read_school_list`.
    """
    schools = read_school_list(state, private, autonomous, municipality_list)
    register = read_register()
    taught = schools[schools["grade"].notna()]
    public = taught[taught["kind"] != PRIVATE]
    counts = {f"{grade}_schools": _count(taught, grade, register.index) for grade in GRADES}
    counts |= {f"{grade}_public_schools": _count(public, grade, register.index) for grade in GRADES}
    # An institute stands where its head office does, which is a row of the register under its own code.
    seat = taught["institute"].map(schools["code"])
    first_cycle = taught[(taught["kind"] == STATE) & (taught["grade"] != "upper_secondary")]
    elsewhere = first_cycle[seat.reindex(first_cycle.index).ne(first_cycle["code"])]
    for name, part in (("first_cycle_state_schools", first_cycle), ("first_cycle_led_elsewhere", elsewhere)):
        counts[name] = part["code"].value_counts().reindex(register.index).fillna(0)
    frame = pd.DataFrame(counts, index=register.index, dtype=float)
    autonomous_region = register["region"].isin(AUTONOMOUS_REGIONS)
    frame.loc[autonomous_region, [name for name in frame if "_public_" not in name]] = np.nan
    listed = public.loc[public["kind"] == AUTONOMOUS].groupby("grade")["code"].agg(set).to_dict()
    for grade in GRADES:  # preschools are in the register of Valle d'Aosta only
        regions = {register.at[code, "region"] for code in listed.get(grade, ()) if isinstance(code, str)}
        frame.loc[autonomous_region & ~register["region"].isin(regions), f"{grade}_public_schools"] = np.nan
    return _finish(SCHOOLS, frame, schools, [])


def read_pupils(
    path: Path, state: Path, private: Path, autonomous: Path, municipality_list: Path
) -> pd.DataFrame:
    """Add up pupils by municipality and grade, where they attend.

    A school with at most 3 pupils is masked by the publisher; a school of the registers may have no number at all,
    because it has no pupils, or because it had another code in the year of the numbers. Neither is guessed: the sum
    of what is counted comes with the largest number that is compatible with what is known, in which a masked school
    counts with its bound, and a school without number as one of those of its province and grade that have a number
    but are in no register, the largest first.

    Parameters
    ----------
    path : Path
        CSV with ``CODICESCUOLA`` and ``NUMEROSTUDENTI`` (a number, or ``<=3``).
    state, private, autonomous, municipality_list : Path
        See :func:`read_school_list`.

    Returns
    -------
    DataFrame, 7,904 rows
        In the contract :data:`diagnosis.tables.PUPILS`; missing in the two autonomous regions and in municipalities
        merged since 2022. ``attrs["notes"]`` says how many pupils could not be placed.

    Raises
    ------
    diagnosis.errors.SourceError
        A file is not what it should be.
    diagnosis.errors.InputError
        A school has two numbers, or one that is neither a number nor masked; or see :func:`read_school_list`.
    """
    path = Path(path)
    numbers = _read_numbers(path)
    schools = read_school_list(state, private, autonomous, municipality_list)
    unplaced = numbers[schools.index.get_indexer(numbers.index) < 0]
    taught = schools[schools["grade"].notna()].join(numbers)
    counted, masked = taught["pupils"].notna(), taught["pupils"].isna() & taught["at_most"].notna()
    index = read_register().index
    province = pd.Series(taught.index, taught.index).str[:2].groupby(taught["code"]).first().reindex(index)
    columns = {}
    for grade in GRADES:
        rows = taught[taught["grade"] == grade]
        pupils = rows["pupils"].groupby(rows["code"]).sum().reindex(index).fillna(0)
        bound = rows["at_most"].groupby(rows["code"]).sum().reindex(index).fillna(0)
        bound += _most_lost(rows[rows["at_most"].isna()], unplaced).reindex(index).fillna(0)
        columns[f"{grade}_pupils"] = pupils
        columns[f"{grade}_pupils_at_most"] = bound
        for name, kept in (("counted", counted), ("uncounted", ~counted & ~masked), ("masked", masked)):
            columns[f"{grade}_{name}_schools"] = _count(taught[kept], grade, index)
        elsewhere = unplaced["at_most"][_read_grade(unplaced.index) == grade]
        elsewhere = elsewhere.groupby(elsewhere.index.str[:2]).sum()
        columns[f"{grade}_unplaced"] = province.map(elsewhere).fillna(0)
    state_run = taught[(taught["grade"] == "preschool") & (taught["kind"] == STATE)]
    state_pupils = state_run["pupils"].groupby(state_run["code"]).sum().reindex(index).fillna(0)
    columns["preschool_state_pupils"] = state_pupils
    frame = pd.DataFrame(columns, index=index, dtype=float).assign(school_province=province)
    frame.loc[read_register()["region"].isin(AUTONOMOUS_REGIONS)] = np.nan
    share = numbers["pupils"].sum() and 100 * unplaced["pupils"].sum() / numbers["pupils"].sum()
    notes = [
        (
            f"{len(unplaced)} schools with {unplaced['pupils'].sum():.0f} pupils ({share:.1f} %) are in no register "
            "and could not be placed."
        ),
        f"{int(numbers['pupils'].isna().sum())} schools have a masked number of pupils, which is never guessed.",
        f"{int((~counted & ~masked).sum())} schools of the registers have no number of pupils.",
    ]
    return _finish(PUPILS, frame, schools, notes)


def _read_numbers(path: Path) -> pd.DataFrame:
    """Pupils by school and the most they can be; the first is missing where masked."""
    raw = _read_columns(path, PUPILS_COLUMNS)
    if (repeated := raw["school"].duplicated()).any():
        raise InputError(
            f"{path.name}: a school must have one number of pupils",
            f"{int(repeated.sum())} have more: {examples(raw.loc[repeated, 'school'])}",
        )
    text = raw["pupils"].str.strip()
    bound = text.str.extract(f"^{MASKED.pattern}$", expand=False)
    wrong = ~text.str.fullmatch(r"\d+") & bound.isna()
    if wrong.any():
        raise InputError(
            f"{path.name}: NUMEROSTUDENTI must be a whole number, or masked as in '<=3'",
            f"{int(wrong.sum())} are not: {examples(text[wrong])}",
        )
    pupils = pd.to_numeric(text.where(bound.isna()), errors="coerce").to_numpy(dtype=float)
    at_most = np.where(np.isnan(pupils), pd.to_numeric(bound).to_numpy(dtype=float), pupils)
    return pd.DataFrame({"pupils": pupils, "at_most": at_most}, index=pd.Index(raw["school"], name="school"))


def _most_lost(schools: pd.DataFrame, unplaced: pd.DataFrame) -> pd.Series:
    """Most pupils by municipality of schools without number, were they the largest of those in no register."""
    sizes = unplaced["at_most"].groupby(_origin(unplaced.index))
    pool = {origin: np.sort(size)[::-1].cumsum() for origin, size in sizes}
    lost = schools["code"].groupby([schools["code"], _origin(schools.index)]).size()
    most = [
        pool[origin][min(number, len(pool[origin])) - 1] if origin in pool else 0.0
        for (_, origin), number in lost.items()
    ]
    return pd.Series(most, index=lost.index, dtype=float).groupby(level=0).sum()


def _read_columns(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read the named columns of a CSV file, plain or gzipped, as text; no other column is parsed."""
    import pyarrow as pa
    import pyarrow.csv

    options = pyarrow.csv.ConvertOptions(
        include_columns=list(columns),
        column_types=dict.fromkeys(columns, pa.string()),
        strings_can_be_null=False,
    )
    try:
        with open_text(path) as stream:
            table = pyarrow.csv.read_csv(
                stream,
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
                convert_options=options,
            )
    except (pa.ArrowInvalid, KeyError, *DAMAGED) as problem:
        reason = str(problem).replace(str(path), path.name)
        raise SourceError(
            f"{path.name} must be a CSV file with the columns {', '.join(columns)}",
            f"it cannot be read: {reason}",
            "Use the edition that data/sources.yml names",
        ) from problem
    return pd.DataFrame({ours: table.column(theirs).to_pandas() for theirs, ours in columns.items()})


def _grades(schools: pd.DataFrame) -> pd.Series:
    kinds = pd.Series(schools["type"].unique())
    found = pd.Series(None, index=kinds.to_numpy(), dtype=object)
    for grade, pattern in TYPES.items():
        found[kinds[kinds.str.match(pattern)].to_numpy()] = grade
    found[kinds[kinds.str.upper().str.match(ADMINISTRATIVE)].to_numpy()] = None
    return schools["type"].map(found).where(~schools["character"].isin(NOT_ORDINARY))


def _read_grade(schools: pd.Index) -> pd.Series:
    """Grade as the code of a school says it."""
    return pd.Series(schools, schools, dtype="str").str[2:4].map(GRADE_SIGNS).fillna("upper_secondary")


def _origin(schools: pd.Index) -> np.ndarray:
    """Province, grade and ownership as the code of a school says them: a school with a new code keeps them."""
    codes = pd.Series(schools, dtype="str")
    return (codes.str[:2] + codes.str[2:4].where(codes.str[2:4].isin(GRADE_SIGNS), "--")).to_numpy()


def _count(schools: pd.DataFrame, grade: str, index: pd.Index) -> pd.Series:
    counts = schools.loc[schools["grade"] == grade, "code"].value_counts()
    return counts.reindex(index).fillna(0)


def _latest_day(schools: pd.DataFrame) -> str:
    """First day of the latest school year, which begins on 1 September."""
    return f"{schools['school_year'].str[:4].max()}-09-01"


def _merged_since(day: str) -> set[str]:
    """Municipalities of 2022 that were merged by a day: a register of that day cannot be shared out between them."""
    found = changes()
    later = (found["date"] > VINTAGE_DAYS[VINTAGE]) & (found["date"] <= day)
    return set(found.loc[later & (found["kind"] == "merger"), "before"])


def _finish(contract: Table, frame: pd.DataFrame, schools: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Take out what merged municipalities hide, check, and say what the numbers rest on."""
    years = schools.groupby("kind")["school_year"].first()
    merged = sorted(_merged_since(f"{years.max()[:4]}-09-01"))
    frame.loc[merged] = np.nan
    frame = contract.check(frame.rename_axis("code").sort_index(), "MIM")
    listed = ", ".join(f"{kind} schools {year}" for kind, year in years.items())
    said = [
        *notes,
        f"The registers are of different school years: {listed}.",
        "Valle d'Aosta and Trentino-Alto Adige are missing: no file covers all of their schools and pupils.",
        f"{len(merged)} municipalities merged since {VINTAGE} are missing: {examples(merged)}.",
    ]
    frame.attrs = {"vintage": VINTAGE, "notes": [f"{contract.name}: {note}" for note in said]}
    return frame
