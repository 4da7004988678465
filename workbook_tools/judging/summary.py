"""Checks a summary: the cells that list each training sheet's learning rate and results."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from workbook_tools.formulas.references import anchoring
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.draws import DRAWS, SEED
from workbook_tools.judging.faults import Fault, Kind, Suggestion, fault_of_value
from workbook_tools.judging.probe import agree
from workbook_tools.judging.report import Cells, SummaryReport
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.stated import SummaryRow
from workbook_tools.reading.table import Table
from workbook_tools.reading.trial import evaluate_on, read_elsewhere


@dataclass(frozen=True)
class _SummaryCell:
    """A cell that should show a table's loss or accuracy at an iteration (0: its learning rate)."""

    table: Table
    symbol: str
    iteration: int
    place: Cell
    formula: str | None

    @property
    def target(self) -> Cell | None:
        """The cell whose value this one should show; None if there is none."""
        if not self.iteration:
            return self.table.rate_cell
        column = self.table.columns.get(self.symbol)
        position = (self.iteration - 1) * self.table.block
        if column is None or position >= len(self.table.rows):
            return None
        return self.table.sheet.name, self.table.row_of(position), column


def compare_summary(
    sheet: Sheet,
    rows: list[SummaryRow],
    tables: list[Table],
    calculation: Calculation,
    tolerance: float,
) -> SummaryReport:
    """Check the summary on one sheet, every cell against the table that its row names."""
    report = SummaryReport(sheet.name, Cells(), [])
    cells = [
        _SummaryCell(row.table, symbol, iteration, cell, sheet.formula_at(*cell[1:]))
        for row in rows
        for (symbol, iteration), cell in {
            (LEARNING_RATE, 0): row.rate_cell,
            **row.result_cells,
        }.items()
    ]
    right = _are_right(cells, tables, calculation)
    own_styles = [anchoring(cell.formula) if cell.formula else None for cell in cells]
    counts = Counter(own_styles)
    for cell, is_right, own in zip(cells, right, own_styles, strict=True):
        styles = {style for style, count in counts.items() if count > (style == own)}
        fault = _judge(cell, is_right, styles, report.cells, calculation, tolerance)
        if fault:
            report.faults.append(_suggested(fault, cell, styles, tables, calculation))
    return report


def _suggested(
    fault: Fault,
    cell: _SummaryCell,
    styles: set[str | None],
    tables: list[Table],
    calculation: Calculation,
) -> Fault:
    """Return a fault with a suggestion: the formula that fetches what its cell should show."""
    if cell.target is None:
        return fault
    sheet, row, column = cell.target
    for absolute in (True, False):
        text = f"={sheet_prefix(sheet)}{cell_name(row, column, absolute)}"
        if len(styles) == 1 and anchoring(text) not in styles:
            continue
        if _are_right([replace(cell, formula=text)], tables, calculation)[0]:
            edit = change_in_words(cell.formula, text)
            suggestion = Suggestion({cell.place[1]: text}, edit, None, 1, DRAWS)
            return replace(fault, suggestion=suggestion)
    return fault


def _are_right(
    cells: list[_SummaryCell], tables: list[Table], calculation: Calculation
) -> list[bool]:
    """Tell for each cell of a summary whether its formula reads what it should.

    Every table gets its own random rate and losses. A cell without a formula is right.
    """
    right = [True] * len(cells)
    generator = np.random.default_rng(SEED)
    wanted = {(cell.symbol, cell.iteration) for cell in cells}
    targets = {
        _SummaryCell(table, *at, ("", 0, 0), None).target for table in tables for at in wanted
    }
    planted = {t: generator.uniform(0.1, 2.0, DRAWS) for t in sorted(filter(None, targets))}
    for k, cell in enumerate(cells):
        if cell.formula is None or cell.target is None:
            continue
        sheet = cell.place[0]
        read = read_elsewhere([cell.formula], sheet, planted, calculation)
        kept = {place: np.array([number]) for place, number in read.items()}
        [found] = evaluate_on({**kept, **planted}, sheet, [cell.formula], DRAWS)
        right[k] = found is None or bool(agree(found, planted[cell.target]))
    return right


def _judge(
    cell: _SummaryCell,
    is_right: bool,
    styles: set[str | None],
    counts: Cells,
    calculation: Calculation,
    tolerance: float,
) -> Fault | None:
    """Count one cell and return what is wrong with it, if anything.

    ``styles`` tells where the other formulas have their $; None stands for cells without a formula.
    """
    expected = _expected(cell)
    value = number_at(cell.place, calculation)
    allowed = (tolerance + calculation.storage) * abs(expected)
    wrong = not abs(value - expected) <= allowed
    if cell.formula is None:
        if None in styles or not styles or expected != expected:
            return None  # there are other typed cells, or there is nothing to compare with
        return _fault(Kind.TYPED_VALUE, cell, value, expected, wrong)
    counts.formulas += 1
    if expected != expected:
        counts.leave_out(1, "the sheet that it names has no such value")
        return None
    counts.checked += 1
    if not is_right:
        kind = Kind.WRONG_FORMULA if wrong else Kind.LATENT
    elif wrong:
        kind = Kind.WRONG_VALUE
    else:
        counts.agreeing += 1
        if len(styles) != 1 or anchoring(cell.formula) in styles:
            return None
        kind = Kind.BROKEN_PATTERN
    return _fault(kind, cell, value, expected, wrong)


def _expected(cell: _SummaryCell) -> float:
    """Return what the table has: its learning rate, or its result at an iteration; else NaN."""
    if not cell.iteration:
        return cell.table.rate
    column, row = cell.table.values.get(cell.symbol, ()), (cell.iteration - 1) * cell.table.block
    return float(column[row]) if row < len(column) else float("nan")


def _fault(kind: Kind, cell: _SummaryCell, value: float, expected: float, wrong: bool) -> Fault:
    sheet, row, column = cell.place
    return fault_of_value(
        kind,
        cell.symbol,
        sheet,
        column,
        [row],
        cell.formula,
        row,
        value,
        expected,
        wrong,
    )
