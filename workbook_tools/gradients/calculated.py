"""Works out the formulas of derivatives, and compares them with derivatives of the program."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.gradients.mirrored_sheet import NewSheet
from workbook_tools.gradients.model import Model
from workbook_tools.notation.addresses import Cell, cell_name, full_name
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Columns
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import NotCompiledError, Program
from workbook_tools.program.what_if import with_formulas

_SAME, _NOTHING = 1e-9, 1e-12  # relative to a derivative; to the largest one


def calculate(model: Model, sheets: Sequence[NewSheet]) -> Columns:
    """Work out the formulas of sheets beside a model's; return all values of the workbook.

    Raises ``InputError`` if a formula cannot be calculated.
    """
    empty = [
        Sheet(own.name, arrays={place: cell_name(*place) for place in own.arrays}) for own in sheets
    ]
    formulas = {
        (own.name, *place): f"={text}" for own in sheets for place, text in own.formulas.items()
    }
    formulas |= {
        (own.name, *place): f"={number!r}"
        for own in sheets
        for place, number in own.numbers.items()
    }
    beside = with_formulas(empty, formulas)
    try:
        every = [*model.sheets, *beside]
        program = Program(Graph.of(beside), every, model.values, model.iterations)
        memory = program.memory()
        program.run(memory, range(len(program.graph.nodes)))
    except NotCompiledError as error:
        raise InputError(f"{model.path}: the derivatives cannot be calculated: {error}") from error
    values = memory.columns()
    for own in sheets:
        own.values = {place: values.value((own.name, *place)) for place in own.formulas}
    return values


def refuse_differences(model: Model, written: Mapping[Cell, CellValue]) -> None:
    """Raise ``InputError`` unless derivatives, by cell, are those of the program.

    These are worked out by reverse mode, from the formulas of the model and not from those that
    were written.
    """
    typed = [cell for cell in written if model.formula(cell) is None]
    found = None
    for parameters in (typed, model.by):
        try:
            derivatives = Derivatives(model.sheets, model.values, parameters, model.iterations)
            found = derivatives.adjoints([model.of], derivatives.memory)[:, 0]
            break
        except NotDifferentiableError as error:
            why = error
    if found is None:
        raise InputError(f"{model.path}: {full_name(model.of)} cannot be differentiated: {why}")
    known = {model.of, *parameters}
    cells = [cell for cell in written if cell in known or derivatives.depends(cell)]
    right = found[[derivatives.place(cell) for cell in cells]]
    own = np.array([v if isinstance(v := written[cell], float) else np.nan for cell in cells])
    is_known = np.isfinite(right)
    largest = np.max(np.abs(right[is_known]), initial=0.0)
    is_same = np.abs(own - right) <= _SAME * np.abs(right) + _NOTHING * largest
    for k in np.flatnonzero(is_known & ~is_same):
        value = written[cells[k]]
        shown = value.code if isinstance(value, CellError) else f"{own[k]:.10g}"
        raise InputError(
            f"{model.path}: the derivative by {full_name(cells[k])} would be written as a formula "
            f"that gives {shown}, not {right[k]:.10g}; if the model has a kink there, change its "
            "numbers a little, else please report this"
        )
