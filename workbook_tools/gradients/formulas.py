"""The derivatives of the result of a model by all numbers that it depends on, as formulas."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from workbook_tools.errors import InputError
from workbook_tools.gradients.chain_rule import ChainRule, NoWayError
from workbook_tools.gradients.model import Model
from workbook_tools.gradients.reach import Reach
from workbook_tools.gradients.side_cells import Written
from workbook_tools.notation.addresses import Cell, full_name

_LONGEST = 120  # characters of a formula that is named


@dataclass
class Formulas:
    """The derivatives by cells, and other terms of sums in them."""

    rule: ChainRule
    by: dict[Cell, Written] = field(default_factory=dict)
    beside: dict[Cell, Written] = field(default_factory=dict)  # to the right of these
    headings: dict[Cell, str] = field(default_factory=dict)  # above those
    left_out: dict[Cell, str] = field(default_factory=dict)  # cells without one, and why

    def arrays(self) -> set[Cell]:
        """Return the cells whose formulas are array formulas."""
        every = {**self.by, **self.beside}
        return {cell for cell, written in every.items() if written.is_array}


def derivative_formulas(model: Model, are_all: bool = True) -> Formulas:
    """Write the derivatives of the result of a model by all numbers that it depends on.

    If not ``are_all``, only those by the parameters, and by what depends on them.

    A cell has none if it has an effect only through a function without a derivative; no parameter
    may have an effect through such a cell. Raises ``InputError``.
    """
    rule = ChainRule(model.sheets, model.of)
    if not any(rule.reach.has(cell) for cell in model.by):
        raise InputError(
            f"{model.path}: {full_name(model.of)} does not depend on {_few(model.by)}; give "
            "cells that it is calculated from"
        )
    found = Formulas(rule)
    only = None if are_all else {*rule.changed(model.by).blocks, *model.by}
    for cell in _cells(rule.with_effect, model):
        if only is not None and cell not in only:
            continue
        try:
            if written := rule.by(cell):
                found.by[cell] = written
        except NoWayError as error:
            found.left_out[cell] = str(error)
    found.beside, found.headings = rule.beside.formulas, rule.beside.headings
    if found.left_out:
        _leave_out(found, model, rule)
    if not any(cell in found.by for cell in model.by):
        raise InputError(
            f"{model.path}: {full_name(model.of)} depends on {_few(model.by)} only through "
            f"conditions, counts or places, which have no derivative: {_first_step(model, rule)}"
        )
    for cell in model.by:
        found.by.setdefault(cell, Written(("0",), ()))  # it has no effect
    return found


def _few(cells: Sequence[Cell]) -> str:
    named = [*map(full_name, cells[:3])]
    return ", ".join([*named, "…"] if len(cells) > len(named) else named)


def _first_step(model: Model, rule: ChainRule) -> str:
    """Name a formula between the parameters and the result whose derivative is 0."""
    for cell, block in rule.changed(model.by).blocks.items():
        if rule.has_no_slope(block):
            return f"{full_name(cell)} {model.formula(cell) or ''}"[:_LONGEST]
    return full_name(model.of)


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
    reach = rule.before(found.left_out)
    if any(reach.has(cell) for cell in model.by):
        why = _reason(found.left_out, model, rule)
        raise InputError(f"{model.path}: {full_name(model.of)} cannot be differentiated: {why}")
    why = next(iter(found.left_out.values()))
    for cell in [cell for cell in found.by if reach.has(cell)]:
        del found.by[cell]
        found.left_out[cell] = why


def _reason(left_out: dict[Cell, str], model: Model, rule: ChainRule) -> str:
    """Return why the first cell that a parameter has an effect on has no derivative."""
    by_reason = {why: cell for cell, why in left_out.items()}
    for why, cell in by_reason.items():
        reach = rule.before([cell])
        if any(reach.has(parameter) for parameter in model.by):
            return why
    return next(iter(by_reason))
