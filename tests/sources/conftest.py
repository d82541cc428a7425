"""Small files of foreign formats, made where they are tested."""

import zipfile
from xml.sax.saxutils import escape

import pytest

RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _cell(value) -> str:
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


@pytest.fixture(scope="session")
def write_workbook():
    """Write the smallest workbook that holds the sheets: name -> rows of text and numbers."""

    def write(path, sheets):
        numbers = range(1, len(sheets) + 1)
        entries = "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, sheets, strict=True)
        )
        targets = "".join(
            f'<Relationship Id="rId{number}" Type="{RELATIONSHIPS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in numbers
        )
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "[Content_Types].xml",
                f'<Types xmlns="{PACKAGE}/content-types">'
                '<Default Extension="xml" ContentType="application/xml"/></Types>',
            )
            archive.writestr(
                "_rels/.rels",
                f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
                f'Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            )
            archive.writestr(
                "xl/workbook.xml",
                f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATIONSHIPS}"><sheets>{entries}</sheets></workbook>',
            )
            archive.writestr(
                "xl/_rels/workbook.xml.rels",
                f'<Relationships xmlns="{PACKAGE}/relationships">{targets}</Relationships>',
            )
            for number, rows in zip(numbers, sheets.values(), strict=True):
                lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
                archive.writestr(
                    f"xl/worksheets/sheet{number}.xml",
                    f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{lines}</sheetData></worksheet>',
                )
        return path

    return write
