"""The kinds of finding, what a finding says, and the formulas suggested for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from workbook_tools.notation.addresses import Cell, cell_name, range_name


class Kind(StrEnum):
    """The kinds of finding; their names are stable."""

    WRONG_FORMULA = "wrong-formula"
    WRONG_REFERENCE_RATE = "wrong-reference-rate"
    LATENT = "latent"
    BROKEN_PATTERN = "broken-pattern"
    TYPED_VALUE = "typed-value"
    WRONG_VALUE = "wrong-value"
    ERROR_VALUE = "error-value"
    STALE_VALUE = "stale-value"
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
    Kind.LATENT: "wrong formula that happens to give the right value",
    Kind.BROKEN_PATTERN: "formula unlike the rest of its column",
    Kind.TYPED_VALUE: "typed number where a formula belongs",
    Kind.WRONG_VALUE: "wrong value",
    Kind.ERROR_VALUE: "error value",
    Kind.STALE_VALUE: "value out of date",
    Kind.ODD_START: "odd start (a warning)",
}


@dataclass(frozen=True)
class Suggestion:
    """What a finding's cells should hold; it is checked before it is shown."""

    formulas: Mapping[int, str]  # by row, for every cell of the finding
    edit: str  # the change in words: "replace J33 by L33"
    symbols: tuple[str, str] | None  # the part that changes, in symbols: as it is, as it should be
    rows: int  # how many rows it was checked on, with the sheet's own numbers
    trials: int  # how many draws of random numbers it was checked on
    # If the mistake is in cells that the finding's cells read: what those should hold instead.
    helpers: Mapping[Cell, str] = field(default_factory=dict)

    @property
    def formula(self) -> str:
        """The formula of the first cell."""
        return next(iter(self.formulas.values()))


@dataclass(frozen=True)
class Finding:
    """One mistake, however many cells it was filled into."""

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
    effect: float | None = None  # the last loss if these cells were right
    suggestion: Suggestion | None = None

    @property
    def cells(self) -> str:
        """From the first cell to the last: ``Z32:Z99``."""
        return range_name(self.rows[0], self.column, self.rows[-1], self.column)

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


def advice(finding: Finding) -> str | None:
    """Say in one sentence what to do: ``∂E/∂w3 uses a_h1·(1 − a_h1); it should be …``."""
    suggestion = finding.suggestion
    if suggestion is None:
        return None
    if suggestion.symbols is None:
        return f"{suggestion.edit[:1].upper()}{suggestion.edit[1:]}."
    uses, should = suggestion.symbols
    return f"{finding.quantity} uses {uses}; it should be {should}: {suggestion.edit}."


def in_short(finding: Finding) -> str:
    """Say a finding in one line: what it uses and should use, if symbols tell, else its message."""
    told = finding.suggestion is not None and finding.suggestion.symbols is not None
    return (advice(finding) if told else None) or finding.message


def plain(number: float) -> float | None:
    """Return a number as JSON has it: None for NaN and infinity."""
    return float(number) if math.isfinite(number) else None


def message(
    kind: Kind,
    symbol: str,
    cell: str,
    value: float | str | None,
    expected: float | None,
    wrong: bool,
) -> str:
    """Say a finding in one sentence; ``cell`` is where ``value`` and ``expected`` differ most."""
    compared = f"{cell} shows {'no number' if value is None else repr(value)}"
    if expected is not None:
        right = (
            "which happens to be right" if value == expected else f"but should show {expected!r}"
        )
        compared += f", {right}"
    if kind is Kind.WRONG_FORMULA:
        return f"The formula of {symbol} is wrong: {compared}."
    if kind is Kind.WRONG_REFERENCE_RATE:
        return (
            f"The update of {symbol} reads a cell that is not the learning rate (a $ may be "
            f"missing): {compared}."
        )
    if kind is Kind.ODD_START:
        return f"{symbol} is {value!r} here and {expected!r} elsewhere; perhaps that is meant."
    if kind is Kind.LATENT:
        return (
            f"The formula of {symbol} is wrong: it gives the right value with the numbers on this "
            "sheet, but not with others."
        )
    if kind is Kind.BROKEN_PATTERN:
        return (
            f"The formula of {symbol} gives the right value, but differs from those beside it: it "
            "may go wrong when it is copied or filled down, or hide a change."
        )
    if kind is Kind.TYPED_VALUE and value is None:
        return f"{cell} holds no number where a formula of {symbol} belongs."
    if kind is Kind.TYPED_VALUE:
        judged = f"and it is wrong: {compared}" if wrong else "and it happens to be right"
        return f"A number is typed where a formula of {symbol} belongs, {judged}."
    if kind is Kind.STALE_VALUE:
        return (
            f"The value of {symbol} in the file is out of date: {cell} shows {value!r}, but its "
            f"formula gives {expected!r}."
        )
    if kind is Kind.ERROR_VALUE:
        return f"The formula of {symbol} gives an error value: {compared}."
    return f"The value of {symbol} is wrong: {compared}."


def finding_of_value(
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
    effect: float | None,
) -> Finding:
    """Return a finding about cells; the one in ``worst_row`` is furthest off."""
    shown, should = plain(value), plain(expected)
    worst = cell_name(worst_row, column)
    return Finding(
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
        effect=effect,
    )
