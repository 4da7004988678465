"""Calculates a network's workbook with other inputs.

The compiled formulas do this for many inputs at once, whatever engine was chosen. Only LibreOffice
calculates every stored digit itself, each in its own copy of the workbook.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

from workbook_tools.convolutional import trials
from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.state import State
from workbook_tools.convolutional.trials import Trial
from workbook_tools.editing.cell_contents import SheetCells, put_value
from workbook_tools.engines import libreoffice
from workbook_tools.engines.compiled import CompiledCalculation
from workbook_tools.engines.libreoffice import LibreOfficeCalculation
from workbook_tools.engines.workplace import workplace
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.package.columns import Calculation, Columns
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import WorkbookPackage, open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.memory import Memory
from workbook_tools.program.program import NotCompiledError, Program

_AT_A_TIME = 10  # copies that LibreOffice calculates in one run
_MOST_NUMBERS = 4_000_000  # of all cells at the moments of a batch


@dataclass(frozen=True)
class Moments:
    """The workbook calculated with inputs of one kind."""

    kind: str
    state: State
    last: int  # number of the last of them among all such moments, from 1
    total: int


def moments(
    book: Book,
    now: State,
    calculation: Calculation,
    graph: Graph,
    sheets: Sequence[Sheet],
    stored: Columns,
) -> Iterator[Moments]:
    """Yield the workbook with each stored digit, each other digit, and random numbers.

    ``now`` and ``calculation`` are those of the workbook as it is. Raises ``InputError`` if an
    engine cannot calculate the workbook.
    """
    digits = list(trials.digits(book))
    others = [
        *trials.other_digits(book, set(now.numbers(book.truth)[0].tolist())),
        *trials.draws(book),
    ]
    by_libreoffice = isinstance(calculation, LibreOfficeCalculation)
    rerun = Rerun(book, graph, sheets, stored)
    most, last = max(1, _MOST_NUMBERS // book.places.count), 0
    for batch in _batches([*digits, *others], min(most, _AT_A_TIME) if by_libreoffice else most):
        kind, last = batch[0].kind, last + len(batch)
        if by_libreoffice and kind == trials.STORED:
            state = State.read(book, _by_libreoffice(book.path, batch))
        else:
            state = rerun.run(batch)
            if calculation.engine != CompiledCalculation.engine:
                kind += f", in {CompiledCalculation.engine}"
        yield Moments(kind, state, last, len(digits) + len(others))


def _batches(of: Sequence[Trial], most: int) -> Iterator[list[Trial]]:
    """Yield consecutive trials of one kind, at most so many at once."""
    for _, same in groupby(of, key=lambda trial: trial.kind):
        while batch := list(islice(same, most)):
            yield batch


class Rerun:
    """The compiled formulas, run on the inputs of several trials at once."""

    def __init__(self, book: Book, graph: Graph, sheets: Sequence[Sheet], stored: Columns) -> None:
        """Raise ``InputError`` if some formula cannot be compiled."""
        self._book = book
        with self._errors_as_ours():
            self._program = Program(graph, sheets, stored)

    @contextmanager
    def _errors_as_ours(self) -> Iterator[None]:
        try:
            yield
        except NotCompiledError as error:
            raise InputError(
                f"{self._book.path}: cannot be calculated with other digits ({error})"
            ) from error

    def run(self, trials: Sequence[Trial]) -> State:
        """Return the workbook with the inputs of each trial; raises ``InputError`` likewise."""
        program = self._program
        memory = Memory.of(program.layout, program.values, len(trials))
        with self._errors_as_ours():
            for cell in {cell: None for trial in trials for cell in trial.inputs}:
                place = program.layout.place_of(cell)
                if place <= 1:  # an empty cell beyond those in use
                    raise NotCompiledError("an input is far from all other cells")
                own = memory.get(place)
                memory.put(place, *(trial.inputs.get(cell, own) for trial in trials))
            program.run(memory, range(len(program.graph.nodes)))
        return State.of(self._book, memory)


def _by_libreoffice(path: Path, trials: Sequence[Trial]) -> Iterator[Calculation]:
    with open_package(path) as package, workplace() as place:
        copies = [place.folder / f"{number}.xlsx" for number in range(len(trials))]
        for trial, copy in zip(trials, copies, strict=True):
            _write_copy(package, trial, copy)
        yield from libreoffice.recalculate_all(copies)


def _write_copy(package: WorkbookPackage, trial: Trial, path: Path) -> None:
    copy = PackageCopy(package)
    for part in copy.sheets:
        own = {
            (row, column): value
            for (sheet, row, column), value in trial.inputs.items()
            if sheet == part.name
        }
        if own:
            cells = SheetCells(copy.xml(part.part))
            for (row, column), value in own.items():
                put_value(cells.made(row, column), value)
            copy.changed(part.part)
    copy.save(path)
