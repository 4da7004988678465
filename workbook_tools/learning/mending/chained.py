"""Writes what a wrong cell should be by the chain rule, in references of the sheet.

A derivative by a cell is the sum, over the cells that read it, of the derivative by these, times
their own slope. The derivatives by later cells may be shown, or are written out, too.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.array_parts import NotWrittenError
from workbook_tools.differentiation.proportional import factors
from workbook_tools.differentiation.simplified import negative, product, quotient, total
from workbook_tools.differentiation.tape import Array
from workbook_tools.differentiation.written import derivative
from workbook_tools.formulas.tree import Number, Reference, SyntaxProblemError, Tree, parse
from workbook_tools.learning.judging.verdicts import Culprit, Expected, Judged
from workbook_tools.learning.mending.slopes import BY_VALUE
from workbook_tools.learning.moved import on_any_sheet
from workbook_tools.notation.addresses import cell_name, sheet_prefix

_DEEPEST = 4  # cells between the wrong one and the loss, or a derivative that is shown
_MOST_READERS = 12
_MOST_CELLS = 4  # by which the wrong cell may be the derivative
_NEAR = 1e-4  # relative
_DIGITS = 4  # of a factor


def chained(result: Judged, culprit: Culprit, right: Expected) -> Iterator[str]:
    """Yield formulas that are the derivative that a cell should be, up to a factor.

    None are written in the place of an array formula.
    """
    sheet, *where = result.model.space.layout.cell(culprit.cell)
    if any(own.name == sheet and tuple(where) in own.arrays for own in result.model.space.sheets):
        return
    chain = _Chain(result, culprit)
    for tree, factor in chain.trees(right.drawn, culprit.parameter):
        text = f"{factor:.{_DIGITS}g}"
        if tree is None or not np.isclose(float(text), factor, rtol=1e-6):
            continue
        if text.lstrip("-") != "1":
            tree = product(Number(text.lstrip("-")), tree)
        yield chain.own_references(f"={negative(tree) if factor < 0 else tree}")


def _may_be_multiples(derivatives: Array, drawn: Array) -> NDArray[np.bool_]:
    """Tell which rows may be multiples of some numbers: they are in two draws."""
    at, other = np.argsort(-np.abs(drawn))[:2]
    off = derivatives[:, other] * drawn[at] - drawn[other] * derivatives[:, at]
    return np.asarray(np.abs(off) <= _NEAR * np.abs(drawn[at] * derivatives[:, at]))


class _Chain:
    """The chain rule in the cells of a model."""

    def __init__(self, result: Judged, culprit: Culprit) -> None:
        self._result, self._space = result, result.model.space
        self._sheet, *self._where = self._space.layout.cell(culprit.cell)

    def trees(self, drawn: Array, parameter: int) -> Iterator[tuple[Tree | None, float]]:
        """Yield derivatives of the loss that numbers are, up to a factor.

        They may be the part of a derivative by a ``parameter`` that is due to one of its readers,
        such as the prediction for one sample.
        """
        for place, slope, factor in self.targets(drawn):
            with suppress(NotWrittenError, SyntaxProblemError, RecursionError):
                yield product(self.by(place, _DEEPEST), slope), factor
        shares = self._result.claims.shares
        own = np.flatnonzero(shares.parameters == parameter)
        found = factors(np.repeat(drawn[None], len(own), 0), shares.derivatives[own])
        parts = zip(shares.readers[own].tolist(), found.tolist(), strict=True)
        for reader, factor in islice((one for one in parts if np.isfinite(one[1])), _MOST_CELLS):
            with suppress(NotWrittenError, SyntaxProblemError, RecursionError):
                yield self._by_way_of(reader, parameter, factor)

    def _by_way_of(self, reader: int, place: int, factor: float) -> tuple[Tree | None, float]:
        """Return the part of the derivative by a cell that is due to one of its readers."""
        pairs = self._space.reads.of(np.array([place]))
        slope: Tree | None = None
        for cell in dict.fromkeys(pairs.cells[pairs.readers == reader].tolist()):
            slope = total(slope, self._slope(reader, cell))
        if reader in self._result.shown:
            shown, multiple = self._result.shown[reader]
            return product(self._reference(shown), slope), factor / multiple
        return product(self.by(reader, _DEEPEST), slope), factor

    def _slope(self, reader: int, cell: int) -> Tree | None:
        """Return the derivative of a formula by a cell that it reads."""
        sheet = self._space.layout.cell(reader)[0]
        tree = on_any_sheet(parse(self._space.formula(reader) or ""), sheet)
        return derivative(tree, self._space.layout.cell(cell), sheet, self._reference(reader))

    def targets(self, drawn: Array) -> Iterator[tuple[int, Tree, float]]:
        """Yield cells by which numbers are the derivative, with the slope and the factor.

        The slope is that of the formula in the cell, as of an activation in one formula with its
        pre-activation.
        """
        space, model = self._space, self._result.model
        is_forward = model.candidate.upstream & (space.is_formula | space.is_parameter)
        # Where the numbers are 0, the derivative is, and nowhere else.
        is_like = ((model.adjoints != 0) == (drawn != 0)).all(axis=1)
        forward = np.flatnonzero(is_forward & is_like)
        slopes: list[tuple[Array, str]] = [(np.ones((len(forward), drawn.size)), "1")]
        numbers = model.memory.numbers[forward]
        slopes += [(slope(numbers), text) for slope, text in BY_VALUE]
        found = []
        for values, text in slopes:
            derivatives = model.adjoints[forward] * values
            near = np.flatnonzero(_may_be_multiples(derivatives, drawn))
            own = factors(np.repeat(drawn[None], len(near), 0), derivatives[near])
            for k, factor in zip(near.tolist(), own.tolist(), strict=True):
                if not np.isfinite(factor):
                    continue
                cell = space.layout.cell(int(forward[k]))
                away = sum(abs(a - b) for a, b in zip(cell[1:], self._where, strict=True))
                found.append(
                    (text != "1", cell[0] != self._sheet, away, int(forward[k]), text, factor)
                )
        for _, _, _, place, text, factor in sorted(found)[:_MOST_CELLS]:
            name = str(self._reference(place))
            yield place, parse(text.format(y=name)), float(factor)

    def by(self, place: int, depth: int) -> Tree | None:
        """Return the derivative of the loss by a cell; None if it is 0. Raises as below."""
        space, model = self._space, self._result.model
        if place in model.losses:
            return Number("1")
        pairs = space.reads.of(np.array([place]))
        kept = model.candidate.upstream[pairs.readers] & ~space.is_parameter[pairs.readers]
        readers = dict.fromkeys(
            zip(pairs.readers[kept].tolist(), pairs.cells[kept].tolist(), strict=True)
        )
        if not depth or not 0 < len(readers) <= _MOST_READERS:
            raise NotWrittenError(space.name(place))
        found: Tree | None = None
        for reader, cell in readers:
            slope = self._slope(reader, cell)
            found = total(found, product(self._by_reader(reader, depth), slope))
        return found

    def _by_reader(self, reader: int, depth: int) -> Tree | None:
        if reader not in self._result.shown:
            return self.by(reader, depth - 1)
        cell, factor = self._result.shown[reader]
        tree: Tree | None = self._reference(cell)
        if not np.isclose(abs(factor), 1.0, rtol=1e-9):
            tree = quotient(tree, Number(f"{abs(factor):.12g}"))
        return negative(tree) if factor < 0 else tree

    def _reference(self, place: int) -> Reference:
        sheet, row, column = self._space.layout.cell(place)
        return Reference(sheet_prefix(sheet) + cell_name(row, column))

    def own_references(self, formula: str) -> str:
        """Return a formula without the name of the sheet on which it is to be."""
        return formula.replace(sheet_prefix(self._sheet), "")
