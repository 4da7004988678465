"""Answers what the derivatives of one cell of a workbook by others are, and which cells show them.

A cell shows a derivative if it equals it, up to a constant factor, on the numbers of the workbook
and on random ones.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.differentiation.proportional import factors, matches, rounded
from workbook_tools.differentiation.tape import Array
from workbook_tools.engines import compiled
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.notation.addresses import Cell, full_name, sheet_prefix
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Calculation
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.memory import Memory
from workbook_tools.texts import shortened

_DRAWS = 4
_MOST_PARAMETERS = 100_000
_MOST_INPUTS = 200_000  # that are drawn at random
_CELLS = re.compile(r"\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6}(?::\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6})?")
_LONGEST, _MOST_NAMED = 40, 3  # characters of a sheet's name; sheets that are named
_MOST_READERS = 2_000  # of parameters, that are looked at as updates
_CLEAR = 1e-6  # relative; a derivative that varies less is constant


@dataclass(frozen=True)
class Question:
    """Of which cell the derivatives are asked, and by which: ``Sheet1!F20``, ``Sheet1!B2:C4``."""

    path: Path
    of: str
    by: tuple[str, ...]


class Shown(NamedTuple):
    """A cell that shows a derivative."""

    cell: Cell
    factor: float  # its value is this times the derivative


class Update(NamedTuple):
    """A cell that adds something to a parameter, such as −η times its derivative."""

    cell: Cell
    factor: float | None  # of the derivative; None if it adds something else
    rate: Cell | None = None  # by which the derivative is multiplied, too


@dataclass
class Derivative:
    """The derivative by one cell."""

    by: Cell
    at: float  # the number in this cell
    value: float
    shown: list[Shown] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)


@dataclass
class Gradient:
    """The derivatives of one cell by others."""

    workbook: str
    engine: str
    of: Cell
    value: float
    parts: list[Derivative]
    is_drawn: bool  # whether random numbers were tried: else nothing is said of other cells


def gradient(question: Question) -> Gradient:
    """Differentiate a cell of a workbook by others.

    Sheets need not be named in a workbook that has only one. Raises ``InputError``.
    """
    path, of, by = question.path, question.of, question.by
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        iterations = package.iterations
    calculation = compiled.calculated(path, Graph.of(sheets), sheets, stored, iterations)
    [target] = cells_named(path, "--of", of, sheets)
    cells = [
        *dict.fromkeys(cell for text in by for cell in cells_named(path, "--by", text, sheets))
    ]
    value = number_in(path, "--of", target, calculation)
    at = [number_in(path, "--by", cell, calculation) for cell in cells]
    if target in cells:
        raise InputError(f"{path}: --by {full_name(target)} is the cell of --of; leave it out")
    try:
        derivatives = Derivatives(sheets, calculation, cells, iterations)
        if not derivatives.depends(target):
            raise InputError(
                f"{path}: {full_name(target)} does not depend on {', '.join(by)}; "
                "give a cell that is calculated from them"
            )
        memory = derivatives.memory
        places = [derivatives.place(cell) for cell in cells]
        found = derivatives.adjoints([target], memory)[places, 0]
    except NotDifferentiableError as error:
        raise InputError(
            f"{path}: {full_name(target)} cannot be differentiated: {error}"
        ) from error
    parts = [
        Derivative(cell, own, derivative)
        for cell, own, derivative in zip(cells, at, found.tolist(), strict=True)
    ]
    is_drawn = False
    for memory, drawn in _drawn(derivatives, target, calculation):
        is_drawn = True
        _add_shown([part for part in parts if not part.shown], derivatives, target, memory, drawn)
        _add_updates(parts, derivatives, memory, drawn)
    return Gradient(str(path), calculation.engine, target, value, parts, is_drawn)


def answered(question: Question, folder: Path, on_step: Callable[[str], None]) -> Gradient:
    """Answer a question in a process of its own (see ``checking.alone``)."""
    return gradient(question)


def cells_named(path: Path, option: str, text: str, sheets: Sequence[Sheet]) -> list[Cell]:
    """Return the cells that a reference names in an option; a sheet's name need not be quoted.

    ``--of`` and ``--loss`` name one cell. Raises ``InputError``.
    """
    before, sign, cells = text.rpartition("!")
    own = before.removeprefix("'").removesuffix("'").replace("''", "'")
    found = areas(f"={cells}") if _CELLS.fullmatch(cells) else ()
    if len(found) != 1:
        raise InputError(f"{path}: {option} {text}: no cell; write it like {sheets[0].name}!B2:C4")
    [area] = found
    if not sign and len(sheets) > 1:
        example = sheet_prefix(sheets[0].name) + cells
        raise InputError(f"{path}: {option} {text}: on which sheet? Write it like {example}")
    names = {sheet.name.lower(): sheet.name for sheet in sheets}
    name = names.get(own.lower()) if sign else sheets[0].name
    if name is None:
        there = ", ".join(shortened(sheet.name, _LONGEST) for sheet in sheets[:_MOST_NAMED])
        raise InputError(f"{path}: {option} {text}: no such sheet; there is {there}")
    most = 1 if option in ("--of", "--loss") else _MOST_PARAMETERS
    if area.cell_count > most:
        said = "one cell" if most == 1 else f"at most {most:,} cells"
        raise InputError(f"{path}: {option} {text}: {area.cell_count:,} cells; give {said}")
    return [*area.cells(name)]


def number_in(path: Path, option: str, cell: Cell, calculation: Calculation) -> float:
    """Return the number in a cell that an option names; raises ``InputError`` if there is none."""
    value = calculation.value(cell)
    if isinstance(value, float):
        return value
    if value is None:
        what = "is empty"
    elif value == CellError("#CIRC!"):  # as engines show it
        what = "is in a circle of formulas"
    elif isinstance(value, CellError):
        what = f"shows {value.code}"
    else:
        what = f"holds {str(value)[:40]!r}"
    raise InputError(f"{path}: {option} {full_name(cell)} {what}; give cells with numbers")


def _drawn(
    derivatives: Derivatives, of: Cell, calculation: Calculation
) -> Iterator[tuple[Memory, Array]]:
    """Yield the workbook on random numbers, and the derivatives there.

    First all numbers without formulas are drawn, then those that are not whole (classes are whole
    numbers, and targets may have to add up to 1). Where both give errors, the parameters alone are
    drawn; then derivatives that differ by a factor in the data are not told apart.
    """
    inputs = derivatives.inputs(of)
    if len(inputs) > _MOST_INPUTS:
        inputs = []
    cells = [*inputs, *derivatives.parameters]
    value = {cell: own for cell in cells if isinstance(own := calculation.value(cell), float)}
    broken = [cell for cell in inputs if value[cell] % 1]
    is_any = False
    for others in (inputs, broken, []):
        if is_any and not others:
            return
        chance = np.random.default_rng(0)
        drawn = [*derivatives.parameters, *others]
        numbers = np.array([_near(value[cell], chance) for cell in drawn])
        try:
            memory = derivatives.drawn(np.array([*map(derivatives.place, drawn)]), numbers)
            found = derivatives.adjoints([of], memory)
        except NotDifferentiableError:
            continue
        places = [derivatives.place(cell) for cell in [of, *derivatives.parameters]]
        if np.isfinite(memory.numbers[places]).all() and np.isfinite(found[places]).all():
            is_any = True
            yield memory, found


def _near(value: float, chance: np.random.Generator) -> Array:
    """Return random numbers in the range of one, (draws,)."""
    if value == 0:
        return chance.uniform(0.1, 0.5, _DRAWS)
    return value * chance.uniform(0.7, 1.3, _DRAWS)


def _add_shown(
    parts: Sequence[Derivative], derivatives: Derivatives, of: Cell, memory: Memory, found: Array
) -> None:
    """Add the cells that show the derivatives."""
    own = found[[derivatives.place(part.by) for part in parts]]
    cells = [(cell, place) for cell, place in derivatives.formulas() if cell != of]
    numbers = memory.numbers[[place for _, place in cells]]
    pairs = [
        pair
        for rows, others, found_factors in matches(numbers, own)
        for pair in zip(*map(_listed, (rows, others, rounded(found_factors))), strict=True)
    ]
    for at, k, factor in sorted(pairs):
        parts[k].shown.append(Shown(cells[at][0], factor))


def _listed(numbers: NDArray[Any]) -> list[Any]:
    found: list[Any] = numbers.tolist()
    return found


def _add_updates(
    parts: Sequence[Derivative], derivatives: Derivatives, memory: Memory, found: Array
) -> None:
    """Add the cells that hold a parameter plus something else, and tell what that is.

    They have the slope 1 by the parameter, whatever the numbers, and the cell that is
    differentiated does not depend on them: a pre-activation has the slope 1 by its bias, too.
    """
    by_cell = {part.by: part for part in parts}
    readers = (
        (cell, reader)
        for cell, reader in derivatives.readers()
        if not found[derivatives.place(reader)].any() and found[derivatives.place(cell)].any()
    )
    pairs = islice(readers, _MOST_READERS)
    for cell, reader, slopes in derivatives.slopes(pairs, memory):
        known = {update.cell: update for update in by_cell[cell].updates}
        is_told = reader in known and known[reader].factor
        if not is_told and np.allclose(slopes, 1.0, rtol=0.0, atol=_CLEAR):
            place = derivatives.place(cell)
            added = memory.numbers[derivatives.place(reader)] - memory.numbers[place]
            named = derivatives.named_by(reader)
            rates = [rate for rate in named if rate != cell and not derivatives.depends(rate)]
            known[reader] = _update(reader, added, found[place], rates, derivatives, memory)
            by_cell[cell].updates = [*known.values()]


def _update(
    reader: Cell,
    added: Array,
    derivative: Array,
    rates: Sequence[Cell],
    derivatives: Derivatives,
    memory: Memory,
) -> Update:
    """Tell what a cell adds to a parameter: a multiple of the derivative, by a rate if possible."""
    for rate in rates:
        by_rate = derivative * memory.numbers[derivatives.place(rate)]
        factor = _factor(added, by_rate)
        if factor and (abs(factor) == 1.0 or not _factor(added, derivative)):
            return Update(reader, factor, rate)
    return Update(reader, _factor(added, derivative))


def _factor(numbers: Array, others: Array) -> float | None:
    """Return by what some numbers are a multiple of others, (draws,); None if they are not."""
    [factor] = rounded(factors(numbers[None], others[None])).tolist()
    return factor if np.isfinite(factor) else None
