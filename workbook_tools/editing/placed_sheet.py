"""Puts a sheet into a workbook: at the end, or after another one."""

from typing import Any

from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import SheetPart
from workbook_tools.package.xml_parts import added, number

_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"


def place_sheet(
    copy: PackageCopy, name: str, content: bytes, after: str | None = None
) -> SheetPart:
    """Add a sheet, given its XML, after another one or at the end; the name must be free."""
    workbook = copy.package.workbook_part
    key = copy.add(workbook, "worksheet", "xl/worksheets/sheet{}.xml", _CONTENT_TYPE, content)
    sheets = copy.workbook.find("{*}sheets")
    last = max(number(sheet.get("sheetId")) for sheet in sheets)
    element = added(sheets, "sheet", name=name, sheetId=str(last + 1))
    element.set(f"{{{copy.relation_names}}}id", key)
    if after is not None:
        other = next(sheet for sheet in sheets if sheet.get("name") == after)
        other.addnext(element)
        _count_from(copy.workbook, sheets.index(element))
    copy.changed(workbook)
    part = next(r.part for r in copy.relations(workbook) if r.key == key)
    return SheetPart(name, part)


def _count_from(workbook: Any, place: int) -> None:
    """Correct the numbers of sheets, which count from 0, after one was inserted."""
    for tag, attribute in (
        ("definedNames/{*}definedName", "localSheetId"),
        ("bookViews/{*}workbookView", "activeTab"),
        ("bookViews/{*}workbookView", "firstSheet"),
    ):
        for element in workbook.iterfind(f"{{*}}{tag}"):
            own = element.get(attribute)
            if own is not None and number(own) >= place:
                element.set(attribute, str(number(own) + 1))
