"""Turns the results for each cell into faults, and these into a report."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional import panel, reads, whole
from workbook_tools.convolutional.backward import Backward, Gradients
from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.formulas import Formulas
from workbook_tools.convolutional.local import Local
from workbook_tools.convolutional.places import Grid, Index, Numbers
from workbook_tools.convolutional.state import State
from workbook_tools.convolutional.suggestions import Suggestions
from workbook_tools.convolutional.tally import Tallies, Tally
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.comparison import ABSOLUTE, Comparison
from workbook_tools.judging.faults import Fault, Kind, message, plain
from workbook_tools.judging.findings import Finding, ordered
from workbook_tools.judging.report import Cells, Differences, NetworkReport, Report, SummaryReport
from workbook_tools.mending.causes import grouped
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Columns

_UNKNOWN = "they read a cell with an error"
_NOT_OF_FORMULAS = {Kind.STALE_VALUE, Kind.WRONG_VALUE}


class Judgement:
    """Collects the results of checking a workbook at several moments."""

    def __init__(self, book: Book, tolerance: float) -> None:
        self._book, self._tolerance = book, tolerance
        self._tallies = Tallies(book)
        self._stale = np.zeros(book.places.count, dtype=bool)
        self._whole = Comparison()
        self._moments = Counter[str]()
        self._states: list[State] = []  # first the workbook as it is
        self._of_formulas: dict[int, dict[Index, Kind]] = {}  # by tally: what is wrong in it

    def look(self, state: State, kind: str) -> None:
        """Check every cell at some moments from the cells that it reads, except for gradients.

        The first call must be with the workbook as it is; ``kind`` names the moments in the report.
        """
        self._tallies.look(state, self._tolerance + state.storage, now=not self._states)
        self._moments[kind] += len(state)
        self._states.append(state)

    def look_back(self, sheets: Sequence[Sheet], values: Columns) -> None:
        """Check the gradients at all these moments, and every cell with a run of the network.

        Gradients are compared with derivatives of the formulas in the ``sheets``, or of those that
        should stand there. Raises ``InputError`` if they have none.
        """
        self._backward = Backward(self._book, sheets, values, *self._meant())
        for number, state in enumerate(self._states):
            gradients = self._backward.gradients(state)
            self._look_at_all(state, gradients)
            tolerance = self._tolerance + state.storage
            self._tallies.look_back(self._backward, gradients, state, tolerance, now=not number)

    def _meant(self) -> tuple[dict[Cell, str], set[Cell]]:
        """Return formulas for cells that have wrong ones or none, other than gradients.

        Where it is not known what was meant, the cell is also returned by itself, and the formula
        only reads what it should.
        """
        instead: dict[Cell, str] = {}
        unknown: set[Cell] = set()
        for tally in self._tallies.grids:
            if tally.is_passed_back:
                continue
            wanted = reads.wanted(self._book, tally.section, tally.grid)
            for fault, places in self._of_grid(tally):
                if fault.kind in _NOT_OF_FORMULAS:
                    continue
                instead |= fault.put_right
                if not fault.put_right:
                    own = {tally.grid.cell(at): reads.total_of(wanted(*at)) for at in places}
                    instead |= own
                    unknown |= own.keys()
        return instead, unknown

    def _look_at_all(self, state: State, gradients: Gradients) -> None:
        """Compare every cell with a run of the whole network, where the true digit is known."""
        truth = Local(self._book, state).true_digits()
        classes = len(self._book.section(names.SOFTMAX).cells.rows)
        known = np.isin(truth, np.arange(classes))
        run = whole.run(self._book, state, truth, gradients)
        for name, expected in (run | gradients).items():
            for grid, own in zip(self._book.section(name).grids, expected, strict=False):
                if own.shape[1:] != grid.rows.shape:
                    self._book.refuse_misfit(name)
                self._whole.add(state.numbers(grid)[known], own[known])

    def compare_stored(self, stored: State, tolerance: float) -> None:
        """Find cached values that are out of date.

        Such a value does not follow from the cached values that its formula reads, and it differs
        from the value calculated now.
        """
        now, tallies = self._states[0], Tallies(self._book)
        tallies.look(stored, tolerance, now=True)
        if any(self._differ(one.grid, stored) for one in tallies.grids if one.is_passed_back):
            gradients = self._backward.gradients(stored)
            tallies.look_back(self._backward, gradients, stored, tolerance, now=True)
        for tally in tallies.grids:
            [own] = now.numbers(tally.grid)
            same = np.isclose(tally.shown, own, tolerance, ABSOLUTE)
            there = tally.wrong & np.isfinite(tally.shown) & ~same
            self._stale[self._book.places.of(tally.grid)[there]] = True
        for cell, single in tallies.singles.items():
            if single.wrong and single.shown not in (None, now.value(cell)):
                self._stale[self._place(cell)] = True

    def _differ(self, grid: Grid, stored: State) -> bool:
        """Tell whether some cells have other numbers in the file than now."""
        now, then = self._states[0].numbers(grid), stored.numbers(grid)
        return not np.array_equal(now, then, equal_nan=True)

    def report(self, engine: str) -> Report:
        """Return the report."""
        of_grids = (fault for tally in self._tallies.grids for fault, _ in self._of_grid(tally))
        faults = [*of_grids, *self._of_panel(), *self._of_margins()]
        return Report(
            workbook=str(self._book.path),
            engine=engine,
            tables=[],
            summaries=list(self._sheets(faults)),
            other_formulas=dict(self._others()),
            findings=ordered([Finding(tuple(f for _, f in own)) for own in grouped([faults])]),
            network=NetworkReport(_described(self._book), dict(self._moments), self._whole),
        )

    def _of_grid(self, tally: Tally) -> Iterator[tuple[Fault, list[Index]]]:
        """Yield the faults of a grid, each with the indices of its cells."""
        kinds = self._kinds(tally)
        if not kinds:
            return
        sound = np.ones(tally.grid.rows.shape, dtype=bool)
        for at in kinds:
            sound[at] = False
        suggestions = Suggestions(self._book, self._states[0], self._tolerance, tally, sound)
        for kind in Kind:
            found = {at for at, own in kinds.items() if own is kind}
            for fault, places in self._faults(tally, kind, found):
                meant = None if kind in _NOT_OF_FORMULAS else suggestions.of(places)
                yield replace(fault, suggestion=meant), places

    def _kinds(self, tally: Tally) -> dict[Index, Kind]:
        """Return the kind of mistake of each mistaken cell of a grid, by its index."""
        if id(tally) not in self._of_formulas:
            self._of_formulas[id(tally)] = self._kinds_of_formulas(tally)
        there = self._book.formulas.numbers[self._book.places.of(tally.grid)] >= 0
        stale = there & self._stale[self._book.places.of(tally.grid)]
        # What a formula is counts more.
        return dict.fromkeys(_indices(stale), Kind.STALE_VALUE) | self._of_formulas[id(tally)]

    def _kinds_of_formulas(self, tally: Tally) -> dict[Index, Kind]:
        formulas = Formulas(self._book, tally.section, tally.grid)
        wrong, elsewhere, there = tally.wrong, tally.wrong_elsewhere, formulas.there
        kinds = formulas.odd(wrong | elsewhere)
        for mask, kind in (  # what comes later counts more
            (there & elsewhere & ~wrong, Kind.LATENT),
            (there & wrong, Kind.WRONG_FORMULA),
            (there & wrong & np.isnan(tally.shown), Kind.ERROR_VALUE),
            (~there & wrong & formulas.unread, Kind.WRONG_VALUE),
            (~there & ~formulas.unread, Kind.TYPED_VALUE),
        ):
            kinds |= dict.fromkeys(_indices(mask), kind)
        return kinds

    def _faults(
        self, tally: Tally, kind: Kind, found: set[Index]
    ) -> Iterator[tuple[Fault, list[Index]]]:
        """Yield a fault for each group of consecutive cells of a column, with their indices."""
        places = sorted((tally.grid.cell(at), at) for at in found)
        places.sort(key=lambda place: (place[0][2], place[0][1]))
        numbered = enumerate(places)
        for _, run in groupby(numbered, key=lambda n: (n[1][0][2], n[1][0][1] - n[0])):
            own = [place for _, place in run]
            (sheet, _, column), _ = own[0]
            worst_cell, worst = max(own, key=lambda place: _distance(tally, place[1]))
            expected = plain(float(tally.expected[worst]))
            shown = plain(float(tally.shown[worst]))
            seen: float | str | None = shown
            if kind is Kind.ERROR_VALUE:
                content = self._states[0].value(worst_cell)
                seen = content.code if isinstance(content, CellError) else str(content)
            quantity = _quantity(tally, own[0][1])
            fault = Fault(
                kind=kind,
                quantity=quantity,
                sheet=sheet,
                column=column,
                rows=tuple(cell[1] for cell, _ in own),
                formula=self._book.formulas.get(own[0][0]),
                value=seen,
                expected=expected,
                max_rel_error=_relative(shown, expected),
                message=message(
                    kind, quantity, cell_name(worst_cell[1], column), seen, expected,
                    bool(tally.wrong[worst]),
                ),
            )  # fmt: skip
            yield fault, [at for _, at in own]

    def _of_panel(self) -> Iterator[Fault]:
        labels = {cell: label for label, cell in self._book.singles.items()}
        wanted = panel.wanted(self._book)
        for cell, single in self._tallies.singles.items():
            formula = self._book.formulas.get(cell)
            sheet, row, column = cell
            if formula is None:
                kind = Kind.TYPED_VALUE
            elif single.wrong:
                kind = Kind.WRONG_FORMULA if single.shown is not None else Kind.ERROR_VALUE
            elif single.wrong_elsewhere or reads.rectangles(formula, sheet) != wanted[cell]:
                kind = Kind.LATENT
            elif self._stale[self._place(cell)]:
                kind = Kind.STALE_VALUE
            else:
                continue
            quantity = labels.get(cell, names.PROBABILITY_HEADS[1])
            expected = single.expected if isinstance(single.expected, float) else None
            yield Fault(
                kind, quantity, sheet, column, (row,), formula, single.shown, expected, None,
                message(kind, quantity, cell_name(row, column), single.shown, expected,
                        single.wrong),
            )  # fmt: skip

    def _of_margins(self) -> Iterator[Fault]:
        """Find cells around maps that do not hold a typed 0; formulas read them as padding."""
        for section in self._book.sections.values():
            above, beside = section.margin
            if not above and not beside:
                continue
            grid = section.cells.padded(above, beside)
            [values] = self._states[0].numbers(grid, 0.0)
            is_formula = self._book.formulas.numbers[self._book.places.of(grid)] >= 0
            inner = np.zeros(values.shape, dtype=bool)
            height, width = section.cells.rows.shape[1:]
            inner[:, above : above + height, beside : beside + width] = True
            for at in _indices(~inner & ((values != 0) | is_formula)):
                cell = sheet, row, column = grid.cell(at)
                quantity = f"margin of {section.name}"
                shown = plain(float(values[at]))
                yield Fault(
                    Kind.WRONG_VALUE, quantity, sheet, column, (row,),
                    self._book.formulas.get(cell), shown, 0.0, None,
                    message(Kind.WRONG_VALUE, quantity, cell_name(row, column), shown, 0.0, True),
                )  # fmt: skip

    def _sheets(self, faults: list[Fault]) -> Iterator[SummaryReport]:
        """Yield a report for each sheet with calculated cells."""
        counted: dict[str, SummaryReport] = {}
        sound = np.ones(self._book.places.count, dtype=bool)
        for fault in faults:
            for row in fault.rows:
                sound[self._place((fault.sheet, row, fault.column))] = False
        for tally in self._tallies.grids:
            sheet = tally.grid.sheet
            part = counted.setdefault(
                sheet, SummaryReport(sheet, Cells(), [], _what(tally.section), Differences())
            )
            unknown = int(tally.unknown.sum())
            self._count(part.cells, self._book.places.of(tally.grid), sound)
            if unknown:
                part.cells.leave_out(unknown, _UNKNOWN)
                part.cells.checked -= unknown
                part.cells.agreeing -= unknown
            assert part.differences is not None
            _widen(part.differences, tally.differences)
        own = counted[names.DIGIT].cells
        checked = np.array([self._place(cell) for cell in self._tallies.singles])
        self._count(own, checked, sound)
        if unknown := len(self._unknown_singles()):
            own.formulas += unknown
            own.leave_out(unknown, _UNKNOWN)
        for fault in faults:
            counted[fault.sheet].faults.append(fault)
        yield from counted.values()

    def _unknown_singles(self) -> set[Cell]:
        """Return the panel's formula cells whose right value was never known."""
        cells = self._book.singles.values()
        return {
            cell for cell in cells if self._book.formulas.get(cell) is not None
        } - self._tallies.singles.keys()

    def _count(self, counts: Cells, places: Numbers, sound: NDArray[np.bool_]) -> None:
        own = places[self._book.formulas.numbers[places] >= 0]
        counts.formulas += own.size
        counts.checked += own.size
        counts.agreeing += int(sound[own].sum())

    def _others(self) -> Iterator[tuple[str, int]]:
        """Count the formula cells of each sheet that do not belong to a section or the panel."""
        places = self._book.places
        known = np.zeros(places.count, dtype=bool)
        for tally in self._tallies.grids:
            known[places.of(tally.grid)] = True
        for cell in self._tallies.singles.keys() | self._unknown_singles():
            known[self._place(cell)] = True
        known &= self._book.formulas.numbers >= 0
        counts = Counter(dict(self._book.formulas.counts()))
        for sheet, area in places.areas():
            counts[sheet] -= int(known[area.numbers].sum())
        return ((sheet, count) for sheet, count in counts.items() if count)

    def _place(self, cell: Cell) -> int:
        return int(self._book.places.of(Grid.of(cell)))


