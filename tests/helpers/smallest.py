"""The smallest workbook that has a sheet."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def package(
    path: Path, rows: str, strings: str = "", names: str = "", tables: Sequence[str] = ()
) -> Path:
    """Write the smallest workbook with these rows, shared texts, defined names, tables, as XML."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}">'
            f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            f'<sheet name="One" sheetId="1" r:id="r1"/></sheets>{names}</workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}">'
            f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="/xl/strings.xml"/>'
            "</Relationships>",
        )
        archive.writestr("xl/strings.xml", f'<sst xmlns="{MAIN}">{strings}</sst>')
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode(
                errors="surrogateescape"
            ),
        )
        for number, table in enumerate(tables):
            archive.writestr(f"xl/tables/table{number}.xml", table)
        relations = "".join(
            f'<Relationship Id="t{number}" Type="{OFFICE}/table" '
            f'Target="../tables/table{number}.xml"/>'
            for number in range(len(tables))
        )
        if tables:
            archive.writestr(
                "xl/worksheets/_rels/sheet1.xml.rels",
                f'<Relationships xmlns="{PACKAGE}">{relations}</Relationships>',
            )
    return path


def table_xml(name: str, ref: str, columns: Sequence[str], attributes: str = "") -> str:
    """Return the part of a table; the names of its columns are quoted here."""
    inner = "".join(
        f'<tableColumn id="{number}" name={quoteattr(column)}/>'
        for number, column in enumerate(columns, 1)
    )
    return (
        f'<table xmlns="{MAIN}" id="1" name="{name}" displayName="{name}" ref="{ref}" '
        f'{attributes}><tableColumns count="{len(columns)}">{inner}</tableColumns></table>'
    )
