"""How well wrong gradients and updates are found by differentiation alone, without any label.

In the project's own workbooks, one formula of the backward half is changed at random, in one cell
or in every cell that it was filled into: a gradient, a cell from which gradients are calculated,
or an update. Labels are not read. A change that gives the same on random numbers is no mistake.
Everything else must be found at exactly its cells, and nothing else may be.

In a folder of other people's workbooks with a ``labels.json`` (``wrong_cells`` and a ``verdict``
for each model), every wrong cell must be named, and nothing else.

    python benchmarks/learning_score.py [--wild FOLDER] [--changes N] [--seed N] [--shown N] [FILE]
"""

import argparse
import json
import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openpyxl
from formula_changes import CHANGES, equal
from openpyxl.utils.cell import coordinate_to_tuple

from workbook_tools.checking.verify import verify
from workbook_tools.engines import compiled
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import FilledFormula, areas
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.formulas.words import runs_backwards
from workbook_tools.judging.report import Report
from workbook_tools.learning.learned import learned
from workbook_tools.learning.prepared.fixed_numbers import with_fixed_numbers
from workbook_tools.learning.search.models import models
from workbook_tools.notation.addresses import Cell, column_number, full_name
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.plain_formulas import plain_formulas
from workbook_tools.program.what_if import with_formulas

WORKBOOKS = Path(__file__).parent.parent / "workbooks"
SHIPPED = ("mazur", "Back_Propogation", "xor", "optimizers")
_MOST_DRAWS = 200
_CELL = re.compile(r"(?<![\w.!:])([A-Z]{1,3})(\d+)(?![\w.(:])")
_COPY = re.compile(r"=([A-Z]{1,3}\d+)")
_ABOVE_THE_SHEET = re.compile(r"[A-Z]\$?(?:0|-\d+)\b")


@dataclass
class Score:
    """What was found of changes of one kind."""

    tried: int = 0
    found: int = 0  # at exactly their cells
    mended: int = 0  # by the old formula, or one that gives the same
    equal: int = 0  # no mistake
    lines: list[str] = field(default_factory=list)  # what went wrong


def without_updates(path: Path, folder: Path) -> Path:
    """Write a workbook with the updated parameters as numbers, so that gradients are only shown."""
    own = Unlabelled(path)
    workbook = openpyxl.load_workbook(path)
    for sheet, row, column in own.updates:
        workbook[sheet].cell(row, column).value = own.value((sheet, row, column))
    other = folder / f"{path.stem} without updates.xlsx"
    workbook.save(other)
    return other


