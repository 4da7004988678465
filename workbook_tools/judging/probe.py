"""Tries formulas on random numbers, because a wrong one may be right with the sheet's own numbers.

On a sheet with t1 = t2 = 0.5, a loss that reads the wrong target still shows the right value. So
random iterations (``draws.py``) take the place of two consecutive ones of the table, and their
data, initial values, learning rate and settings the place of the sheet's. Each distinct formula
must then give the value of its quantity. Everything else that a formula reads keeps its value.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.references import areas
from workbook_tools.judging.alike import Right, relative
from workbook_tools.judging.draws import Drawn, count_of, draw
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.planted import Planted
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.table import Table
from workbook_tools.reading.trial import evaluate_on, helper_formulas, read_elsewhere

TOLERANCE = 1e-9  # relative; drawn numbers are not large, and sums of them hardly ever cancel
NOTHING = 1e-15  # absolute; what rounding leaves of a sum that is 0, such as all softmax errors
_MOST_PLANTED = 4  # iterations, kept with what formulas have read in them


class Place(NamedTuple):
    """A formula to try, with the quantity and the row of the cell where it stands."""

    symbol: str
    row: int
    formula: str


class Trials:
    """Random iterations in place of a table's, the same for every formula that is tried."""

    def __init__(self, grounds: Grounds, calculation: Calculation, known: Right) -> None:
        """``known`` is what has been found in tables with the same formulas."""
        starts = frozenset(relative(grounds.table, grounds.starts).items())
        # What samples a table reads is not known of the others.
        self._known = {} if grounds.samples else known.setdefault(starts, {})
        self._grounds = grounds
        self._calculation = calculation
        self._planted = lru_cache(_MOST_PLANTED)(self._plant)  # a few are tried again

    @property
    def count(self) -> int:
        """How many draws there are."""
        return count_of(self._grounds.reference)

    @cached_property
    def _drawn(self) -> Drawn:
        """The random iterations, drawn when they are first needed."""
        table, reference = self._grounds.table, self._grounds.reference
        samples = self._grounds.samples
        count = len(samples.rows) if samples else reference.block
        typed_rate = None if table.rate_cell or np.isnan(table.rate) else table.rate
        return draw(reference, (*table.settings,), count, typed_rate, self.count)

    def knows(self, symbol: str) -> bool:
        """Tell whether a quantity is one of the network's."""
        return symbol in self._drawn.first

    def right(
        self, places: Sequence[Place], rate_everywhere: bool = False, same_data: bool = True
    ) -> list[bool]:
        """Tell for each formula whether it is right where it stands.

        The formulas of an iteration are tried together, with the iteration before above them. With
        ``rate_everywhere``, every other single cell that they read holds the learning rate; with
        ``same_data``, all other iterations have the same data, as in most tables.
        """
        if same_data:
            found = self._known
            new = [place for place in places if (place, rate_everywhere) not in found]
            right = self._right(new, rate_everywhere, same_data)
            found |= {(place, rate_everywhere): own for place, own in zip(new, right, strict=True)}
            return [found[place, rate_everywhere] for place in places]
        return self._right(places, rate_everywhere, same_data)

    def _right(self, places: Sequence[Place], rate_everywhere: bool, same_data: bool) -> list[bool]:
        right = [True] * len(places)
        by_iteration: dict[int, list[int]] = {}
        for k, place in enumerate(places):
            by_iteration.setdefault(self._iteration(place.row), []).append(k)
        for iteration, own in by_iteration.items():
            formulas = [places[k].formula for k in own]
            numbers, helpers = self._numbers(iteration, formulas, rate_everywhere, same_data)
            found = evaluate_on(
                numbers, self._grounds.table.sheet.name, formulas, self.count, helpers
            )
            for k, values in zip(own, found, strict=True):
                # None: the engine needs the whole workbook, such as its defined names. Then only
                # the values on the sheet are checked.
                right[k] = values is None or bool(agree(values, self.expected(places[k])))
        return right

    def numbers(self, place: Place, besides: Sequence[str], same_data: bool) -> dict[Cell, Array]:
        """Return what each cell holds that matters to a formula, (draws,).

        These are the quantities of its iteration and of the one before, what else it and the
        formulas ``besides`` read, and the helpers through which they read it (see ``right``).
        """
        formulas = [place.formula, *besides]
        numbers, helpers = self._numbers(self._iteration(place.row), formulas, False, same_data)
        sheet = self._grounds.table.sheet.name
        found = evaluate_on(numbers, sheet, list(helpers.values()), self.count, helpers)
        own = zip(helpers, found, strict=True)
        every = {**numbers, **{cell: values for cell, values in own if values is not None}}
        return {cell: np.broadcast_to(values, (self.count,)) for cell, values in every.items()}

    def expected(self, place: Place) -> Array:
        """Return what a formula should give, (draws,)."""
        iteration = self._iteration(place.row)
        begin = self._grounds.table.row_of(iteration * self._grounds.table.block)
        return self._drawn.iteration(iteration)[place.symbol][:, place.row - begin]

    def _iteration(self, row: int) -> int:
        return self._grounds.table.position_of(row) // self._grounds.table.block

    def _plant(self, iteration: int) -> Planted:
        return Planted.of(self._grounds, iteration, self._drawn)

    def _numbers(
        self, iteration: int, formulas: list[str], rate_everywhere: bool, same_data: bool
    ) -> tuple[Planted, dict[Cell, str]]:
        """Return what cells hold in the draws, and the helpers through which formulas read them."""
        table, reference = self._grounds.table, self._grounds.reference
        planted = self._planted(iteration)
        helpers = helper_formulas(table.sheet, formulas, planted)
        if not same_data:  # then the data of other iterations are those of the sheet
            data = {(table.sheet.name, table.columns.get(s)) for s in reference.constants}
            helpers = {c: own for c, own in helpers.items() if (c[0], c[2]) not in data}
        every = [*formulas, *helpers.values()]
        if rate_everywhere:
            kept = dict.fromkeys(_other_cells(table, every, planted), self._drawn.rate)
        else:
            before = self._drawn.before(iteration)
            constants = {
                table.columns[symbol]: before[symbol][:, 0]
                for symbol in reference.constants
                if symbol in table.columns and same_data
            }
            kept = _kept(table, every, planted, constants, self._calculation)
        others = {cell: own for cell, own in kept.items() if cell not in helpers}
        return planted.with_single(others), helpers


