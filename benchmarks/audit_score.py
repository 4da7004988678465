"""How well mistakes are found: in a sample of labelled real workbooks, and in made ones.

The sample is a folder of other people's workbooks with a ``labels.json``: for each file and sheet
the tables, with ``header_row first_row last_row columns learning_rate_cell learning_rate wrong
latent``. It is no part of the project; without it, the first table is left out.

The made ones are the project's own workbooks with one formula changed, by kind of change: in one
cell, or in every cell that it was filled into. A change that gives the same numbers on random ones
as the formula it took the place of is no mistake, and is not counted. Everything else must be found
at exactly its cells. And it should be mended by the smallest edit: the change taken back, or one
that comes to the same; a formula written anew is the second best. (Where a whole
column was changed so that it reads itself, nothing is counted: all cells of the cycle show errors.)

Then come mistakes as people make them, in many cells (``made_mistakes.py``): each must be one
finding, with exactly its cells, and mended so that the columns are filled down again.

    python benchmarks/audit_score.py [--sample FOLDER] [--engine NAME] [--changes N] [--mistakes N]
                                     [--seed N]
"""

import argparse
import json
import random
import re
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from xml.sax.saxutils import escape, unescape

from formula_changes import CHANGES, equal
from made_mistakes import WORKBOOKS, count_good
from openpyxl.utils.cell import range_boundaries

from workbook_tools.checking.verify import verify
from workbook_tools.convolutional.book import is_network
from workbook_tools.engines import DEFAULT, ENGINES
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.formulas.words import runs_backwards
from workbook_tools.judging.faults import Kind
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import column_number, range_name
from workbook_tools.package.workbook import open_package
from workbook_tools.reporting.copies import write_mended

WRONG = {Kind.WRONG_FORMULA, Kind.WRONG_REFERENCE_RATE, Kind.WRONG_VALUE, Kind.ERROR_VALUE}
SUSPECT = {Kind.BROKEN_PATTERN, Kind.TYPED_VALUE}


# The sample


@dataclass
class SampleScore:
    """What was found of one labelled table."""

    file: str
    sheet: str
    problems: list[str]
    quantities: int
    missed: int
    false: int
    other: Counter[str]  # findings that the labels do not speak of, by kind
    faulty: bool = False