class Unlabelled:
    """A right workbook, whose backward half is changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_package(path) as package:
            sheets, self._stored = read_sheets(package)
            self._iterations = package.iterations
        is_circular = self._iterations is not None
        self.sheets = with_fixed_numbers(plain_formulas(sheets), may_be_circular=is_circular)
        self._values = self._calculated(self.sheets)
        found, _, self._space = models(self.sheets, self._values, self._iterations)
        self.cells: list[Cell] = []
        self.updates: list[Cell] = []
        for model in found:
            space = model.space
            self.updates += map(space.layout.cell, model.updates.cells.tolist())
            used = space.flow.upstream(model.losses)
            backward = space.needed & space.depends & ~used & space.is_formula
            if not space.gradients:
                backward[model.updates.cells] = True
            self.cells += [space.layout.cell(k) for k in np.flatnonzero(backward).tolist()]

    def _calculated(self, sheets: list[Sheet]) -> Columns:
        graph = Graph.of(sheets)
        return compiled.calculated(self.path, graph, sheets, self._stored, self._iterations)

    def value(self, cell: Cell) -> CellValue:
        """Return what a cell shows."""
        return self._values.value(cell)

    def formula(self, cell: Cell) -> str:
        """Return the formula of a cell."""
        [sheet] = [sheet for sheet in self.sheets if sheet.name == cell[0]]
        return sheet.formula_at(*cell[1:]) or ""

    def reads(self, cell: Cell, formula: str) -> str:
        """Return a formula with the cells that it shows in the place of copies of these."""

        def shown(match: re.Match[str]) -> str:
            place = self._space.layout.place_of((cell[0], int(match[2]), column_number(match[1])))
            return self._space.name(int(self._space.reads.origin[place])) if place > 1 else match[0]

        return _CELL.sub(shown, formula.replace("$", ""))

    def filled(self, cell: Cell, new: str) -> dict[Cell, str]:
        """Return a changed formula in every cell that the old one was filled into."""
        name, row, column = cell
        [sheet] = [sheet for sheet in self.sheets if sheet.name == name]
        [run] = [run for run in sheet.runs[column] if row in run.rows]
        other = FilledFormula.parse(new, row)
        return {(name, r, column): other.at(r) for r in run.rows if (name, r, column) in self.cells}

    def is_circular(self, formulas: dict[Cell, str]) -> bool:
        """Tell whether cells would read themselves if some hold other formulas."""
        changed = Graph.of(with_formulas(self.sheets, formulas)).suspects
        return int(changed.sum()) > int(Graph.of(self.sheets).suspects.sum())

    def found(self, formulas: dict[Cell, str]) -> tuple[set[Cell], dict[Cell, str]]:
        """Return the cells in findings if some hold other formulas, and what these suggest."""
        sheets = with_formulas(self.sheets, formulas)
        result = learned(sheets, self._calculated(sheets), self._iterations)
        places = [p for m in result.models for finding in m.findings for p in finding.places]
        cells = {(place.sheet, row, place.column) for place in places for row in place.rows}
        mended: dict[Cell, str] = {}
        for place in places:
            mended |= place.put_right
        return cells, mended


def score_changes(path: Path, count: int, seed: int) -> dict[str, Score]:
    """Change one formula at a time, ``count`` times; return what was found, by kind."""
    book = Unlabelled(path)
    chance = random.Random(seed)
    scores: dict[str, Score] = defaultdict(Score)
    for number in range(count):
        kind = [*CHANGES][number % len(CHANGES)]
        score = scores[kind]
        drawn = draw(book, kind, chance, score)
        if drawn is None:
            continue
        cell, new = drawn
        everywhere = number // len(CHANGES) % 2 == 1 or kind == "anchor"
        changed = book.filled(cell, new) if everywhere else {cell: new}
        changed = {
            one: own
            for one, own in changed.items()
            if book.reads(one, own) != book.reads(one, book.formula(one))
        }
        if not changed or any(_ABOVE_THE_SHEET.search(own) for own in changed.values()):
            score.equal += 1  # it reads the same, or nothing
            continue
        if book.is_circular(changed):
            score.equal += 1  # another mistake than was drawn
            continue
        score.tried += 1
        cells, mended = book.found(changed)
        is_found = cells == {*changed}
        score.found += is_found
        is_mended = is_found and all(_is_same(book, mended.get(one, ""), one) for one in changed)
        score.mended += is_mended
        if not is_mended:
            gone, more = sorted({*changed} - cells), sorted(cells - {*changed})
            others = (
                f"{len(cells & {*changed})} of {len(changed)}, "
                f"not {[*map(full_name, gone[:3])]}, also {[*map(full_name, more[:3])]}"
            )
            score.lines.append(
                f"  {path.name} {full_name(cell)}{' filled down' if everywhere else ''}: {kind}: "
                f"{book.formula(cell)} -> {new}: found {others}; {mended.get(cell, 'not mended')}"
            )
    return scores


def _is_same(book: Unlabelled, formula: str, cell: Cell) -> bool:
    old = book.formula(cell)
    return formula == old or (
        bool(formula) and equal(formula[1:], old[1:], cell[0], random.Random(1))
    )


def draw(
    book: Unlabelled, kind: str, chance: random.Random, score: Score
) -> tuple[Cell, str] | None:
    """Return a cell of the backward half and another formula for it; None if there is none."""
    for _ in range(_MOST_DRAWS):
        cell = chance.choice(book.cells)
        old = book.formula(cell)
        new = CHANGES[kind](old[1:], chance)
        if new is None or new == old[1:] or runs_backwards(new) or _reads(new, cell):
            continue
        if kind != "anchor" and equal(old[1:], new, cell[0], chance):
            score.equal += 1
            continue
        return cell, f"={new}"
    return None


def _reads(formula: str, cell: Cell) -> bool:
    """Tell whether a formula reads its own cell."""
    return any(cell in area.cells(cell[0]) for area in areas(f"={formula}"))


# Other people's workbooks


def score_wild(folder: Path) -> Iterator[tuple[Path, str, str, bool]]:
    """Yield for each workbook: its path, what is wrong by the labels, what was found.

    Also tell whether it is right: it passes, and has an entry in the labels.
    """
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    for path in sorted(folder.glob("*.xls?")):
        every = labels.get(path.stem, [])
        wrong = {f"{own['sheet']}!{c}" for own in every for c in own.get("wrong_cells") or ()}
        try:
            report = verify(path)
        except InputError as error:
            yield path, _few(wrong), f"could not be read: {error}", False
            continue
        named = {*_named(report)}
        missed = {cell for cell in wrong - named if _copied_from(path, cell) not in named}
        said = report.verdict
        if report.models:
            said += f", {len(report.findings)} findings"
        if missed:
            said += f"; not named: {_few(missed)}"
        yield path, _few(wrong) or "-", said, report.verdict == "pass" and bool(every)


def _copied_from(path: Path, cell: str) -> str | None:
    """Return the cell of the same sheet that a formula only shows; None if it does more."""
    name, _, own = cell.rpartition("!")
    with open_package(path) as package:
        sheets, _ = read_sheets(package)
    [sheet] = [sheet for sheet in sheets if sheet.name == name]
    match = _COPY.fullmatch(sheet.formula_at(*coordinate_to_tuple(own)) or "")
    return f"{name}!{match[1]}" if match else None


def _named(report: Report) -> Iterator[str]:
    """Yield the gradients and updates that are called wrong, and the cells of findings."""
    for finding in report.findings:
        for place in finding.places:
            for row in place.rows:
                yield full_name((place.sheet, row, place.column)).replace("'", "")
    for model in report.models:
        for one in (*model.claims, *model.updates):
            if one.verdict in ("wrong", "latent"):
                for area in (a for text in one.cells.split(", ") for a in areas(f"={text}")):
                    for _, row, column in area.cells(one.sheet):
                        yield full_name((one.sheet, row, column)).replace("'", "")


def _few(cells: set[str]) -> str:
    return ", ".join(sorted(cells)[:3]) + (f", … ({len(cells)})" if len(cells) > 3 else "")


def _print_changes(paths: Iterable[Path], count: int, seed: int) -> bool:
    """Print what was found of the changes in some workbooks; return whether that is all."""
    totals: dict[str, Score] = defaultdict(Score)
    for path in paths:
        for kind, one in score_changes(path, count, seed).items():
            print(*one.lines, sep="\n", end="\n" if one.lines else "")
            for total in (totals[kind], totals["all"]):
                total.tried, total.found = total.tried + one.tried, total.found + one.found
                total.mended += one.mended
                total.equal += one.equal
    print(f"{'change':<14} {'tried':>6} {'found':>6} {'mended':>7} {'no mistake':>11}")
    for kind in [*CHANGES, "all"]:
        one = totals[kind]
        print(f"{kind:<14} {one.tried:6} {one.found:6} {one.mended:7} {one.equal:11}")
    return totals["all"].found == totals["all"].tried


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workbooks", nargs="*", type=Path)
    parser.add_argument("--wild", type=Path, help="folder of labelled workbooks of any layout")
    parser.add_argument("--changes", type=int, default=42, help="in each workbook")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--shown",
        type=int,
        default=1,
        help="of the workbooks, which are also tried without updates",
    )
    asked = parser.parse_args()
    good, right = True, []
    if asked.wild and (asked.wild / "labels.json").is_file():
        print("Workbooks of any layout: wrong cells by their labels, and what is said of them")
        for path, wrong, said, is_right in score_wild(asked.wild):
            print(f"  {path.stem:<6} {wrong:<60} {said}")
            right += [path] if is_right else []
    paths = asked.workbooks or [WORKBOOKS / f"{name}.xlsx" for name in SHIPPED]
    with TemporaryDirectory() as folder:
        shown = [without_updates(path, Path(folder)) for path in paths[: asked.shown]]
        for what, own, count in (
            ("the project's workbooks, without labels", paths, asked.changes),
            ("the same, with gradients that are only shown", shown, asked.changes),
            ("other people's workbooks that are right", right, asked.changes // 3),
        ):
            if own and count:
                print(f"\nChanges of one formula: {what}")
                good &= _print_changes(own, count, asked.seed)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
