"""Checks a summary: the cells that list each training sheet's learning rate and results."""

from collections import Counter
from dataclasses import replace

from workbook_tools.engines import Calculation
from workbook_tools.formulas.references import anchoring
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.findings import (
    Cells,
    Finding,
    Kind,
    Suggestion,
    SummaryReport,
    finding_of_value,
    plain,
)
from workbook_tools.judging.probe import DRAWS, SummaryCell, probe_summary
from workbook_tools.notation.addresses import cell_name, sheet_prefix
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.stated import SummaryRow
from workbook_tools.reading.table import Table


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
        SummaryCell(row.table, symbol, iteration, cell, sheet.formula_at(*cell[1:]))
        for row in rows
        for (symbol, iteration), cell in {
            (LEARNING_RATE, 0): row.rate_cell,
            **row.result_cells,
        }.items()
    ]
    right = probe_summary(cells, tables, calculation)
    own_styles = [anchoring(cell.formula) if cell.formula else None for cell in cells]
    counts = Counter(own_styles)
    for cell, is_right, own in zip(cells, right, own_styles, strict=True):
        styles = {style for style, count in counts.items() if count > (style == own)}
        finding = _judge(cell, is_right, styles, report.cells, calculation, tolerance)
        if finding:
            report.findings.append(_suggested(finding, cell, styles, tables, calculation))
    return report


def _suggested(
    finding: Finding,
    cell: SummaryCell,
    styles: set[str | None],
    tables: list[Table],
    calculation: Calculation,
) -> Finding:
    """Return a finding with the formula that fetches what its cell should show."""
    if cell.target is None:
        return finding
    sheet, row, column = cell.target
    for absolute in (True, False):
        text = f"={sheet_prefix(sheet)}{cell_name(row, column, absolute)}"
        if len(styles) == 1 and anchoring(text) not in styles:
            continue
        if probe_summary([replace(cell, formula=text)], tables, calculation)[0]:
            edit = change_in_words(cell.formula, text)
            suggestion = Suggestion({cell.place[1]: text}, edit, None, 1, DRAWS)
            return replace(finding, suggestion=suggestion)
    return finding


def _judge(
    cell: SummaryCell,
    is_right: bool,
    styles: set[str | None],
    counts: Cells,
    calculation: Calculation,
    tolerance: float,
) -> Finding | None:
    """Count one cell and find what is wrong with it.

    ``styles`` is how the other formulas are anchored, None for a cell without one.
    """
    expected = _expected(cell)
    value = number_at(cell.place, calculation)
    allowed = (tolerance + calculation.storage) * abs(expected)
    wrong = not abs(value - expected) <= allowed
    if cell.formula is None:
        if None in styles or not styles or expected != expected:
            return None  # other cells are typed too
        return _finding(Kind.TYPED_VALUE, cell, value, expected, wrong)
    counts.formulas += 1
    if expected != expected:
        counts.leave_out(1, "the sheet it speaks of has no such value")
        return None
    counts.checked += 1
    if not is_right:
        kind = Kind.WRONG_FORMULA if wrong else Kind.LATENT
    elif wrong:
        kind = Kind.WRONG_VALUE
    elif len(styles) == 1 and anchoring(cell.formula) not in styles:
        kind = Kind.BROKEN_PATTERN
    else:
        counts.agreeing += 1
        return None
    return _finding(kind, cell, value, expected, wrong)


def _expected(cell: SummaryCell) -> float:
    """Return what the table has: its learning rate, or its result at an iteration; else NaN."""
    if not cell.iteration:
        return cell.table.rate
    values, row = cell.table.values, (cell.iteration - 1) * cell.table.block
    if cell.symbol not in values or row >= len(values):
        return float("nan")
    return float(values[cell.symbol].iloc[row])


def _finding(kind: Kind, cell: SummaryCell, value: float, expected: float, wrong: bool) -> Finding:
    sheet, row, column = cell.place
    return finding_of_value(
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
        plain(cell.table.last_loss),  # which reads nothing of a summary
    )
