"""Reads a network's workbook: finds sections by their headings, and their cells by labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from workbook_tools.convolutional.places import BookFormulas, Grid, Index, Numbers, Places
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.convolutional import (
    Heading,
    MapsShape,
    Operation,
    WeightsShape,
    label_index,
)
from workbook_tools.package.workbook import WorkbookPackage

_NEEDED = (
    names.PIXELS, names.DRAWING, names.DIGITS, names.INPUT, names.SOFTMAX, names.LOSS,
    names.SOFTMAX + names.AFTERWARDS, names.LOSS + names.AFTERWARDS,
)  # fmt: skip
_MOST_CELLS = 1_000_000  # of a section
_SINGLES = (names.TRUE_DIGIT, names.READ_AS, names.VERDICT, names.LOSS_NOW, names.LOSS_AFTER)
_INPUTS = (
    names.SELECTED, names.DRAWN_DIGIT, names.ETA, names.PIXEL_MEAN, names.PIXEL_DEVIATION
)  # fmt: skip


class Section(NamedTuple):
    """A heading and the cells below it."""

    heading: Heading
    cells: Grid  # maps (n, height, width), or weights (outputs, inputs, height, width)
    biases: Grid | None = None  # (outputs,)

    @property
    def name(self) -> str:
        """Its name."""
        return self.heading.name

    @property
    def grids(self) -> Iterator[Grid]:
        """The cells, then the biases if there are any."""
        yield self.cells
        if self.biases is not None:
            yield self.biases

    @property
    def margin(self) -> tuple[int, int]:
        """The width of the border of zeros around maps."""
        return self.heading.margin if isinstance(self.heading.shape, MapsShape) else (0, 0)

    @property
    def with_margins(self) -> Iterator[Grid]:
        """The cells with the border of zeros around maps, then the biases if there are any."""
        yield self.cells.padded(*self.margin) if any(self.margin) else self.cells
        if self.biases is not None:
            yield self.biases

    def source(self, part: str = "source") -> str:
        """Return the name of a section that it is computed from."""
        return self.heading.parts[part]


@dataclass
class Book:
    """A network's workbook after reading."""

    path: Path
    sections: dict[str, Section]
    inputs: dict[str, Cell]  # by defined name
    singles: dict[str, Cell]  # by label, on the sheet Digit
    table: dict[str, Grid]  # of probabilities, by the heading of their column
    truth: Grid  # the true digits of the stored images (n,)
    places: Places = field(repr=False)
    formulas: BookFormulas = field(repr=False)

    def section(self, name: str) -> Section:
        """Return a section; raises ``InputError`` if there is none of this name."""
        if name not in self.sections:
            raise InputError(
                f"{self.path}: a heading refers to {name}, but no section has that name; write the "
                "workbook again"
            )
        return self.sections[name]

    def turned(self, weights: str) -> Section:
        """Return the section with a layer's kernels turned by 180°, or its weights transposed."""
        return self._that((Operation.TURNED, Operation.TRANSPOSED), "source", weights)

    def layer_of(self, weights: str) -> Section:
        """Return the layer with these weights in the first forward pass."""
        return self._that((Operation.CONVOLUTION, Operation.WEIGHTED), "weights", weights)

    def differentiated(self, gradient: Section) -> Section:
        """Return the layer or the weights by which a section of gradients is the derivative."""
        parts = gradient.heading.parts
        return self.section(parts["layer"] if "layer" in parts else parts["weights"])

    def refuse_circle(self, name: str) -> NoReturn:
        """Raise ``InputError`` for a layer that depends on itself."""
        raise InputError(f"{self.path}: according to the headings, {name} depends on itself")

    def refuse_misfit(self, name: str) -> NoReturn:
        """Raise ``InputError`` for a heading that names sections which do not fit together."""
        raise InputError(
            f"{self.path}: the heading of {name} is wrong: the sections that it names do not fit "
            "together"
        )

    def refuse_shape(self, name: str, shape: Index) -> NoReturn:
        """Raise ``InputError`` for a heading whose shape is not the computed one."""
        size = " × ".join(str(side) for side in shape)
        raise InputError(
            f"{self.path}: the heading of {name} is wrong: what it describes has the size {size}"
        )

    def _that(self, operations: tuple[Operation, ...], part: str, name: str) -> Section:
        for section in self.sections.values():
            heading = section.heading
            if heading.operation in operations and heading.parts.get(part) == name:
                return section
        raise InputError(
            f"{self.path}: the heading of the {operations[0].name.lower()} section of {name} is "
            "missing; write the workbook again"
        )


