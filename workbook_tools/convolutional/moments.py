"""Calculates a network's workbook with other inputs, if possible by the engine that was chosen.

LibreOffice calculates every stored digit, each in its own copy of the workbook. The random numbers,
which reveal formulas that are right by chance, are always calculated by the embedded engine, which
needs no copies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from workbook_tools.convolutional import trials
from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.state import State
from workbook_tools.convolutional.trials import Trial
from workbook_tools.editing.cell_contents import SheetCells, put_value
from workbook_tools.engines import Calculation, libreoffice
from workbook_tools.engines.embedded import Rerun
from workbook_tools.engines.libreoffice import LibreOfficeCalculation
from workbook_tools.engines.workplace import workplace
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import WorkbookPackage, open_package

_FEW = 2  # inputs of a trial
_AT_A_TIME = 10  # copies that LibreOffice calculates in one run


@dataclass(frozen=True)
class Moment:
    """A workbook calculated with other inputs."""

    kind: str
    calculation: Calculation
    number: int  # of all such moments, from 1
    total: int


def moments(book: Book, now: State, calculation: Calculation) -> Iterator[Moment]:
    """Yield the workbook with each stored digit, each other digit, and random numbers.

    ``now`` and ``calculation`` are those of the workbook as it is. A calculation must not be used
    any more once the next one is requested. Raises ``InputError`` if an engine cannot calculate
    the workbook.
    """
    digits = list(trials.digits(book))
    others = [
        *trials.other_digits(book, set(now.numbers(book.truth).tolist())),
        *trials.draws(book),
    ]
    if isinstance(calculation, LibreOfficeCalculation):
        calculated = _by_libreoffice(book.path, digits)
    else:
        calculated = _embedded(book.path, digits)
    every = chain(calculated, _embedded(book.path, others))
    trial_of = zip([*digits, *others], every, strict=True)
    for number, (trial, made) in enumerate(trial_of, start=1):
        kind = trial.kind
        if made.engine != calculation.engine:
            kind += f", in {made.engine}"
        yield Moment(kind, made, number, len(digits) + len(others))


def _embedded(path: Path, of: Sequence[Trial]) -> Iterator[Calculation]:
    rerun = Rerun(path)
    for trial in of:
        # Thousands of inputs are entered faster before anything has been calculated.
        engine = rerun if len(trial.inputs) <= _FEW else Rerun(path)
        yield engine.with_inputs(trial.inputs)


def _by_libreoffice(path: Path, of: Sequence[Trial]) -> Iterator[Calculation]:
    with open_package(path) as package:
        for begin in range(0, len(of), _AT_A_TIME):
            with workplace() as place:
                batch = of[begin : begin + _AT_A_TIME]
                copies = [place.folder / f"{number}.xlsx" for number in range(len(batch))]
                for trial, copy in zip(batch, copies, strict=True):
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
