"""Blocks of cells that hold one formula, filled down and to the right, and what they read."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import NamedTuple

from workbook_tools.formulas.array_elements import NotPlainError, element
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import with_leaves
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Call,
    Lines,
    Reference,
    SyntaxProblemError,
    Tree,
    parse,
    parts,
)
from workbook_tools.notation.addresses import (
    Cell,
    column_letter,
    column_number,
    range_name,
    sheet_prefix,
)

_CORNER = re.compile(r"(\$?)([A-Za-z]+)(\$?)(\d+)")
_ELEMENT = "ARRAYFORMULA"  # as formulas of cells in an array formula are read: body, row, column
_UNREADABLE = "unreadable"


class Edge(NamedTuple):
    """A row or column that a formula names."""

    number: int  # a distance from the formula's own if it moves
    moves: bool

    def at(self, own: int) -> int:
        """Return the row or column that is named by a formula in this row or column."""
        return own + self.number if self.moves else self.number


class Slot(NamedTuple):
    """A cell or range that the formulas of a block read."""

    sheet: str
    top: Edge
    left: Edge
    bottom: Edge
    right: Edge

    def at(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Return the first row and column, and the last, that a formula in a cell reads."""
        return self.top.at(row), self.left.at(column), self.bottom.at(row), self.right.at(column)

    def text(self, row: int, column: int) -> str:
        """Return the reference in a cell, without the sheet."""
        corners = (
            f"{'' if across.moves else '$'}{column_letter(across.at(column))}"
            f"{'' if down.moves else '$'}{down.at(row)}"
            for down, across in ((self.top, self.left), (self.bottom, self.right))
        )
        return ":".join(dict.fromkeys(corners))


@dataclass(frozen=True, eq=False)
class Block:
    """Cells in some rows and columns that hold one formula."""

    sheet: str
    rows: range
    columns: range
    tree: Tree  # the formula of the first cell
    slots: dict[str, Slot]  # by the references in the tree, as they are written
    is_array: bool  # whether ranges are worked out as arrays wherever they stand

    @property
    def is_unreadable(self) -> bool:
        """Whether the formula cannot be parsed; then the tree only says what it reads."""
        return isinstance(self.tree, Call) and self.tree.function == _UNREADABLE

    @property
    def first(self) -> Cell:
        """The first cell."""
        return self.sheet, self.rows[0], self.columns[0]

    def at(self, cell: Cell, named: Callable[[Slot], str]) -> Tree:
        """Return the formula of one of the cells, whose references are ``named`` anew."""

        def placed(part: Tree) -> Tree | None:
            if not isinstance(part, Reference):
                return None
            return Reference(named(self.slots[part.text]))

        return with_leaves(self.tree, placed)


def blocks_of(sheets: Sequence[Sheet]) -> Iterator[Block]:
    """Yield the blocks of all formulas of a workbook."""
    by_name = {own.name.lower(): own for own in sheets}
    for sheet in sheets:
        alike: dict[tuple[range, str], list[Block]] = defaultdict(list)
        for column, runs in sorted(sheet.runs.items()):
            cells: list[Block] = []  # of array formulas
            for run in runs:
                is_element = run.formula.pattern.startswith(f"={_ELEMENT}(")
                if is_element:
                    cells += (
                        _of_column(sheet, range(row, row + 1), column, run.formula.at(row), by_name)
                        for row in run.rows
                    )
                    continue
                block = _of_column(sheet, run.rows, column, run.formula.at(run.first_row), by_name)
                for rows in _with_same_sizes(block):
                    if rows != block.rows:
                        formula = run.formula.at(rows[0])
                        block = _of_column(sheet, rows, column, formula, by_name)
                    alike[block.rows, _form(block)].append(block)
            for block in _below_each_other(cells):
                alike[block.rows, _form(block)].append(block)
        for blocks in alike.values():
            yield from _beside_each_other(blocks)


def _with_same_sizes(block: Block) -> list[range]:
    """Return the rows of a block in parts: ranges that grow begin, or end, with a single row."""
    rows = block.rows
    ends = {0, len(rows)}
    for slot in block.slots.values():
        if slot.top.moves != slot.bottom.moves:
            moving, fixed = (slot.top, slot.bottom) if slot.top.moves else (slot.bottom, slot.top)
            single = fixed.number - moving.number
            ends |= {bisect_left(rows, single), bisect_right(rows, single)}
    return [rows[first:last] for first, last in pairwise(sorted(ends))]


