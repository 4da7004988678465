"""Copies of workbooks that every engine can read: sheets with plain names, and no notes.

Engines treat some names of sheets differently from Excel: they may have a sheet of their own with
the same name, rename a sheet, or confuse two. So they get a copy in which such sheets have names
that every engine accepts.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import chain
from itertools import count as counting

from workbook_tools.engines.repacking import repacked
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.references import with_sheets
from workbook_tools.notation.addresses import MAX_SHEET_NAME_LENGTH, column_number
from workbook_tools.package.cell_values import of_sheet
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import WorkbookPackage

_OWN = "Sheet1"  # the name of an engine's own first sheet, until it has loaded another
# Characters that Excel does not allow, escapes of others, and what confuses references.
_NOT_PLAIN = re.compile(r"[!\[\]:*?/\\]|[^\S ]|^'|'$|_x[0-9A-Fa-f]{4}_")
_CELL = re.compile(r"(?P<column>[A-Z]{1,3})(?P<row>[1-9]\d{0,6})", re.ASCII)
_NO_NAMES = Names()
_NOTES = ("/comments", "/threadedComment", "/vmlDrawing")


def plain_names(names: Sequence[str]) -> dict[str, str]:
    """Return, for each sheet's name, one that every engine accepts: the same, if possible."""
    taken = Counter(chain.from_iterable(map(_alike, names)))
    plain: dict[str, str] = {}
    for name in names:
        own = _alike(name)
        if _is_plain(name) and all(taken[reading] == 1 for reading in own):
            plain[name] = name
            continue
        taken.subtract(own)
        others = (f"Sheet {number}" for number in counting(1))
        first = [_OWN] if name.lower() == _OWN.lower() else []
        plain[name] = next(
            other
            for other in chain(first, others)
            if not any(taken[reading] for reading in _alike(other))
        )
        taken.update(_alike(plain[name]))
    return plain


def _is_plain(name: str) -> bool:
    is_own = name == _OWN or _alike(name).isdisjoint(_alike(_OWN))
    return is_own and 0 < len(name) <= MAX_SHEET_NAME_LENGTH and not _NOT_PLAIN.search(name)


def _alike(name: str) -> set[str]:
    """Return the forms of a name in which programs compare it if they ignore case."""
    return {name.lower(), name.upper(), name.casefold()}


def plain_copy(
    package: WorkbookPackage, names: Mapping[str, str], defined: Names = _NO_NAMES
) -> PackageCopy:
    """Return a copy of a workbook with its sheets renamed by ``names``, also in its formulas.

    There, the names ``defined`` are replaced by what they stand for. Raises ``InputError`` if a
    part cannot be read.
    """
    copy = PackageCopy(package)
    if not defined.any and all(name == new for name, new in names.items()):
        return copy

    def renamed(name: str) -> str:
        return of_sheet(names, name) or name

    for sheet in copy.workbook.iterfind("{*}sheets/{*}sheet"):
        sheet.set("name", renamed(sheet.get("name", "")))
    for name in copy.workbook.iterfind("{*}definedNames/{*}definedName"):
        name.text = with_sheets(name.text or "", renamed)
    copy.changed(package.workbook_part)
    for part in package.sheets:
        for formula in copy.xml(part.part).iterfind("{*}sheetData/{*}row/{*}c/{*}f"):
            text = formula.text or ""
            if defined.any and (cell := _CELL.fullmatch(formula.getparent().get("r", ""))):
                place = part.name, int(cell["row"]), column_number(cell["column"])
                text = defined.put_into(text, place)
            if text and (text := with_sheets(text, renamed)) != formula.text:
                formula.text = text
                copy.changed(part.part)
    return copy


def plain_file(copy: PackageCopy) -> bytes:
    """Return a copy as a file that any engine can read; raises ``InputError`` as ``plain_copy``."""
    content = BytesIO()
    copy.save(content)
    with zipfile.ZipFile(content) as archive:
        return repacked(WorkbookPackage(copy.package.path, archive))


def without_notes(copy: PackageCopy) -> None:
    """Remove the notes from a copy."""
    for sheet in copy.sheets:
        for relation in copy.relations(sheet.part):
            if relation.part and relation.kind.endswith(_NOTES):
                copy.remove(sheet.part, relation)
