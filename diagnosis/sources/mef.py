"""Ministry of Economy and Finance (MEF): personal income tax by municipality, tax year 2023.

Two layouts are read: the publisher's own ("Redditi e principali variabili IRPEF su base comunale", one column a kind
or class of income, for the number of taxpayers and for the amount) and the table that limen republishes, which has
the totals only. The publisher's layout is as public projects that read it describe it: this reader has met small files
made from that description, not the file itself.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.codes import carry, format_codes
from diagnosis.errors import SourceError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited
from diagnosis.tables import INCOME, VINTAGE

TAX_YEAR = "2023"
CODES = "2025"
"""Year of the municipality codes: returns for a tax year are published two years later."""

PUBLISHER = {
    "Anno di imposta": "year",
    "Codice Istat Comune": "code",
    "Numero contribuenti": "taxpayers",
    "Reddito complessivo - Frequenza": "income_filers",
    "Reddito complessivo - Ammontare in euro": "total_income",
    "Reddito imponibile - Ammontare in euro": "taxable_income",
    "Imposta netta - Ammontare in euro": "net_tax",
    "Reddito da lavoro dipendente e assimilati - Ammontare in euro": "employment_income",
    "Reddito da pensione - Ammontare in euro": "pension_income",
    "Reddito da lavoro autonomo (comprensivo dei valori nulli) - Ammontare in euro": "self_employment_income",
    "Reddito complessivo da 0 a 10000 euro - Frequenza": "filers_up_to_10000",
    "Reddito complessivo da 75000 a 120000 euro - Frequenza": "filers_75000_to_120000",
    "Reddito complessivo oltre 120000 euro - Frequenza": "filers_over_120000",
}
REPUBLISHED = {
    "anno_imposta": "year",
    "PRO_COM_T": "code",
    "contribuenti": "taxpayers",
    "reddito_complessivo": "total_income",
    "reddito_imponibile": "taxable_income",
    "imposta_netta": "net_tax",
}
NOWHERE = "000000"
"""Code of the row of taxpayers whose municipality is missing or wrong."""


def read_income(path: Path) -> pd.DataFrame:
    """Read what taxpayers declare, by municipality.

    Parameters
    ----------
    path : Path
        CSV of the publisher or of limen; which one is told by its header. The publisher leaves a cell blank where it
        counts fewer than four taxpayers, and sometimes a further one, so that the first cannot be worked out.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.INCOME`, in taxpayers and euros; the blank cells are named in
        ``masked``. Municipalities merged between 2022 and 2025 have no figures of their own: their row is empty.

    Raises
    ------
    diagnosis.errors.SourceError
        The file has neither layout, or another tax year.
    diagnosis.errors.InputError
        A number is not one, or a code is not a municipality of 2025.
    """
    path = Path(path)
    raw = read_delimited(path)
    own = any(str(name).strip().casefold() == "numero contribuenti" for name in raw.columns)
    table = pick_columns(raw, PUBLISHER if own else REPUBLISHED, path).astype("str")
    table = table.apply(lambda cells: cells.str.strip())
    years = table.pop("year")
    if (other := years[years != TAX_YEAR]).any():
        raise SourceError(
            f"{path.name} must hold tax year {TAX_YEAR}",
            f"found {examples(other.unique())}",
            "Use the edition that data/sources.yml names",
        )
    table["code"] = format_codes(table["code"])
    nowhere = table["code"] == NOWHERE
    notes = []
    if nowhere.any():
        number = ", ".join(table.loc[nowhere, "taxpayers"])
        notes.append(f"{number} taxpayers whose municipality is missing or wrong are left out.")
    table = table[~nowhere].reset_index(drop=True)
    numbers = [name for name in table.columns if name != "code"]
    for name in numbers:  # amounts are whole euros: a point can only separate thousands
        grouped = table[name].str.fullmatch(r"-?\d{1,3}(\.\d{3})+")
        table[name] = table[name].mask(grouped, table[name].str.replace(".", "", regex=False))
    checked = INCOME.check(table, path.name)
    secret = checked[numbers].isna()
    masked = pd.DataFrame({"masked": secret @ (secret.columns + " ")}, index=checked.index)
    register = read_register()
    carried = carry(checked[numbers], CODES, "sum", register)
    frame = INCOME.check(
        carried.assign(masked=carry(masked, CODES, "inherit", register)["masked"]), path.name
    )
    if secret.to_numpy().any():
        notes.append(
            f"{int(secret.to_numpy().sum())} cells are kept secret by the publisher and stay missing."
        )
    frame.attrs = {
        "vintage": VINTAGE,
        "notes": [f"income: {note}" for note in (*notes, *carried.attrs["notes"])],
    }
    return frame
