"""IronCalc, a second embedded engine with an independent code base, for cross-checking."""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from threading import Lock

from workbook_tools.engines import is_panic
from workbook_tools.engines.answers import with_answers
from workbook_tools.engines.plain_copy import plain_copy, plain_file, plain_names, without_notes
from workbook_tools.engines.workplace import workplace
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import is_too_long
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Calculation, Columns
from workbook_tools.package.workbook import open_package

_MOST_NESTED = 500  # levels; IronCalc crashes at 4,000, Excel allows 64
_POWERS = re.compile(r"(?:[\w.$]*+\^)++|[\w.$]++")  # a^b^c^, or a word
_OTHER_WORKBOOK = re.compile(r"\[[^\[\]]+\][^\]!']*+'?!")  # [1]Sheet1!A1


class IronCalcCalculation(Calculation):
    """The values of a workbook that IronCalc has calculated."""

    zero = 2.0**-52  # measured: neither 1e-16 > 0 nor −1e-16 < 0 holds


_silencing = Lock()  # a second thread would save the silenced streams as the original ones


@contextmanager
def silenced() -> Iterator[None]:
    """Suppress what IronCalc prints: warnings about odd cells, and panics.

    Standard output may be a report.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with _silencing, open(os.devnull, "wb") as nothing:
        kept = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in kept:
                os.dup2(nothing.fileno(), number)
            yield
        finally:
            for number, own in kept:
                os.dup2(own, number)
                os.close(own)


def recalculate(path: Path) -> IronCalcCalculation:
    """Recalculate a workbook; raises ``InputError`` if IronCalc cannot."""
    with open_package(path) as package:  # refuses a file that is no workbook, with one line
        for sheet in package.sheets:
            for formula in package.iterate(sheet.part, "f"):
                _refuse(path, sheet.name, formula.text or "")
        sheets, stored = read_sheets(package)
        names = plain_names(package.sheet_names)
        copy = plain_copy(package, names)
        without_notes(copy)  # IronCalc cannot open workbooks with notes
        if not copy.is_changed and not package.has_other_sheets:
            with suppress(InputError, UnicodeEncodeError):  # the path may not be valid Unicode
                return _calculated(path, path, names, sheets, stored)
        with workplace() as place:
            plain = place.folder / "workbook.xlsx"
            plain.write_bytes(plain_file(copy))
            return _calculated(path, plain, names, sheets, stored)


def _calculated(
    path: Path, copy: Path, names: Mapping[str, str], sheets: Sequence[Sheet], stored: Columns
) -> IronCalcCalculation:
    """Calculate ``copy``: the user's ``path`` with its sheets renamed by ``names``."""
    try:
        import ironcalc
    except ImportError as error:
        raise InputError(
            "ironcalc is not installed; pip install ironcalc, or use another --engine"
        ) from error
    with _errors_as_ours(path, ironcalc.WorkbookError), silenced():
        model = ironcalc.load_from_xlsx(str(copy))
        model.evaluate()
        theirs = [sheet["name"] for sheet in model.get_worksheets_properties()]
        if lost := [sheet.name for sheet in sheets if names[sheet.name] not in theirs]:
            raise InputError(
                f"{path}: ironcalc does not find its sheet {lost[0]!r}; use another --engine"
            )

        def answers(sheet: str, column: int, rows: range) -> Iterator[CellValue]:
            number = theirs.index(names[sheet])
            for row in rows:
                value: CellValue = model.get_cell_value(number, row, column)
                if (
                    isinstance(value, str)
                    and value.startswith("#")
                    and model.get_cell_type(number, row, column) == ironcalc.CellType.ErrorValue
                ):
                    value = CellError(value)
                yield value

        calculation = IronCalcCalculation(with_answers(sheets, stored, answers))
    calculation.engine = f"ironcalc {ironcalc.__version__}"
    return calculation


@contextmanager
def _errors_as_ours(path: Path, failure: type[Exception]) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not isinstance(error, failure) and not is_panic(error):
            raise
        raise InputError(
            f"{path}: ironcalc cannot calculate it ({error}); use another --engine"
        ) from error


def _refuse(path: Path, sheet: str, formula: str) -> None:
    """Refuse a formula that IronCalc crashes at or misreads."""
    powers = (match[0].count("^") for match in _POWERS.finditer(formula))
    if _nesting(formula) > _MOST_NESTED or max(powers, default=0) >= _MOST_NESTED:
        why = "is nested too deeply for ironcalc"
    elif is_too_long(formula):  # IronCalc crashes at some of 30,000 characters
        why = "is longer than Excel allows"
    elif _OTHER_WORKBOOK.search(formula):
        why = "reads another workbook, whose values ironcalc does not know"
    else:
        return
    raise InputError(f"{path}: a formula of sheet {sheet!r} {why}; use another --engine")


def _nesting(formula: str) -> int:
    """Return how deep parentheses and braces are nested."""
    if sum(map(formula.count, "({")) <= _MOST_NESTED:
        return 0  # certainly not too deep
    steps = (1 if sign in "({" else -1 for sign in formula if sign in "(){}")
    return max(accumulate(steps))
