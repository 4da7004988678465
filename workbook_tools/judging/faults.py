"""Faults: cells of one quantity that are wrong in the same way. A finding is made of them.

A finding (``findings.py``) is one mistake as its author made it. It may be in several quantities,
and on several sheets; each fault of it is one of its places.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from workbook_tools.notation.addresses import Cell, cell_name, range_name
from workbook_tools.texts import told_apart

Key = tuple[Hashable, ...]  # what faults of the same mistake have in common


class Kind(StrEnum):
    """The kinds of finding, the gravest first; their names are stable."""

    WRONG_FORMULA = "wrong-formula"
    WRONG_REFERENCE_RATE = "wrong-reference-rate"
    WRONG_GRADIENT = "wrong-gradient"
    WRONG_UPDATE = "wrong-update"
    ERROR_VALUE = "error-value"
    WRONG_VALUE = "wrong-value"
    TYPED_VALUE = "typed-value"
    LATENT = "latent"
    STALE_VALUE = "stale-value"
    ROUNDED = "rounded"
    BROKEN_PATTERN = "broken-pattern"
    ODD_START = "odd-start"

    @property
    def is_warning(self) -> bool:
        """Whether it is worth a look, but may be intended."""
        return self is Kind.ODD_START

    @property
    def in_words(self) -> str:
        """Its name in words."""
        return _IN_WORDS[self]


_IN_WORDS = {
    Kind.WRONG_FORMULA: "wrong formula",
    Kind.WRONG_REFERENCE_RATE: "wrong reference to the learning rate",
    Kind.WRONG_GRADIENT: "not the derivative of the loss",
    Kind.WRONG_UPDATE: "update by something else than the derivative",
    Kind.ERROR_VALUE: "error value",
    Kind.WRONG_VALUE: "wrong value",
    Kind.TYPED_VALUE: "typed number where a formula belongs",
    Kind.LATENT: "wrong formula that happens to give the right value",
    Kind.STALE_VALUE: "value out of date",
    Kind.ROUNDED: "rounded formula",
    Kind.BROKEN_PATTERN: "formula unlike the rest of its column",
    Kind.ODD_START: "odd start (a warning)",
}


class Cause(NamedTuple):
    """What an author did, told by the change that mends it.

    Faults that have one of the ``keys`` in common come from the same mistake, if they stand beside
    each other.
    """

    keys: frozenset[Key]
    words: str = ""  # what the formulas do wrong, without cells: "read the learning rate without $"


@dataclass(frozen=True)
class Suggestion:
    """What a fault's cells should hold; it is checked before it is shown."""

    formulas: Mapping[int, str]  # by row, for every cell of the fault
    edit: str  # the change in words: "replace J33 by L33"
    symbols: tuple[str, str] | None  # the part that changes, in symbols: as it is, as it should be
    rows: int  # how many rows it was checked on, with the sheet's own numbers
    trials: int  # how many draws of random numbers it was checked on
    # If the mistake is in cells that the fault's cells read: what those should hold instead.
    helpers: Mapping[Cell, str] = field(default_factory=dict)
    cause: Cause | None = None

    @property
    def formula(self) -> str:
        """The formula of the first cell."""
        return next(iter(self.formulas.values()))


