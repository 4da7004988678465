"""Judges what a training begins with: its data, and the cells of its first row."""

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from workbook_tools.formulas.families import stretches
from workbook_tools.formulas.references import anchoring
from workbook_tools.judging.columns import Columns
from workbook_tools.judging.faults import Fault, Kind, plain
from workbook_tools.mathematics.rounding import Array

_ODD = 1e-9  # relative; filling a series down leaves differences of rounding


def odd_starts(
    columns: Columns,
    symbol: str,
    stated: Mapping[str, float],
    known: Collection[tuple[int, int]],
) -> list[Fault]:
    """Return warnings about numbers typed for data, initial weights or biases.

    They differ from what the sheet says beside the table (``stated``, by symbol) or, of data, from
    the rest of their column. Cells that have a fault already (``known``, by row and column) are
    left out.
    """
    is_data = symbol in columns.reference.constants
    if not is_data and symbol not in columns.reference.trained:
        return []
    column = columns[symbol]
    typed = np.flatnonzero(column.is_typed)
    typed = typed if is_data else typed[typed < 1]
    usual = stated.get(symbol, math.nan)
    if math.isnan(usual) and is_data:
        usual = _most_frequent(column.values[typed])
    if math.isnan(usual) or not len(typed):
        return []
    odd = ~np.isclose(column.values, usual, rtol=_ODD, atol=0.0)
    relative = np.abs(column.values / usual - 1) if usual else column.relative
    column = replace(column, expected=np.full_like(column.values, usual), relative=relative)
    own = columns.table.columns[symbol]
    odd[[k for k in typed if (columns.table.row_of(int(k)), own) in known]] = False
    found = (places for is_odd, places in stretches(odd[typed], typed) if is_odd)
    faults = (columns.fault(Kind.ODD_START, column, places) for places in found)
    return [replace(fault, numbers=dict.fromkeys(fault.rows, usual)) for fault in faults]


def texts(columns: Columns, symbol: str) -> list[Fault]:
    """Return warnings about texts where numbers of data belong: some look like a number."""
    if symbol not in columns.reference.constants:
        return []
    table, place = columns.table, columns.table.columns[symbol]
    usual = _most_frequent(columns[symbol].values)
    return [
        Fault(
            kind=Kind.ODD_START,
            quantity=symbol,
            sheet=table.sheet.name,
            column=place,
            rows=(row,),
            formula=None,
            value=text,
            expected=plain(usual),
            max_rel_error=None,
            message=f"{symbol} is the text {text!r} here, not a number.",
            numbers={row: usual} if math.isfinite(usual) else {},
        )
        for row in table.rows.tolist()
        if (text := table.sheet.texts.get((row, place))) is not None
    ]


def first_row(
    columns: Columns, alike: Collection[str], known: Collection[tuple[int, int]]
) -> list[Fault]:
    """Judge the first row's cells of quantities that begin ``alike``, by comparing them.

    The sheet may read initial values from cells that state them, or begin an optimizer's state
    with a formula. Then one that is typed, or has its $ elsewhere than all the others, is out of
    step. Cells that have a fault already (``known``, by row and column) are left out.
    """
    table = columns.table
    row, begin = table.first_row, np.array([0])
    stated = [
        symbol
        for symbol in table.columns
        if symbol in alike and not np.isnan(columns.expected.values[symbol][0])
    ]
    formulas = {s: first for s in stated if (first := columns.families[s].first)}
    styles = {symbol: anchoring(formula.at(row)) for symbol, formula in formulas.items()}
    used = Counter(styles.values())
    faults = []
    for symbol in stated:
        style = styles.get(symbol)
        others = used - Counter([style] if style else [])
        if others.total() < max(2, len(stated) - 1) or len(others) > 1:
            continue
        if (row, table.columns[symbol]) in known:
            continue
        own = formulas.get(symbol)
        if own is None:
            faults.append(columns.fault(Kind.TYPED_VALUE, columns[symbol], begin))
        elif style not in others:
            faults.append(columns.fault(Kind.BROKEN_PATTERN, columns[symbol], begin, own))
    return faults


def _most_frequent(numbers: Array) -> float:
    """Return the number that more than half of them are; NaN if there is none."""
    found, counts = np.unique(numbers, return_counts=True)
    if not len(found) or 2 * counts.max() <= len(numbers):
        return math.nan
    return float(found[counts.argmax()])