def score_sample(folder: Path, engine: str, every: int = 1) -> list[SampleScore]:
    """Check a sample's workbooks against its labels: all, with mended copies, or every so many."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    scores = []
    for path in sorted(folder.glob("*.xlsx"))[::every]:
        expected = labels.get(path.stem, {})
        try:
            report = verify(path, engine)
        except InputError as error:
            scores.append(SampleScore(path.stem, "", [str(error)], 0, 0, 0, Counter()))
            continue
        wanted = [(sheet, label) for sheet, own in expected.items() for label in own]
        if every == 1 and (problems := _not_mended(path, report, engine)):
            scores.append(SampleScore(path.stem, "", problems, 0, 0, 0, Counter()))
        scores += [_score_table(path.stem, sheet, label, report) for sheet, label in wanted]
        extra = len(report.tables) - len(wanted)
        if extra > 0:
            problem = f"{extra} tables that are none"
            scores.append(SampleScore(path.stem, "", [problem], 0, 0, 0, Counter()))
    return scores


def _not_mended(path: Path, report: Report, engine: str) -> list[str]:
    """Return what keeps a mended copy from passing; nothing of a right workbook."""
    mistakes = [finding for finding in report.faults if not finding.kind.is_warning]
    if not mistakes or engine == "cached":  # a mended copy is recalculated
        return []
    problems = [f"no suggestion for {f.cells}" for f in mistakes if f.suggestion is None]
    with tempfile.TemporaryDirectory() as folder:
        mended = Path(folder, "mended.xlsx")
        write_mended(report, path, mended, engine)
        again = verify(mended, engine)
    left = [f"{f.sheet}!{f.cells} {f.kind}" for f in again.faults if not f.kind.is_warning]
    if left or again.verdict != "pass":
        problems.append(f"mended, it is {again.verdict}: {', '.join(left)}")
    return problems


def _score_table(file: str, sheet: str, label: dict, report: Report) -> SampleScore:
    columns = label["columns"]
    table = next(
        (
            t
            for t in report.tables
            if t.sheet == sheet and t.understood.header_row == label["header_row"]
        ),
        None,
    )
    if table is None:
        return SampleScore(file, sheet, ["no table"], len(columns), len(columns), 0, Counter())
    problems = []
    last_row = range_boundaries(table.range)[3]
    read = table.understood
    if (read.first_row, last_row) != (label["first_row"], label["last_row"]):
        problems.append(f"rows {read.first_row}–{last_row}")
    if any(read.columns.get(symbol) != letter for symbol, letter in columns.items()):
        problems.append("columns")
    if (read.rate_cell, table.learning_rate) != (
        f"{sheet}!{label['learning_rate_cell']}",
        label["learning_rate"],
    ):
        problems.append(f"rate {read.rate_cell} = {table.learning_rate}")
    found = {
        "wrong": {f.quantity for f in table.faults if f.kind in WRONG},
        "latent": {f.quantity for f in table.faults if f.kind is Kind.LATENT},
    }
    missed = [f"{q} {kind}" for kind, own in found.items() for q in set(label[kind]) - own]
    false = [f"{q} not {kind}" for kind, own in found.items() for q in own - set(label[kind])]
    other = Counter(f.kind.value for f in table.faults if f.kind in SUSPECT or f.kind.is_warning)
    problems += [f"missed {one}" for one in missed] + [f"false: {one}" for one in false]
    faulty = bool(label["wrong"] or label["latent"])
    return SampleScore(file, sheet, problems, len(columns), len(missed), len(false), other, faulty)


def print_sample(scores: list[SampleScore]) -> bool:
    """Print what was not as labelled, then the sums; tell whether all is right."""
    for score in scores:
        note = ", ".join(f"{n} {kind}" for kind, n in score.other.items())
        for problem in score.problems:
            print(f"  {score.file} {score.sheet}: {problem}")
        if note:
            print(f"  {score.file} {score.sheet}: beside the labels {note}")
    tables = [score for score in scores if score.quantities]
    found = sum("no table" not in score.problems for score in tables)
    print(f"tables found        {found} of {len(tables)}")
    print(f"quantities judged   {sum(score.quantities for score in tables)}")
    print(f"  missed            {sum(score.missed for score in tables)}")
    print(f"  false alarms      {sum(score.false for score in tables)}")
    faulty = {score.file for score in tables if score.faulty}
    unmended = {
        score.file
        for score in scores
        if any(p.startswith(("mended", "no suggestion")) for p in score.problems)
    }
    print(f"workbooks mended    {len(faulty - unmended)} of {len(faulty)}")
    return not any(score.problems for score in scores)


# One formula changed

_CELL = re.compile(r'(<c r="([A-Z]+)(\d+)"[^>]*>)<f>([^<]*)</f>(<v>([^<]*)</v>)</c>')
_ABOVE_THE_SHEET = re.compile(r"[A-Z]\$?(-\d+|0)(?!\d)")
PASTED = "pasted value"
_MOST_DRAWS = 200


@dataclass
class ChangeScore:
    """What became of the changes of one kind."""

    tried: int = 0
    found: int = 0
    edited: int = 0  # the suggestion is the old formula, or one that gives the same by an edit
    anew: int = 0  # the suggestion is a formula written from scratch
    equal: int = 0  # changes that are no mistakes


@dataclass(frozen=True)
class Change:
    """A formula that was changed: in which cells of a sheet, and what it was in the first."""

    sheet: str
    cells: str
    first: str
    formula: str
    reads_the_same: bool = False  # a column's anchor, lost in the whole column


def score_changes(count: int, seed: int, folder: Path = WORKBOOKS) -> bool:
    """Change one formula at a time, ``count`` times in each workbook; print what was found."""
    chance = random.Random(seed)
    scores = {kind: ChangeScore() for kind in [*CHANGES, PASTED]}
    false = 0
    for path in sorted(folder.glob("*.xlsx")):
        with open_package(path) as opened:
            in_order, _ = read_sheets(opened)
        if is_network(in_order):
            print(f"  {path.name} is a network's workbook, which takes minutes to check: left out")
            continue
        with zipfile.ZipFile(path) as package:
            parts = {name: package.read(name) for name in package.namelist()}
        false += len(verify(path).faults)
        sheets = {
            f"xl/worksheets/sheet{number}.xml": sheet.name
            for number, sheet in enumerate(in_order, start=1)
        }
        cells = {
            part: found_cells
            for part in sheets
            if (found_cells := list(_CELL.finditer(parts[part].decode())))
        }
        for number in range(count):
            kind = [*CHANGES, PASTED][number % len(scores)]
            everywhere = number // len(scores) % 2 == 1 and kind != PASTED
            drawn = _draw(kind, cells, sheets, chance, scores[kind])
            if drawn is None:
                continue  # no formula of this workbook has anything of the kind
            part, cell, new = drawn
            content, change = _changed(parts[part].decode(), cell, new, sheets[part], everywhere)
            if change.reads_the_same:
                scores[kind].equal += 1
                continue
            report = _verified({**parts, part: content.encode()})
            false += _score_change(path.name, kind, change, new, report, scores[kind])
    print(f"{'change':<14} {'tried':>6} {'found':>6} {'edited':>7} {'anew':>5} {'no mistake':>11}")
    for kind, one in [*scores.items(), ("all", _sum(scores.values()))]:
        counts = f"{one.tried:6} {one.found:6} {one.edited:7} {one.anew:5} {one.equal:11}"
        print(f"{kind:<14} {counts}")
    print(f"findings anywhere else, and in the unchanged workbooks: {false}")
    return not false and all(one.found == one.tried for one in scores.values())


def _sum(scores: Iterable[ChangeScore]) -> ChangeScore:
    return ChangeScore(*(sum(column) for column in zip(*map(astuple, scores), strict=True)))


def _score_change(
    file: str, kind: str, change: Change, new: str, report: Report, score: ChangeScore
) -> int:
    """Take one change into the score; return how many findings are anywhere else."""
    everywhere = ":" in change.cells
    if everywhere and any("circular" in finding.message for finding in report.faults):
        score.equal += 1  # another mistake than was drawn: cells of the whole cycle show errors
        return 0
    score.tried += 1
    right = [f for f in report.faults if (f.sheet, f.cells) == (change.sheet, change.cells)]
    score.found += bool(right)
    mended, same = "", False
    if suggestion := right[0].suggestion if right else None:
        mended = suggestion.formula
        same = mended == change.formula or equal(
            mended[1:], change.formula[1:], change.sheet, random.Random(1)
        )
        score.edited += same and not suggestion.edit.startswith("rewrite the formula")
        score.anew += same and suggestion.edit.startswith("rewrite the formula")
    others = [(f.sheet, f.cells) for f in report.faults if f not in right]
    if others or not same:
        print(f"  {file} {change.sheet}!{change.cells}: {kind}: {change.formula} -> {new}")
        print(f"    mended: {mended or 'nothing'}; found elsewhere: {others or 'nothing'}")
    return len(others)


def _changed(
    content: str, cell: re.Match[str], new: str, sheet: str, everywhere: bool
) -> tuple[str, Change]:
    """Return a sheet's XML with the new formula in a cell, or in all that have the same."""
    opening, column, row, text, _, _ = cell.groups()
    formula = f"={unescape(text)}"
    if not new.startswith("="):  # a pasted value
        changed = f"{opening}<v>{new}</v></c>"
        content = content[: cell.start()] + changed + content[cell.end() :]
        return content, Change(sheet, f"{column}{row}", f"{column}{row}", formula)
    old, other = FilledFormula.parse(formula, int(row)), FilledFormula.parse(new, int(row))
    rows = [int(m[3]) for m in _CELL.finditer(content) if _is_same(m, column, old)]
    # Filled up to the first of them, it must not read a row above the sheet.
    everywhere = everywhere and not _ABOVE_THE_SHEET.search(other.at(rows[0]))
    if not everywhere:
        rows = [int(row)]

    def in_its_row(match: re.Match[str]) -> str:
        here = int(match[3])
        if match[2] != column or here not in rows:
            return match[0]
        return f"{match[1]}<f>{escape(other.at(here)[1:])}</f>{match[5]}</c>"

    content = _CELL.sub(in_its_row, content)
    number = column_number(column)
    place = range_name(rows[0], number, rows[-1], number)
    reads_the_same = everywhere and all(
        old.at(here).replace("$", "") == other.at(here).replace("$", "") for here in rows
    )
    return content, Change(sheet, place, f"{column}{rows[0]}", old.at(rows[0]), reads_the_same)