@dataclass(frozen=True)
class Fault:
    """Cells of one quantity, in one column, that are wrong in the same way."""

    kind: Kind
    quantity: str  # canonical symbol
    sheet: str
    column: int
    rows: tuple[int, ...]  # from the top
    formula: str | None  # as it reads in the first cell
    value: float | str | None  # of the cell that is furthest off
    expected: float | None  # in that cell
    max_rel_error: float | None
    message: str
    shown: str = ""  # what the cell that is furthest off shows, and should show
    suggestion: Suggestion | None = None
    why_none: str = ""  # why there is no suggestion
    # The right numbers by row, where they are known though there is no suggestion.
    numbers: Mapping[int, float] = field(default_factory=dict)
    # Of a formula that is right but for its rounding: how far it may be off because of that.
    rounding: float = 0.0

    @property
    def cells(self) -> str:
        """From the first cell to the last: ``Z32:Z99``."""
        return range_name(self.rows[0], self.column, self.rows[-1], self.column)

    @property
    def ranges(self) -> str:
        """Every range of cells: ``Z32:Z40, Z44``."""
        return ", ".join(
            range_name(first, self.column, last, self.column) for first, last in _runs(self.rows)
        )

    @property
    def count(self) -> int:
        """How many cells it is in."""
        return len(self.rows)

    @property
    def put_right(self) -> dict[Cell, str]:
        """The formulas that correct it, by cell; empty without a suggestion."""
        if self.suggestion is None:
            return {}
        own = self.suggestion.formulas.items()
        return dict(self.suggestion.helpers) or {
            (self.sheet, row, self.column): formula for row, formula in own
        }


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of rows that follow each other."""
    first = rows[0]
    for row, following in pairwise([*rows, -1]):
        if following != row + 1:
            yield first, row
            first = following


def plain(number: float) -> float | None:
    """Return a number as JSON has it: None for NaN and infinity."""
    return float(number) if math.isfinite(number) else None


def compared(cell: str, value: float | str | None, expected: float | None, wrong: bool) -> str:
    """Say what a cell shows and should show, with as many digits as tell the two apart."""
    if expected is None:
        return f"{cell} shows {'no number' if value is None else told_apart(value, math.nan)[0]}"
    if not isinstance(value, float | int):
        shown = "no number" if value is None else value
        return f"{cell} shows {shown}, but should show {expected:.4g}"
    if not wrong:
        return f"{cell} shows {value:.4g}, which is right at present"
    shown, should = told_apart(value + 0.0, expected)  # not −0
    return f"{cell} shows {shown}, but should show {should}"


def message(
    kind: Kind,
    symbol: str,
    cell: str,
    value: float | str | None,
    expected: float | None,
    wrong: bool,
) -> str:
    """Say a fault in one sentence; ``cell`` is where ``value`` and ``expected`` differ most."""
    said = compared(cell, value, expected, wrong)
    if kind is Kind.WRONG_FORMULA:
        return f"The formula of {symbol} is wrong: {said}."
    if kind is Kind.WRONG_REFERENCE_RATE:
        return f"The update of {symbol} reads a cell that is not the learning rate: {said}."
    if kind is Kind.ODD_START:
        return f"{symbol} is {value!r} here and {expected!r} elsewhere; perhaps that is meant."
    if kind is Kind.LATENT:
        return (
            f"The formula of {symbol} is right at present, but only with these numbers; with "
            "others it is wrong."
        )
    if kind is Kind.BROKEN_PATTERN:
        return (
            f"The formula of {symbol} is right at present, but unlike the others of its column: "
            "it may go wrong when it is copied or filled down."
        )
    if kind is Kind.TYPED_VALUE and value is None:
        return f"{cell} holds no number where a formula of {symbol} belongs."
    if kind is Kind.TYPED_VALUE:
        return f"A number is typed where a formula of {symbol} belongs: {said}."
    if kind is Kind.STALE_VALUE:
        return f"The stored value of {symbol} is out of date: {said}."
    if kind is Kind.ERROR_VALUE:
        return f"The formula of {symbol} gives an error value: {said}."
    return f"The value of {symbol} is wrong: {said}."


def fault_of_value(
    kind: Kind,
    quantity: str,
    sheet: str,
    column: int,
    rows: Sequence[int],
    formula: str | None,
    worst_row: int,
    value: float,
    expected: float,
    wrong: bool,
) -> Fault:
    """Return a fault of cells; the one in ``worst_row`` is furthest off."""
    shown, should = plain(value), plain(expected)
    worst = cell_name(worst_row, column)
    return Fault(
        kind=kind,
        quantity=quantity,
        sheet=sheet,
        column=column,
        rows=tuple(rows),
        formula=formula,
        value=shown,
        expected=should,
        max_rel_error=plain(abs(value - expected) / abs(expected)) if expected else None,
        message=message(kind, quantity, worst, shown, should, wrong),
        shown=compared(worst, shown, should, wrong),
    )
