"""A model over some of its samples at a time: a smaller model, whose data are looked up.

Samples are the rows in which most formulas of a model were filled down. A batch has the formulas of
the first rows. What they read of their samples is looked up, by the number of the sample.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from workbook_tools.errors import InputError
from workbook_tools.gradients.blocks import Block, Slot
from workbook_tools.gradients.chain_rule import ChainRule
from workbook_tools.gradients.model import Model
from workbook_tools.notation.addresses import Cell, cell_name, full_name, sheet_prefix
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import NotCompiledError, Program
from workbook_tools.program.what_if import with_formulas


@dataclass(frozen=True)
class Batched:
    """A model over a batch of samples."""

    model: Model
    count: int  # of all samples
    size: int  # of a batch
    looked_up: dict[Cell, tuple[int, list[Cell]]]  # its number in the batch; that of each sample
    constant: dict[Cell, Block]  # the formulas of those


def in_batches(model: Model, size: int) -> Batched:
    """Return a model over a batch of samples; raises ``InputError`` if that cannot be done."""
    return _Batches(model, size).batched()


class _Batches:
    """Makes the smaller model."""

    def __init__(self, model: Model, size: int) -> None:
        self._model, self._size = model, size
        rule = ChainRule(model.sheets, model.of)
        self._changed = rule.changed(model.by).blocks
        self._blocks = {cell: own for own in rule.blocks for cell in rule.reach.cells_of(own)}
        rows: Counter[tuple[int, int]] = Counter(
            (block.rows[0], block.rows[-1])
            for block in self._changed.values()
            if len(block.rows) > 1 and block.rows.step == 1
        )
        if not rows:
            raise InputError(f"{model.path}: --batch: no formula is filled down over samples")
        [((self._first, self._last), _)] = rows.most_common(1)
        self._count = self._last - self._first + 1
        if size >= self._count:
            raise InputError(
                f"{model.path}: --batch {size}: there are {self._count} samples, in the rows "
                f"{self._first} to {self._last}; give less than that, or leave it out"
            )
        self._looked_up: dict[Cell, tuple[int, list[Cell]]] = {}
        self._offsets = self._all_offsets()
        self._read_once: set[Cell] = set()  # by formulas of all samples

    def batched(self) -> Batched:
        """Return the smaller model."""
        model = self._model
        formulas = {
            cell: f"={block.at(cell, dict(self._named(cell, block)).__getitem__)}"
            for cell, block in self._blocks.items()
            if cell in self._changed and not self._is_left_out(cell)
        }
        if both := self._read_once & self._looked_up.keys():
            raise self._refused(min(both), "is read by all samples, and as the data of one")
        sheets = [replace(sheet, runs={}) for sheet in model.sheets]
        rest = {
            cell: f"={block.at(cell, partial(_whole, cell))}"
            for cell, block in self._blocks.items()
            if cell not in self._changed and cell not in self._looked_up
        }
        smaller = with_formulas(sheets, {**formulas, **rest})
        try:
            program = Program(Graph.of(smaller), smaller, model.values)
            memory = program.memory()
            program.run(memory, range(len(program.graph.nodes)))
        except NotCompiledError as error:
            raise InputError(f"{model.path}: --batch: {error} cannot be calculated") from error
        every = {cell for _, cells in self._looked_up.values() for cell in cells}
        return Batched(
            replace(model, sheets=smaller, values=memory.columns()),
            self._count,
            self._size,
            self._looked_up,
            {cell: block for cell, block in self._blocks.items() if cell in every},
        )

    def _number(self, cell: Cell) -> int | None:
        """Return the number of the sample of a formula, from 0; None if it is of no sample."""
        block = self._blocks.get(cell)
        if block is None or (block.rows[0], block.rows[-1]) != (self._first, self._last):
            return None
        return cell[1] - self._first

    def _is_left_out(self, cell: Cell) -> bool:
        return (self._number(cell) or 0) >= self._size

    def _all_offsets(self) -> dict[str, set[int]]:
        """Return how many rows below the formulas of samples their data are, on each sheet."""
        found: dict[str, set[int]] = defaultdict(set)
        for cell, block in self._changed.items():
            if self._number(cell) == 0:
                found[cell[0]].add(0)
                for slot in block.slots.values():
                    if slot.top.moves and slot.top == slot.bottom:
                        found[slot.sheet].add(slot.top.number)
        return found

    def _named(self, cell: Cell, block: Block) -> Iterator[tuple[Slot, str]]:
        """Yield what a formula reads, with the reference to it in the smaller model."""
        number = self._number(cell)
        if block.is_array and ":" in self._array_of(cell):
            raise self._refused(cell, "is part of an array formula")
        for slot in dict.fromkeys(block.slots.values()):
            top, left, bottom, right = slot.at(*cell[1:])
            cells = [
                (slot.sheet, row, column)
                for row in range(top, bottom + 1)
                for column in range(left, right + 1)
            ]
            offset = top - self._first
            is_own = number is not None and top == bottom and slot.top.moves
            is_every = bottom - top + 1 == self._count and offset in self._offsets[slot.sheet]
            if is_own or is_every:
                kept = [own for own in cells if is_own or own[1] < top + self._size]
                for own in kept:
                    self._note(cell, own, number or 0 if is_own else own[1] - top)
                bottom = top if is_own else top + self._size - 1
                names = dict.fromkeys((cell_name(top, left), cell_name(bottom, right)))
                yield slot, sheet_prefix(slot.sheet) + ":".join(names)
                continue
            if any(own in self._changed and self._number(own) is not None for own in cells):
                raise self._refused(cell, "reads other samples, or some of them")
            self._read_once.update(cells)
            yield slot, _whole(cell, slot)

    def _note(self, reader: Cell, cell: Cell, number: int) -> None:
        """Note that a sample's formula reads a cell, which is one of its data if it is none."""
        if cell in self._model.by:
            raise self._refused(reader, "has a parameter of its own")
        if cell in self._changed:
            if self._number(cell) != number:
                raise self._refused(reader, "reads another sample")
        elif self._model.values.value(cell) is not None:
            sheet, row, column = cell
            every = [(sheet, row - number + k, column) for k in range(self._count)]
            if self._looked_up.setdefault(cell, (number, every))[0] != number:
                raise self._refused(reader, "reads the data of another sample")

    def _array_of(self, cell: Cell) -> str:
        sheet = next(sheet for sheet in self._model.sheets if sheet.name == cell[0])
        return sheet.arrays.get(cell[1:], ":")

    def _refused(self, cell: Cell, why: str) -> InputError:
        return InputError(
            f"{self._model.path}: --batch: {full_name(cell)} {why}; train on all samples"
        )


def _whole(cell: Cell, slot: Slot) -> str:
    return sheet_prefix(slot.sheet) + slot.text(*cell[1:])