def _is_same(cell: re.Match[str], column: str, formula: FilledFormula) -> bool:
    """Tell whether a cell of a column has a formula that was filled into it."""
    return cell[2] == column and f"={unescape(cell[4])}" == formula.at(int(cell[3]))


def _draw(
    kind: str,
    cells: dict[str, list[re.Match[str]]],
    sheets: dict[str, str],
    chance: random.Random,
    score: ChangeScore,
) -> tuple[str, re.Match[str], str] | None:
    """Draw a cell that a change of this kind makes wrong: its part, place and new content."""
    for _ in range(_MOST_DRAWS):
        part = chance.choice(sorted(cells))
        cell = chance.choice(cells[part])
        _, _, _, text, _, number = cell.groups()
        formula = unescape(text)
        if kind == PASTED:
            if re.fullmatch(r"[-\d.eE+]+", number):
                pasted = float(number) * chance.choice([1, 1.001, 0.5])
                return part, cell, repr(pasted)
            continue
        changed = CHANGES[kind](formula, chance)
        if changed is None or changed == formula or runs_backwards(changed):
            continue
        if kind != "anchor" and equal(formula, changed, sheets[part], chance):
            score.equal += 1
            continue
        return part, cell, f"={changed}"
    return None


def _verified(parts: dict[str, bytes]) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "changed.xlsx")
        with zipfile.ZipFile(path, "w") as package:
            for name, content in parts.items():
                package.writestr(name, content)
        return verify(path)


