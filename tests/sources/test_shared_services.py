import pandas as pd
import pytest

from diagnosis.errors import InputError
from diagnosis.sources.shared_services import read_shared_services

CODES = pd.Index(["089001", "089002", "089003", "089004", "089005"])


def write(tmp_path, text):
    path = tmp_path / "servizi.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_municipalities_tied_by_rows_of_a_service_are_a_group(tmp_path):
    path = write(
        tmp_path,
        "servizio;comune;capofila\nPolizia locale;089001;089002\nPolizia locale;089003;089002\n"
        "Polizia locale;089004;089005\nTributi;89001;089005\n",
    )
    found = read_shared_services(path, CODES)
    assert found.groupby("group")["code"].agg(" ".join).to_dict() == {
        "Polizia locale 1": "089001 089002 089003",
        "Polizia locale 2": "089004 089005",
        "Tributi 1": "089001 089005",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("service,municipality,lead\nWaste,089001,\n", "rows without one of them: 2"),
        ("service,municipality,lead\nWaste,089001,Noto\n", "Noto"),
        ("service,municipality\nWaste,089001\n", "lead"),
        ("service,municipality,lead\n", "row"),
    ],
)
def test_a_broken_table_is_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_shared_services(write(tmp_path, text), CODES)