def is_network(sheets: list[Sheet]) -> bool:
    """Tell whether sheets are those of a convolutional network's workbook."""
    headings = {sheet.name: _headings(sheet) for sheet in sheets}
    here = {heading.name for own in headings.values() for heading in own.values()}
    return {names.PIXELS, names.INPUT, names.SOFTMAX} <= here


def workbook_names(package: WorkbookPackage) -> dict[str, str]:
    """Return the names defined for the whole workbook, and what they stand for."""
    return {name: text for name, of, text in package.defined_names() if of is None}


def read_book(path: Path, sheets: list[Sheet], defined: Mapping[str, str]) -> Book:
    """Read a workbook by its headings, labels and defined names.

    Raises ``InputError`` if one of them is missing.
    """
    sections: dict[str, Section] = {}
    for sheet in sheets:
        found = _headings(sheet)
        tops = sorted({row for row, _ in found})
        for (row, column), heading in found.items():
            if heading.name in sections:
                raise InputError(f"{path}: two sections have the name {heading.name}")
            below = min((top for top in tops if top > row), default=sheet.last_row + 1)
            sections[heading.name] = _Reader(path, sheet, heading, row, column, below).section()
    by_name = {sheet.name: sheet for sheet in sheets}
    for name in (names.DIGIT, names.DIGITS):
        if name not in by_name:
            raise InputError(
                f"{path}: the sheet {name} is missing; if it was renamed, give it this name again"
            )
    for name in _NEEDED:
        if name not in sections or not isinstance(sections[name].heading.shape, MapsShape):
            raise InputError(f"{path}: the heading of {name} is missing; write the workbook again")
    digit = by_name[names.DIGIT]
    stored = _column_below(path, by_name[names.DIGITS], names.DIGITS_HEADS[2],
                           sections[names.DIGITS].cells.rows.shape[0])  # fmt: skip
    classes = sections[names.SOFTMAX].cells.rows.shape[0]
    inputs = {name: _input(path, name, defined) for name in _INPUTS}
    singles = {label: _beside(path, digit, label) for label in _SINGLES}
    table = {head: _column_below(path, digit, head, classes) for head in names.PROBABILITY_HEADS}
    singly = map(Grid.of, [*inputs.values(), *singles.values()])
    grids = (grid for section in sections.values() for grid in section.with_margins)
    places = Places(path, [*grids, *table.values(), stored, *singly])
    formulas = BookFormulas(sheets, places)
    return Book(path, sections, inputs, singles, table, stored, places, formulas)


def _headings(sheet: Sheet) -> dict[tuple[int, int], Heading]:
    """Return the headings of a sheet by row and column."""
    found = ((place, Heading.parse(text)) for place, text in sheet.texts.items())
    return {place: heading for place, heading in found if heading is not None}


