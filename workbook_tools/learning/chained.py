"""Writes what a wrong cell should be by the chain rule, in references of the sheet.

A derivative by a cell is the sum, over the cells that read it, of the derivative by these, times
their own slope. The derivatives by later cells may be shown, or are written out, too.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from workbook_tools.differentiation.proportional import factors
from workbook_tools.differentiation.tape import Array
from workbook_tools.differentiation.written import (
    NotWrittenError,
    derivative,
    negative,
    product,
    quotient,
    total,
)
from workbook_tools.formulas.tree import Number, Reference, SyntaxProblemError, Tree, parse
from workbook_tools.learning.moved import on_any_sheet
from workbook_tools.learning.verdicts import Culprit, Expected, Judged
from workbook_tools.notation.addresses import cell_name, sheet_prefix

_DEEPEST = 4  # cells between the wrong one and the loss, or a derivative that is shown
_MOST_READERS = 12
_MOST_CELLS = 4  # by which the wrong cell may be the derivative
_DIGITS = 4  # of a factor

# The slopes of activations, by the activation: as numbers, and as a formula.
_SLOPES = (
    (lambda y: y * (1 - y), "{y}*(1-{y})"),
    (lambda y: 1 - y**2, "(1-{y}^2)"),
)


def chained(result: Judged, culprit: Culprit, right: Expected) -> Iterator[str]:
    """Yield formulas that are the derivative that a cell should be, up to a factor."""
    chain = _Chain(result, culprit)
    for place, slope, factor in chain.targets(right.drawn):
        try:
            tree = chain.by(place, _DEEPEST)
        except (NotWrittenError, SyntaxProblemError):
            continue
        tree = product(tree, slope)
        text = f"{factor:.{_DIGITS}g}"
        if tree is None or not np.isclose(float(text), factor, rtol=1e-6):
            continue
        if text.lstrip("-") != "1":
            tree = product(Number(text.lstrip("-")), tree)
        yield chain.own_references(f"={negative(tree) if factor < 0 else tree}")


class _Chain:
    """The chain rule in the cells of a model."""

    def __init__(self, result: Judged, culprit: Culprit) -> None:
        self._result, self._space = result, result.model.space
        self._sheet, *self._where = self._space.layout.cell(culprit.cell)
        flow = self._space.flow
        is_wrong = flow.downstream(np.array([culprit.cell, *result.wrong], dtype=np.int64))
        self._shown: dict[int, tuple[int, float]] = {}
        for claims in result.claims.others, result.claims.by_parameter:
            for cell, own in claims.items():
                for claim in own if not is_wrong[cell] else ():
                    if claim.through < 0:
                        self._shown.setdefault(claim.by, (cell, claim.factor))

    def targets(self, drawn: Array) -> Iterator[tuple[int, Tree, float]]:
        """Yield cells by which numbers are the derivative, with the slope and the factor.

        The slope is that of the formula in the cell, as of an activation in one formula with its
        pre-activation.
        """
        space, model = self._space, self._result.model
        forward = np.flatnonzero(model.candidate.upstream & (space.is_formula | space.is_parameter))
        slopes: list[tuple[Array, str]] = [(np.ones((len(forward), drawn.size)), "1")]
        numbers = model.memory.numbers[forward]
        slopes += [(slope(numbers), text) for slope, text in _SLOPES]
        found = []
        for values, text in slopes:
            derivatives = model.adjoints[forward] * values
            own = factors(np.repeat(drawn[None], len(forward), 0), derivatives)
            for k in np.flatnonzero(np.isfinite(own)).tolist():
                cell = space.layout.cell(int(forward[k]))
                away = sum(abs(a - b) for a, b in zip(cell[1:], self._where, strict=True))
                found.append(
                    (text != "1", cell[0] != self._sheet, away, int(forward[k]), text, own[k])
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
            sheet = space.layout.cell(reader)[0]
            tree = on_any_sheet(parse(space.formula(reader) or ""), sheet)
            slope = derivative(tree, space.layout.cell(cell), sheet, self._reference(reader))
            found = total(found, product(self._by_reader(reader, depth), slope))
        return found

    def _by_reader(self, reader: int, depth: int) -> Tree | None:
        if reader not in self._shown:
            return self.by(reader, depth - 1)
        cell, factor = self._shown[reader]
        tree: Tree | None = self._reference(cell)
        if abs(factor) != 1:
            tree = quotient(tree, Number(f"{abs(factor):.12g}"))
        return negative(tree) if factor < 0 else tree

    def _reference(self, place: int) -> Reference:
        sheet, row, column = self._space.layout.cell(place)
        return Reference(sheet_prefix(sheet) + cell_name(row, column))

    def own_references(self, formula: str) -> str:
        """Return a formula without the name of the sheet on which it is to be."""
        return formula.replace(sheet_prefix(self._sheet), "")