MADE = ("drift", "pasted", "repeated")  # kinds of mistakes in many cells


def score_mistakes(count: int, seed: int) -> bool:
    """Make ``count`` mistakes of each kind in the project's workbooks; print what was found."""
    good = {kind: count_good(kind, seed, range(count)) for kind in MADE}
    print(f"{'mistake':<14} {'tried':>6} {'one finding, mended':>20}")
    for kind, found in good.items():
        print(f"{kind:<14} {count:6} {found:20}")
    return all(found == count for found in good.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=Path, help="folder of labelled workbooks")
    parser.add_argument("--engine", choices=ENGINES, default=DEFAULT, help="for the sample")
    parser.add_argument("--workbooks", type=Path, default=WORKBOOKS, help="that are changed")
    parser.add_argument("--changes", type=int, default=20, help="in each workbook")
    parser.add_argument("--mistakes", type=int, default=200, help="of each kind in many cells")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    good = True
    if asked.sample and (asked.sample / "labels.json").is_file():
        print(f"Sample of labelled workbooks ({asked.engine})")
        good &= print_sample(score_sample(asked.sample, asked.engine))
    else:
        print("No sample of labelled workbooks is here; only made mistakes are looked for.")
    if asked.changes:
        print(f"\nOne formula changed (seed {asked.seed})")
        good &= score_changes(asked.changes, asked.seed, asked.workbooks)
    if asked.mistakes:
        print(f"\nOne mistake in many cells (seed {asked.seed})")
        good &= score_mistakes(asked.mistakes, asked.seed)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