class _Reader(NamedTuple):
    """Finds the cells below one heading, up to the row before ``below``."""

    path: Path
    sheet: Sheet
    heading: Heading
    row: int
    column: int
    below: int

    def section(self) -> Section:
        """Return the section; raises ``InputError`` if some of its cells cannot be found."""
        count = self.heading.shape.cell_count
        if not 0 < count <= _MOST_CELLS:
            raise InputError(
                f"{self.path}: by its heading, {self.heading.name} has {count:,} cells; a section "
                f"has at least 1, and at most {_MOST_CELLS:,} are read"
            )
        match self.heading.shape:
            case MapsShape():
                return Section(self.heading, self._maps(self.heading.shape))
            case WeightsShape():
                return self._weights(self.heading.shape)

    def _maps(self, shape: MapsShape) -> Grid:
        labels = self._labels(("map", "unit", "digit", "number"))
        corners = np.array([self._at(labels, k) for k in range(shape.count)])
        above, _ = self.heading.margin
        rows = corners[:, 0, None, None] + 1 + above + np.arange(shape.height)[None, :, None]
        columns = corners[:, 1, None, None] + np.arange(shape.width)[None, None, :]
        return self._grid(rows, columns, (shape.count, shape.height, shape.width))

    def _weights(self, shape: WeightsShape) -> Section:
        outputs, inputs = self._labels(("to",)), self._labels(("from",))
        height, width = shape.kernel or (1, 1)
        top = np.array([self._at(outputs, o)[0] for o in range(shape.outputs)])
        left = np.array([self._at(inputs, c)[1] for c in range(shape.inputs)])
        rows = top[:, None, None, None] + np.arange(height)[None, None, :, None]
        columns = left[None, :, None, None] + np.arange(width)[None, None, None, :]
        cells = self._grid(rows, columns, (shape.outputs, shape.inputs, height, width))
        bias = [
            place for place, text in self.sheet.texts.items()
            if text == names.BIAS and self.row < place[0] < self.below
        ]  # fmt: skip
        if not bias:
            return Section(self.heading, cells)
        column = np.full(shape.outputs, bias[0][1])
        return Section(self.heading, cells, Grid(self.sheet.name, top, column))

    def _labels(self, kinds: tuple[str, ...]) -> dict[int, tuple[int, int]]:
        """Return the place of each label of a map, number, input or output, by its index."""
        found: dict[int, tuple[int, int]] = {}
        for (row, column), text in self.sheet.texts.items():
            if self.row < row < self.below and column >= self.column and text.startswith(kinds):
                index = label_index(text)
                if index is not None:
                    found.setdefault(index, (row, column))
        return found

    def _at(self, labels: dict[int, tuple[int, int]], index: int) -> tuple[int, int]:
        if index not in labels:
            raise InputError(
                f"{self.path}: below the heading of {self.heading.name} on the sheet "
                f"{self.sheet.name!r} the label of number {index + 1} is missing; write the "
                "workbook again"
            )
        return labels[index]

    def _grid(self, rows: Numbers, columns: Numbers, shape: Index) -> Grid:
        return Grid(self.sheet.name, np.broadcast_to(rows, shape), np.broadcast_to(columns, shape))


def _input(path: Path, name: str, defined: Mapping[str, str]) -> Cell:
    found = areas(f"={defined[name]}") if name in defined else []
    if len(found) != 1 or found[0].cell_count != 1 or found[0].sheet is None:
        raise InputError(f"{path}: the name {name} is not defined as one cell")
    return found[0].sheet, found[0].first_row, found[0].first_column


def _beside(path: Path, sheet: Sheet, label: str) -> Cell:
    """Return the cell to the right of a label."""
    row, column = _only(path, sheet, label)
    return sheet.name, row, column + 1


def _column_below(path: Path, sheet: Sheet, head: str, count: int) -> Grid:
    """Return ``count`` cells below the heading of a table's column."""
    row, column = _only(path, sheet, head)
    return Grid(sheet.name, row + 1 + np.arange(count), np.full(count, column))


def _only(path: Path, sheet: Sheet, label: str) -> tuple[int, int]:
    found = [place for place, text in sheet.texts.items() if text == label]
    if len(found) != 1:
        raise InputError(
            f"{path}: the sheet {sheet.name!r} has {len(found)} cells with the text {label!r} "
            "instead of one"
        )
    return found[0]
