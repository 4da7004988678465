"""Texts that are numbers, such as '0: arithmetic takes them for numbers, and so do derivatives."""

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.tree import (
    Operation,
    Parentheses,
    Reference,
    Sign,
    SyntaxProblemError,
    at,
    parse,
    parts,
)
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Column, Columns

_MOST = 1_000  # texts
_ARITHMETIC = "+-*/^"


def with_numbers(space: Space) -> Columns:
    """Return the values of a workbook with numbers in the place of such texts.

    Not if something else than arithmetic reads them: the sum of a range leaves them out, and a
    comparison tells them from numbers.
    """
    numbers = dict(_numeric_texts(space.values))
    if not 0 < len(numbers) <= _MOST:
        return space.values
    read = space.reads.of(np.array([space.layout.place_of(cell) for cell in numbers]))
    readers = np.unique(read.readers).tolist()
    is_only = read.is_named.all() and all(_only_calculates(space, r, numbers) for r in readers)
    if not readers or not is_only:
        return space.values
    found = {sheet: dict(columns) for sheet, columns in space.values.sheets.items()}
    by_column: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    for (sheet, row, column), number in numbers.items():
        by_column[sheet, column][row] = number
    for (sheet, column), own in by_column.items():
        found[sheet][column] = Column.of(found[sheet][column].by_row() | own)
    return Columns(found)


def _numeric_texts(values: Columns) -> Iterator[tuple[Cell, float]]:
    for sheet, columns in values.sheets.items():
        for number, column in columns.items():
            for row, value in column.others.items():
                if isinstance(value, str):
                    try:
                        found = float(value)
                    except ValueError:
                        continue
                    if math.isfinite(found):
                        yield (sheet, row, number), found


def _only_calculates(space: Space, reader: int, numbers: dict[Cell, float]) -> bool:
    """Tell whether a formula takes what it reads of some cells for numbers, or only shows them."""
    sheet, *_ = space.layout.cell(reader)
    try:
        tree = parse(space.formula(reader) or "")
    except SyntaxProblemError:
        return False
    for route, part in parts(tree):
        read = areas(part.text) if isinstance(part, Reference) else ()
        if not any(cell in numbers for one in read for cell in one.cells(sheet)):
            continue
        while route and isinstance(at(tree, route[:-1]), Parentheses):
            route = route[:-1]
        around = at(tree, route[:-1]) if route else None
        is_operand = isinstance(around, Operation) and around.operator in _ARITHMETIC
        if route and not is_operand and not isinstance(around, Sign):
            return False
    return True
