"""Calculates formulas that are not in a file."""

from collections.abc import Iterable, Iterator, Mapping

import formualizer as fz

from workbook_tools.engines import is_panic
from workbook_tools.engines.formualizer_settings import config, prepare, value_of
from workbook_tools.engines.plain_copy import plain_names
from workbook_tools.formulas.references import forwards, with_sheets
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellError, CellValue, of_sheet

_NO_SHEET = "no such sheet"


def evaluate(
    formulas: Mapping[Cell, str], numbers: Iterable[Mapping[Cell, float]]
) -> Iterator[dict[Cell, CellValue]]:
    """Calculate formulas that are not in a file, once for each set of numbers in other cells.

    All sets have the same cells. A formula that cannot be parsed, or that refers to a sheet
    without numbers, gives an error value.
    """
    loose: _Loose | None = None
    for cells in numbers:
        try:
            loose = loose or _Loose(formulas, cells)
            yield loose.with_numbers(cells)
        except BaseException as error:
            if not isinstance(error, fz.ExcelEvaluationError) and not is_panic(error):
                raise
            if is_panic(error):
                loose = None  # it cannot be used again
            if len(formulas) == 1:
                yield dict.fromkeys(formulas, CellError(str(error)))
                continue
            yield {
                place: value
                for place, formula in formulas.items()
                for found in evaluate({place: formula}, [cells])
                for value in found.values()
            }


class _Loose:
    """Formulas that are not in a file."""

    def __init__(self, formulas: Mapping[Cell, str], numbers: Iterable[Cell]) -> None:
        names = sorted({sheet for sheet, _, _ in [*formulas, *numbers]})
        self._names = plain_names(names)
        self._formulas = formulas
        self._workbook = fz.Workbook(config=config())
        prepare(self._workbook)
        for name in self._names.values():
            self._workbook.add_sheet(name)
        self._is_read = False

    def with_numbers(self, numbers: Mapping[Cell, float]) -> dict[Cell, CellValue]:
        """Return the values of the formulas with these numbers in other cells."""
        for (sheet, row, column), number in numbers.items():
            self._workbook.set_value(self._names[sheet], row, column, float(number))
        if not self._is_read:  # parsing is slow, so formulas are parsed once
            for (sheet, row, column), formula in self._formulas.items():
                text = with_sheets(forwards(formula), self._called)
                self._workbook.set_formula(self._names[sheet], row, column, text)
            self._is_read = True
        self._workbook.evaluate_all()
        get = self._workbook.get_value
        return {
            (sheet, row, column): value_of(get(self._names[sheet], row, column))
            for sheet, row, column in self._formulas
        }

    def _called(self, sheet: str) -> str:
        # Not the name itself: formualizer has a default sheet, which must not be found.
        return of_sheet(self._names, sheet) or _NO_SHEET