def _indices(mask: np.ndarray[Index, np.dtype[np.bool_]]) -> Iterator[Index]:
    return (tuple(int(i) for i in at) for at in np.argwhere(mask))


def _distance(tally: Tally, at: Index) -> float:
    off = abs(float(tally.shown[at]) - float(tally.expected[at]))
    return off if off == off else np.inf


def _relative(shown: float | None, expected: float | None) -> float | None:
    if shown is None or not expected:
        return None
    return abs(shown - expected) / abs(expected)


def _widen(into: Differences, other: Differences) -> None:
    into.absolute = max(into.absolute, other.absolute)
    into.relative = max(into.relative, other.relative)


def _quantity(tally: Tally, at: Index) -> str:
    """Return a cell's name in words: ``Conv2, map 3`` or ``Grad_Conv2, to 3 from 1``."""
    name, shape = tally.section.name, tally.grid.rows.shape
    if len(shape) == 4:
        return f"{name}, to {at[0] + 1} from {at[1] + 1}"
    if len(shape) == 1:
        return f"{name}, bias {at[0] + 1}"
    if shape[0] == 1:
        return name
    return f"{name}, {'number' if shape[1:] == (1, 1) else 'map'} {at[0] + 1}"


def _what(section: Section) -> str:
    return str(section.heading).split(": ", 1)[1].split(" → ")[0]


def _described(book: Book) -> str:
    image = book.section(names.PIXELS).cells.rows.shape
    weights = sum(
        grid.rows.size
        for section in book.sections.values()
        if section.heading.operation is names.Operation.WEIGHTS
        for grid in section.grids
    )
    classes = len(book.section(names.SOFTMAX).cells.rows)
    return f"{image[1]} × {image[2]} pixels to {classes} digits, {weights:,} weights and biases"
