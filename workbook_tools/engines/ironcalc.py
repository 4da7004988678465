"""The second embedded engine: IronCalc, another code base, for cross-checking."""

import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from workbook_tools.engines import CellError, CellValue
from workbook_tools.errors import InputError
from workbook_tools.package import open_package

_MOST_NESTED = 500  # it crashes at 4,000; Excel allows 64 levels
_POWERS = re.compile(r"(?:[\w.$]*+\^)++|[\w.$]++")  # a^b^c^, or a word
_OTHER_WORKBOOK = re.compile(r"\[[^\[\]]+\][^\]!']*+'?!")  # [1]Sheet1!A1


class IronCalcCalculation:
    """A workbook that IronCalc has calculated."""

    tolerance = 1e-12  # it carries full doubles
    storage = 0.0
    zero = 2.0**-52  # measured: of 1e-16 and −1e-16, none is > 0 or < 0

    def __init__(self, path: Path, copy: Path) -> None:
        """Calculate ``copy``; ``path`` is what the user calls it."""
        try:
            import ironcalc
        except ImportError as error:
            raise InputError(
                "ironcalc is not installed; pip install ironcalc, or use another --engine"
            ) from error
        self.engine = f"ironcalc {ironcalc.__version__}"
        self._errors = ironcalc.CellType.ErrorValue
        try:
            with _silenced():
                self._model = ironcalc.load_from_xlsx(str(copy))
                self._model.evaluate()
        except ironcalc.WorkbookError as error:
            raise InputError(
                f"{path}: ironcalc cannot calculate it ({error}); use another --engine"
            ) from error
        sheets = self._model.get_worksheets_properties()
        self._sheets = {sheet["name"]: number for number, sheet in enumerate(sheets)}

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        number = self._sheets[sheet]
        return [
            [self._value(number, row, column) for column in range(first_column, last_column + 1)]
            for row in range(first_row, last_row + 1)
        ]

    def _value(self, sheet: int, row: int, column: int) -> CellValue:
        value = self._model.get_cell_value(sheet, row, column)
        if (
            isinstance(value, str)
            and value.startswith("#")
            and self._model.get_cell_type(sheet, row, column) == self._errors
        ):
            return CellError(value)
        return value


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep what IronCalc prints of odd cells off the standard output, where a report may go."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def recalculate(path: Path) -> IronCalcCalculation:
    """Recalculate a workbook; raises ``InputError`` if IronCalc cannot."""
    with open_package(path) as package:  # what is no workbook is refused here, in one line
        for sheet in package.sheets:
            for formula in package.iterate(sheet.part, "f"):
                _refuse(path, sheet.name, formula.text or "")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "workbook.xlsx")
        _copy_without_notes(path, copy)
        return IronCalcCalculation(path, copy)


def _refuse(path: Path, sheet: str, formula: str) -> None:
    """Refuse a formula that IronCalc crashes at, or makes something else of."""
    powers = (match[0].count("^") for match in _POWERS.finditer(formula))
    if _nesting(formula) > _MOST_NESTED or max(powers, default=0) >= _MOST_NESTED:
        why = "is nested too deeply for ironcalc"
    elif _OTHER_WORKBOOK.search(formula):
        why = "reads another workbook, of which ironcalc does not know the values"
    else:
        return
    raise InputError(f"{path}: a formula of sheet {sheet!r} {why}; use another --engine")


def _nesting(formula: str) -> int:
    """Return how deep parentheses and braces are nested."""
    if sum(map(formula.count, "({")) <= _MOST_NESTED:
        return 0  # not deep at any rate
    steps = (1 if sign in "({" else -1 for sign in formula if sign in "(){}")
    return max(accumulate(steps))


def _copy_without_notes(path: Path, copy: Path) -> None:
    """Copy a workbook without its notes, with which IronCalc cannot open it."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for name in source.namelist():
            if "comments" in name.lower() and not name.endswith(".rels"):
                continue
            with source.open(name) as old, target.open(name, "w") as new:
                if name.endswith(".rels"):
                    new.write(_without(rb"comments|vmlDrawing", b"Relationship", old.read()))
                elif name == "[Content_Types].xml":
                    new.write(_without(rb"comments", b"Override", old.read()))
                else:
                    while chunk := old.read(1 << 20):
                        new.write(chunk)


def _without(pattern: bytes, tag: bytes, xml: bytes) -> bytes:
    """Return XML without the empty elements of a name in which a pattern is found."""

    def kept(element: re.Match[bytes]) -> bytes:
        return b"" if re.search(pattern, element[0]) else element[0]

    return re.sub(rb"<" + tag + rb" [^<>]*+(?<=/)>", kept, xml)