def _below_each_other(cells: Iterable[Block]) -> Iterator[Block]:
    """Yield cells of one column as larger blocks where they have the same formula."""
    by_form: dict[str, list[Block]] = defaultdict(list)
    for cell in sorted(cells, key=lambda block: block.rows[0]):
        by_form[_form(cell)].append(cell)
    for blocks in by_form.values():
        for _, group in groupby(enumerate(blocks), lambda own: own[1].rows[0] - own[0]):
            own = [block for _, block in group]
            yield replace(own[0], rows=range(own[0].rows[0], own[-1].rows[0] + 1))


def _beside_each_other(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield blocks of one column each, with the same formula, as larger ones."""
    for _, group in groupby(enumerate(blocks), lambda own: own[1].columns[0] - own[0]):
        own = [block for _, block in group]
        yield replace(own[0], columns=range(own[0].columns[0], own[-1].columns[0] + 1))


def _of_column(
    sheet: Sheet, rows: range, column: int, formula: str, sheets: dict[str, Sheet]
) -> Block:
    # Those of several cells are read element by element.
    is_array = ":" not in sheet.arrays.get((rows[0], column), ":")
    try:
        tree = parse(formula)
        if isinstance(tree, Call) and tree.function == _ELEMENT:
            body, down, right = tree.arguments
            tree, is_array = element(body, int(str(down)), int(str(right))), True
    except NotPlainError:
        pass  # no rule of differentiation knows such a formula
    except SyntaxProblemError:
        read = (
            Reference(sheet_prefix(area.sheet or sheet.name) + range_name(*area[1:]))
            for area in areas(formula)
        )
        tree = Call(_UNREADABLE, tuple(read))
    tree = with_leaves(tree, lambda part: _bounded(part, sheet, sheets))
    tree = with_leaves(tree, lambda part: _in_order(part, (sheet.name, rows[0], column)))
    slots = {
        part.text: slot_of(part.text, (sheet.name, rows[0], column), sheets)
        for _, part in parts(tree)
        if isinstance(part, Reference)
    }
    return Block(sheet.name, rows, range(column, column + 1), tree, slots, is_array)


def _bounded(part: Tree, own: Sheet, sheets: dict[str, Sheet]) -> Tree | None:
    """Return whole columns or rows as a range that ends with the cells of their sheet."""
    if not isinstance(part, Lines):
        return None
    before, _, lines = part.text.rpartition("!")
    sheet = sheets.get(_name(before).lower(), own)
    first, last = lines.split(":")
    if first[-1].isdigit():
        cells = f"$A{first}:${column_letter(max(sheet.last_column, 1))}{last}"
    else:
        cells = f"{first}$1:{last}${max(sheet.last_row, 1)}"
    return Reference(f"{before}!{cells}" if before else cells)


def _in_order(part: Tree, cell: Cell) -> Tree | None:
    """Return a range that is written from its last cell to its first, as ``B5:B2``, in order."""
    if not isinstance(part, Reference) or ":" not in part.text:
        return None
    before = part.text[: part.text.rfind("!") + 1]
    return Reference(before + slot_of(part.text, cell).text(*cell[1:]))


def _name(before: str) -> str:
    """Return the name of a sheet from the part of a reference before the ``!``."""
    return before.removeprefix("'").removesuffix("'").replace("''", "'")


def slot_of(text: str, cell: Cell, sheets: Mapping[str, Sheet] = MappingProxyType({})) -> Slot:
    """Read a reference in the formula of a cell; ``sheets`` are those of the workbook."""
    own, row, column = cell
    before, _, cells = text.rpartition("!")
    name = _name(before)
    rows, columns = [], []
    for corner in cells.split(":"):
        match = _CORNER.fullmatch(corner)
        assert match is not None  # so they are parsed
        column_sign, letters, row_sign, digits = match.groups()
        rows.append(_edge(int(digits), row_sign, row))
        columns.append(_edge(column_number(letters), column_sign, column))
    rows.sort(key=lambda edge: edge.at(row))
    columns.sort(key=lambda edge: edge.at(column))
    sheet = sheets[name.lower()].name if name.lower() in sheets else name or own
    return Slot(sheet, rows[0], columns[0], rows[-1], columns[-1])


def _edge(number: int, sign: str, own: int) -> Edge:
    return Edge(number, False) if sign else Edge(number - own, True)


def _form(block: Block) -> str:
    """Return the formula with distances in place of cells: equal if it was filled to the right.

    Ranges with a single column are told from others, which have other derivatives.
    """
    column = block.columns[0]

    def distances(part: Tree) -> Tree | None:
        if not isinstance(part, Reference):
            return None
        slot = block.slots[part.text]
        return Reference(f"{slot} {slot.left.at(column) == slot.right.at(column)}")

    return f"{block.is_array} {with_leaves(block.tree, distances)}"
