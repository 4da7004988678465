"""The model after one step of gradient descent: its formulas again, with other parameters.

On a sheet beside each of the model's, the cells that depend on the parameters stand at their own
addresses, and read each other instead of the model's cells.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import numpy as np

from workbook_tools.errors import InputError
from workbook_tools.gradients.blocks import Block, Slot
from workbook_tools.gradients.chain_rule import ChainRule
from workbook_tools.gradients.mirrored_sheet import NewSheet
from workbook_tools.gradients.model import Model
from workbook_tools.gradients.names import names_beside
from workbook_tools.notation.addresses import Cell, cell_name, full_name, sheet_prefix

_PREFIX = "→ "


def add_step(
    model: Model,
    rule: ChainRule,
    derivatives: Mapping[str, NewSheet],
    sheets: list[NewSheet],
    rate: float,
    taken: Iterable[str],
) -> Cell:
    """Add a step against the gradient to the sheets of derivatives; return the cell of the result.

    Beside the parameters of each sheet stand their derivatives and what they are after the step,
    and beside the first ones the learning ``rate`` and the result before and after. Sheets for the
    model after the step are added to ``sheets``; their names must not be ``taken``. Raises
    ``InputError``.
    """
    again = _Again(model, rule)
    names = names_beside(model.path, _PREFIX, again.sheets, taken)
    result = names[model.of[0]], *model.of[1:]
    after: dict[Cell, str] = {}
    rate_in: tuple[str, str] | None = None  # the sheet and the cell
    for name, sheet in derivatives.items():
        own = [cell for cell in model.by if cell[0] == name]
        if not own:
            continue
        column = max(sheet.beside.last_column, *(place[1] for place in sheet.formulas)) + 2
        row = 1
        if rate_in is None:
            _add_results(sheet, column, model.of, result, rate)
            rate_in, row = (sheet.name, cell_name(1, column + 1, absolute=True)), 5
        before = "" if sheet.name == rate_in[0] else sheet_prefix(rate_in[0])
        for k, heading in enumerate(("parameter", "value", "derivative", "after the step")):
            sheet.texts[row, column + k] = heading
        for below, cell in enumerate(own, start=row + 1):
            here = [cell_name(below, column + k) for k in (1, 2, 3)]
            sheet.texts[below, column] = cell_name(*cell[1:])
            sheet.formulas[below, column + 1] = full_name(cell)
            sheet.formulas[below, column + 2] = cell_name(*cell[1:])
            sheet.formulas[below, column + 3] = f"{here[0]}-{before}{rate_in[1]}*{here[1]}"
            after[cell] = sheet_prefix(sheet.name) + here[2]
    new = {
        sheet.name: NewSheet(sheet, names[sheet.name], are_derivatives=False)
        for sheet in model.sheets
        if sheet.name in names
    }
    for (name, row, column), text, is_array in again.formulas(after, names):
        new[name].formulas[row, column] = text
        if is_array:
            new[name].arrays.add((row, column))
    sheets += new.values()
    return result


def _add_results(sheet: NewSheet, column: int, of: Cell, result: Cell, rate: float) -> None:
    """Add the learning rate, and the result before and after."""
    sheet.texts[1, column] = "learning rate"
    sheet.numbers[1, column + 1] = rate
    sheet.texts[2, column] = f"{cell_name(*of[1:])} now"
    sheet.formulas[2, column + 1] = full_name(of)
    sheet.texts[3, column] = "after the step"
    sheet.formulas[3, column + 1] = full_name(result)


class _Again:
    """What is needed to work out a result again with other parameters."""

    def __init__(self, model: Model, rule: ChainRule) -> None:
        """Find the cells that depend on the parameters; raises ``InputError``."""
        self._model = model
        self._changed = rule.changed(model.by)
        self._blocks = self._changed.blocks
        self._copied = {cell for own in self._blocks.items() for cell in self._beside(*own)}
        used = {cell[0] for cell in (*self._blocks, *self._copied, *model.by)}
        self.sheets = [sheet.name for sheet in model.sheets if sheet.name in used]

    def formulas(
        self, after: Mapping[Cell, str], names: Mapping[str, str]
    ) -> Iterator[tuple[Cell, str, bool]]:
        """Yield the cells that are repeated: their formulas, and whether these are arrays.

        ``after`` are the formulas in the places of the parameters; ``names`` are those of the
        sheets beside the model's.
        """
        for cell in self._model.by:
            yield cell, after[cell], False
        for cell in self._copied:
            yield cell, full_name(cell), False
        for cell, block in self._blocks.items():
            yield cell, str(block.at(cell, partial(self._named, cell, names))), block.is_array

    def _beside(self, cell: Cell, block: Block) -> Iterator[Cell]:
        """Yield the cells in ranges that a formula reads which do not depend on the parameters."""
        if block.is_unreadable:
            raise InputError(
                f"{self._model.path}: {full_name(cell)} cannot be parsed; leave out --step"
            )
        for slot in block.slots.values():
            part = self._changed.part(slot, cell)
            if part is None or not part.any():
                continue
            top, left, *_ = slot.at(*cell[1:])
            for k, j in np.argwhere(~part).tolist():
                other = slot.sheet, top + k, left + j
                if self._model.values.value(other) is not None:
                    yield other

    def _named(self, cell: Cell, names: Mapping[str, str], slot: Slot) -> str:
        """Return a reference in the formula of a cell that is repeated."""
        text = slot.text(*cell[1:])
        if not self._changed.in_range(slot, cell):
            return sheet_prefix(slot.sheet) + text
        return text if slot.sheet == cell[0] else sheet_prefix(names[slot.sheet]) + text
