"""The derivatives of the result of a model by all numbers that it depends on, as formulas."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from workbook_tools.errors import InputError
from workbook_tools.gradients.chain_rule import ChainRule, NoWayError
from workbook_tools.gradients.model import Model
from workbook_tools.gradients.reach import Reach
from workbook_tools.gradients.terms import Written
from workbook_tools.notation.addresses import Cell, full_name


@dataclass
class Formulas:
    """The derivatives by cells, and other terms of sums in them."""

    rule: ChainRule
    by: dict[Cell, Written] = field(default_factory=dict)
    beside: dict[Cell, Written] = field(default_factory=dict)  # to the right of these
    left_out: dict[Cell, str] = field(default_factory=dict)  # cells without one, and why

    def arrays(self) -> set[Cell]:
        """Return the cells whose formulas are array formulas."""
        every = {**self.by, **self.beside}
        return {cell for cell, written in every.items() if written.is_array}


def derivative_formulas(model: Model) -> Formulas:
    """Write the derivatives of the result of a model by all numbers that it depends on.

    A cell has none if it has an effect only through a function without a derivative; no parameter
    may have an effect through such a cell. Raises ``InputError``.
    """
    rule = ChainRule(model.sheets, model.of)
    if not any(_is_in(rule.reach, cell) for cell in model.by):
        named = ", ".join(map(full_name, model.by[:3]))
        raise InputError(
            f"{model.path}: {full_name(model.of)} does not depend on {named}; give the cells that "
            "it is calculated from"
        )
    found = Formulas(rule)
    for cell in _cells(rule.reach, model):
        try:
            if written := rule.by(cell):
                found.by[cell] = written
        except NoWayError as error:
            found.left_out[cell] = str(error)
    found.beside = rule.beside.formulas
    if found.left_out:
        _leave_out(found, model, rule)
    for cell in model.by:
        found.by.setdefault(cell, Written(("0",), ()))  # it has no effect
    return found


def _cells(reach: Reach, model: Model) -> Iterator[Cell]:
    """Yield the cells with numbers that the result depends on, by sheet, row and column."""
    for sheet in model.sheets:
        rows, columns = np.nonzero(reach.on(sheet.name))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            cell = sheet.name, row, column
            if isinstance(model.values.value(cell), float):
                yield cell


def _leave_out(found: Formulas, model: Model, rule: ChainRule) -> None:
    """Take out what has an effect through cells without a derivative.

    Raises ``InputError`` if that is a parameter.
    """
    reach = Reach(model.sheets, rule.blocks, found.left_out)
    if any(_is_in(reach, cell) for cell in model.by):
        why = _reason(found.left_out, model, rule)
        raise InputError(f"{model.path}: {full_name(model.of)} cannot be differentiated: {why}")
    why = next(iter(found.left_out.values()))
    for cell in [cell for cell in found.by if _is_in(reach, cell)]:
        del found.by[cell]
        found.left_out[cell] = why


def _reason(left_out: dict[Cell, str], model: Model, rule: ChainRule) -> str:
    """Return why the first cell that a parameter has an effect on has no derivative."""
    by_reason = {why: cell for cell, why in left_out.items()}
    for why, cell in by_reason.items():
        reach = Reach(model.sheets, rule.blocks, [cell])
        if any(_is_in(reach, parameter) for parameter in model.by):
            return why
    return next(iter(by_reason))


def _is_in(reach: Reach, cell: Cell) -> bool:
    sheet, row, column = cell
    mask = reach.on(sheet)
    return row < mask.shape[0] and column < mask.shape[1] and bool(mask[row, column])