def _kept(
    table: Table,
    formulas: list[str],
    planted: Collection[Cell],
    constants: Mapping[int, Array],
    calculation: Calculation,
) -> dict[Cell, Array]:
    """Return the other cells that the formulas read, with their own values.

    Targets, inputs and fixed biases (``constants``, by column) are the same in all iterations, so
    the drawn ones stand in every row.
    """
    read = read_elsewhere(formulas, table.sheet.name, planted, calculation)
    kept = {cell: np.array([number]) for cell, number in read.items()}
    for sheet, row, column in kept:
        if (
            sheet == table.sheet.name
            and column in constants
            and table.first_row <= row <= table.last_row
        ):
            kept[sheet, row, column] = constants[column]
    return kept


def _other_cells(table: Table, formulas: list[str], planted: Collection[Cell]) -> set[Cell]:
    """Return the single cells that the formulas read, other than those with drawn numbers."""
    cells = {
        (area.sheet or table.sheet.name, area.first_row, area.first_column)
        for formula in formulas
        for area in areas(formula)
        if area.cell_count == 1
    }
    return {cell for cell in cells if cell not in planted}


def agree(found: Array, expected: Array) -> NDArray[np.bool_]:
    """Tell whether numbers (draws,) are right in all draws; or of (variants, draws), which are."""
    allowed = TOLERANCE * np.abs(expected) + NOTHING
    return np.asarray((np.abs(found - expected) <= allowed).all(axis=-1))
