"""The gradients that a network's workbook should show: its own forward half, differentiated.

No layer has a formula for its gradient here. The formulas in the cells are differentiated by
reverse mode: all the way from the loss, or from one section of gradients to the next.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional import layers
from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.layers import Array
from workbook_tools.convolutional.local import Expected
from workbook_tools.convolutional.places import Grid, Numbers
from workbook_tools.convolutional.state import State
from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.convolutional import Operation, size
from workbook_tools.package.columns import Columns
from workbook_tools.program.memory import Memory
from workbook_tools.program.what_if import with_formulas

Gradients: TypeAlias = dict[str, list[Array]]  # by section: of its cells, and of its biases


class Backward:
    """The forward half of a workbook, to be differentiated."""

    def __init__(
        self,
        book: Book,
        sheets: Sequence[Sheet],
        values: Columns,
        instead: Mapping[Cell, str],
        unknown: Collection[Cell],
    ) -> None:
        """Take the sheets, with the formulas ``instead`` of those that some cells have.

        What comes by way of the cells ``unknown`` is not known: their right formulas are not.
        Raises ``InputError`` if there are no gradients, or if the sections that headings name do
        not fit together.
        """
        self.book = book
        mean = [book.inputs[names.PIXEL_MEAN]]  # every layer depends on it
        try:
            self._derivatives = Derivatives(with_formulas(sheets, instead), values, mean)
        except NotDifferentiableError as error:
            self._refuse(error)
        self._layout = self._derivatives.memory.layout
        self._at = State.places_in(book, self._layout)
        self._unknown = np.zeros(book.places.count, dtype=bool)
        for cell in unknown:
            self._unknown[book.places.of(Grid.of(cell))] = True
        self._gradients = [s for s in book.sections.values() if s.heading.operation.is_gradient]
        for section in self._gradients:
            shapes = [grid.rows.shape for grid in section.grids]
            if shapes != [grid.rows.shape for grid in book.differentiated(section).grids]:
                book.refuse_misfit(section.name)
        of_scores = [s for s in self._gradients if s.heading.operation is Operation.DIFFERENCE]
        if not of_scores:
            raise InputError(
                f"{book.path}: the heading of the gradient of the scores is missing; write the "
                "workbook again"
            )
        self._of_scores = of_scores[0]
        # By the name of a gradient: the layer after what it belongs to, and that layer's gradient.
        self.by_way_of = {
            section.name: self._by_way_of(section)
            for section in self._gradients
            if section.heading.operation.is_passed_back
        }

    def at(self, grid: Grid) -> Numbers:
        """Return the places of cells in a memory."""
        return np.asarray(self._at[self.book.places.of(grid)])

    def is_unknown(self, grid: Grid) -> NDArray[np.bool_]:
        """Tell of which cells no right formula is known."""
        return np.asarray(self._unknown[self.book.places.of(grid)])

    def memory(self, state: State) -> Memory:
        """Return the numbers of all cells at some moments; weights that are left empty are 0."""
        memory = state.memory(self._layout, self._at)
        for section in self.book.sections.values():
            for grid in section.grids if section.heading.operation is Operation.WEIGHTS else ():
                memory.put_numbers(self.at(grid).ravel(), _by_draw(state.numbers(grid, 0.0)))
        return memory

    def gradients(self, state: State) -> Gradients:
        """Return what each section of gradients should show.

        By the scores, that is the derivative of the loss; by all that comes before the scores, what
        follows from the gradient of the scores that the sheet shows. Raises ``InputError`` if a
        formula has no derivative.
        """
        grids = {s.name: [*self.book.differentiated(s).grids] for s in self._gradients}
        beside = np.concatenate([self.at(grid).ravel() for own in grids.values() for grid in own])
        scores, memory = self.book.differentiated(self._of_scores).cells, self.memory(state)
        cells = [scores.cell(at) for at in np.ndindex(scores.rows.shape)]
        seeds = _by_draw(state.numbers(self._of_scores.cells))
        try:
            found = self._derivatives.adjoints(cells, memory, seeds, beside)
        except NotDifferentiableError as error:
            self._refuse(error)
        made = {
            name: [np.moveaxis(found[self.at(grid)], -1, 0) for grid in own]
            for name, own in grids.items()
        }
        return made | {self._of_scores.name: [self._of_the_loss(scores, memory)]}

    def _of_the_loss(self, scores: Grid, memory: Memory) -> Array:
        """Return ∂loss/∂scores, which the loss reads itself and by way of their exponentials."""
        loss, powers = (self.book.section(name) for name in (names.LOSS, names.EXPONENTIALS))
        one = np.ones((memory.draws, 1))
        direct, by_powers = self.pulled(loss.cells, one, [scores, powers.cells], memory)
        [by_way] = self.pulled(powers.cells, by_powers, [scores], memory)
        return np.asarray(direct + by_way)

    def pulled(
        self, layer: Grid, seeds: Array, asked: Sequence[Grid], memory: Memory
    ) -> list[Array]:
        """Return ∂(sum of a layer's cells, each times its seed)/∂(the cells of some grids).

        The derivatives are those of the formulas of the layer, which read these cells.
        """
        is_asked = np.zeros(len(memory.kinds), dtype=bool)
        for grid in asked:
            is_asked[self.at(grid)] = True
        places = self.at(layer).ravel()
        try:
            found = self._derivatives.pulled(places, _by_draw(seeds), is_asked, memory)
        except NotDifferentiableError as error:
            self._refuse(error)
        return [np.moveaxis(found[self.at(grid)], -1, 0) for grid in asked]

    def _by_way_of(self, section: Section) -> tuple[Section, Section]:
        book, parts = self.book, section.heading.parts
        if section.heading.operation is Operation.BACK:
            layer, gradient = book.section(parts["consumer"]), book.section(parts["source"])
            read = parts["layer"]
        else:
            layer, gradient = book.layer_of(parts["weights"]), book.section(parts["gradient"])
            read = parts["source"]
        fits = (
            layer.heading.parts.get("source") == read
            and gradient.heading.parts.get("layer") == layer.name
        )
        if not fits:
            book.refuse_misfit(section.name)
        return layer, gradient

    def _refuse(self, error: Exception) -> NoReturn:
        raise InputError(f"{self.book.path}: cannot be differentiated ({error})") from error


class LocalGradients:
    """What each gradient should be, by those that the sheet shows of the layer after it.

    So only the cell with a mistake counts as wrong. The first axis of all arrays are the moments.
    """

    def __init__(self, backward: Backward, state: State) -> None:
        self._backward, self._book, self._state = backward, backward.book, state
        self._memory = backward.memory(state)
        self._turned = dict(self._turned_weights())
        for name, turned in self._turned.items():
            weights = self._book.section(name).cells
            self._memory.put_numbers(backward.at(weights).ravel(), _by_draw(turned))
        self._sizes = Memory(self._memory.layout, len(state))
        self._sizes.numbers = np.abs(self._memory.numbers)
        self._sizes.kinds, self._sizes.others = self._memory.kinds, self._memory.others
        self._known: dict[tuple[str, str], tuple[list[Array], list[Array]]] = {}

    def expected(self, section: Section, grid: Grid) -> Expected:
        """Return the right values of one of the grids of a section of gradients."""
        layer, gradient = self._backward.by_way_of[section.name]
        if section.heading.operation is not Operation.BACK:
            own = 1 if grid is section.cells else 2
            values, sizes = (found[own] for found in self._pulled(layer, gradient))
        else:
            values, sizes = (found[0] for found in self._pulled(layer, gradient))
            values[self._are_errors(section, layer)] = np.nan
        return Expected(values, np.maximum(sizes, np.abs(values)))

    def _are_errors(self, section: Section, layer: Section) -> NDArray[np.bool_]:
        """Tell which cells are derivatives by an error, or by way of weights that show one."""
        found = np.isnan(self._state.numbers(self._book.differentiated(section).cells))
        turned = self._turned.get(layer.heading.parts.get("weights", ""))
        if turned is None:
            return found
        through = np.asarray(np.isnan(turned).any(axis=(1, 3, 4)))  # by map of the layer before
        return found | through[:, :, None, None]

    def _pulled(self, layer: Section, gradient: Section) -> tuple[list[Array], list[Array]]:
        """Return the derivatives by what a layer reads, and the sizes of their terms.

        These are those by the layer before it, its weights, and its biases.
        """
        key = layer.name, gradient.name
        if key not in self._known:
            asked = [self._book.section(layer.source()).cells]
            if "weights" in layer.heading.parts:
                asked += self._book.section(layer.source("weights")).grids
            seeds = self._seeds(layer, gradient)
            self._known[key] = (
                self._backward.pulled(layer.cells, seeds, asked, self._memory),
                self._backward.pulled(layer.cells, np.abs(seeds), asked, self._sizes),
            )
        return self._known[key]

    def _seeds(self, layer: Section, gradient: Section) -> Array:
        """Return the gradient of a layer as the sheet shows it; NaN where it has no use.

        That is where the layer shows an error, or is not known to have the right formula. From what
        is not the maximum of a window, though it should be, the gradient goes nowhere if no cell of
        the window equals it.
        """
        seeds, shown = (self._state.numbers(section.cells) for section in (gradient, layer))
        useless = ~np.isfinite(shown) | self._backward.is_unknown(layer.cells)
        if layer.heading.operation is Operation.LARGEST:
            read = self._state.numbers(self._book.section(layer.source()).cells)
            window = layers.blocks(read, size(layer.heading.parts["window"]))
            seeds = np.where((window == shown[..., None]).any(axis=-1), seeds, 0.0)
            useless |= (seeds != 0) & (shown != window.max(axis=-1))
        return np.where(useless, np.nan, seeds)

    def _turned_weights(self) -> Iterator[tuple[str, Array]]:
        """Yield the weights that gradients read, as those that layers read are arranged.

        They are the same numbers; else there is a mistake, which must not count here.
        """
        for section in self._book.sections.values():
            shown = self._state.numbers(section.cells)
            if section.heading.operation is Operation.TURNED:
                turned = shown[..., ::-1, ::-1]
            elif section.heading.operation is Operation.TRANSPOSED:
                turned = shown.swapaxes(1, 2)
            else:
                continue
            if self._book.section(section.source()).cells.rows.shape != turned.shape[1:]:
                self._book.refuse_misfit(section.name)
            yield section.source(), turned


def _by_draw(numbers: Array) -> Array:
    """Return numbers (moments, …) as (cells, moments)."""
    return numbers.reshape(len(numbers), -1).T
