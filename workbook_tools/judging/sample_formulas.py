"""Suggests the formulas beside the samples: standardised inputs, targets of classes, means."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.faults import Fault, Suggestion
from workbook_tools.notation.addresses import cell_name, column_letter, range_name
from workbook_tools.reading.trial import evaluate_on

_TRIALS = 4
_CLOSE = 1e-9  # relative
_SEED = 20_260_101


def standardised(row: int, column: int, mean_row: int, deviation_row: int) -> str:
    """Return the formula of a measurement minus its mean, divided by its deviation."""
    letter = column_letter(column)
    return f"=({letter}{row}-{letter}${mean_row})/{letter}${deviation_row}"


def is_of_class(row: int, class_column: int, named_in: int, column: int) -> str:
    """Return the formula that is 1 if a sample is of the class named above a column, else 0."""
    return f"=IF(${cell_name(row, class_column)}={column_letter(column)}${named_in},1,0)"


def spread(is_mean: bool, first_row: int, last_row: int, column: int) -> str:
    """Return the formula of a mean, or of a standard deviation of the population."""
    function = "AVERAGE" if is_mean else "STDEVP"
    return f"={function}({range_name(first_row, column, last_row, column)})"


def suggested(fault: Fault, usual: Iterable[dict[int, str]], right: dict[int, str]) -> Fault:
    """Return a fault with suggested formulas for its cells, by row.

    The ``usual`` formulas, those of other cells, are suggested if they compute the same as the
    ``right`` ones; else the right ones are.
    """
    for formulas in usual:
        if do_the_same(fault.sheet, formulas, right):
            break
    else:
        formulas = right
    edit = change_in_words(fault.formula, formulas[fault.rows[0]], fault.count > 1)
    suggestion = Suggestion(formulas, edit, None, fault.count, _TRIALS)
    return replace(fault, suggestion=suggestion)


def do_the_same(sheet: str, formulas: dict[int, str], right: dict[int, str]) -> bool:
    """Tell whether formulas give the same on random numbers in the first and the last row."""
    rows = [next(iter(right)), list(right)[-1]]
    texts = [own[row] for row in rows for own in (formulas, right)]
    cells = {cell for text in texts for area in areas(text) for cell in area.cells(sheet)}
    generator = np.random.default_rng(_SEED)
    # Small whole numbers, so that some are equal: they stand for names of classes too.
    drawn = {cell: generator.integers(1, 4, _TRIALS).astype(float) for cell in sorted(cells)}
    found = evaluate_on(drawn, sheet, texts, _TRIALS)
    return all(
        one is not None and other is not None and bool((np.abs(one - other) <= _CLOSE).all())
        for one, other in zip(found[::2], found[1::2], strict=True)
    )
