"""Mistakes as people make them, put into the project's own workbooks: each must be one finding.

They are drawn at random: the learning rate read without ``$`` and filled down; a row pasted from
another one; the same slip in several columns and on several sheets; formulas that round; data given
by constant formulas; and two mistakes that have nothing to do with each other. Of each it is known
which cells were changed. The finding must have these cells and no others, and the mended copy must
pass, with formulas that are filled down where they were before.

    python benchmarks/made_mistakes.py KIND [--count 200] [--seed 1]
    python benchmarks/made_mistakes.py KIND --seed 1 --case 17 [--keep made.xlsx]
"""

import argparse
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape, unescape

from formula_changes import CHANGES, equal, repeated, sign

from workbook_tools.checking.verify import verify
from workbook_tools.formulas.references import FilledFormula, bare_reference
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.formulas.words import runs_backwards
from workbook_tools.judging.findings import Finding
from workbook_tools.judging.report import Report, TableReport
from workbook_tools.notation.addresses import Cell, cell_name, column_letter, column_number
from workbook_tools.package.workbook import open_package
from workbook_tools.reporting.copies import write_mended

WORKBOOKS = Path(__file__).parent.parent / "workbooks"
# How often each is drawn; the larger ones take long to check.
SHIPPED = {
    "Back_Propogation": 30, "mazur": 30, "xor": 8, "optimizers": 2, "deep": 2, "iris": 1,
    "vanishing": 1,
}  # fmt: skip
_CELL = re.compile(r'(<c r="([A-Z]+)(\d+)"[^>]*>)<f>([^<]*)</f><v>([^<]*)</v></c>')
_MOST_DRAWS = 500
Changes = Mapping[Cell, str]  # what cells hold instead: a formula, or a number


# Workbooks


@dataclass
class Table:
    """The formulas of a training table, by quantity and row."""

    sheet: str
    columns: dict[str, int]
    rows: range
    block: int  # rows of an iteration
    rate: str  # as the updates read it: $G$30
    formulas: dict[str, dict[int, str]]

    def updates(self) -> list[str]:
        """Return the weights and biases whose updates read the learning rate."""
        return [
            symbol
            for symbol, own in self.formulas.items()
            if re.fullmatch(r"[wb]\d+", symbol) and any(self.rate in text for text in own.values())
        ]


@dataclass
class Workbook:
    """A workbook without mistakes, whose formulas can be changed."""

    path: Path
    parts: dict[str, bytes]
    part_of: dict[str, str]  # by sheet
    formulas: dict[str, dict[tuple[int, int], str]]  # by sheet
    numbers: dict[str, dict[tuple[int, int], str]]
    report: Report

    @classmethod
    def read(cls, path: Path) -> "Workbook":
        """Read a workbook that passes."""
        with open_package(path) as opened:
            names = [sheet.name for sheet in read_sheets(opened)[0]]
        with zipfile.ZipFile(path) as package:
            parts = {name: package.read(name) for name in package.namelist()}
        part_of = {name: f"xl/worksheets/sheet{k}.xml" for k, name in enumerate(names, start=1)}
        formulas, numbers = {}, {}
        for name, part in part_of.items():
            found = [match.groups() for match in _CELL.finditer(parts[part].decode())]
            places = [(int(row), column_number(letters)) for _, letters, row, _, _ in found]
            texts = [f"={unescape(own[3])}" for own in found]
            formulas[name] = dict(zip(places, texts, strict=True))
            numbers[name] = dict(zip(places, [own[4] for own in found], strict=True))
        return cls(path, parts, part_of, formulas, numbers, verify(path))

    @cached_property
    def tables(self) -> list[Table]:
        """Its training tables."""
        return [self._table(report) for report in self.report.tables]

    def _table(self, report: TableReport) -> Table:
        read, own = report.understood, self.formulas[report.sheet]
        last = int(report.range.rpartition(":")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        rows = range(read.first_row, last + 1)
        columns = {symbol: column_number(letters) for symbol, letters in read.columns.items()}
        formulas = {
            symbol: {row: own[row, column] for row in rows if (row, column) in own}
            for symbol, column in columns.items()
        }
        cell = (read.rate_cell or "").rpartition("!")[2]
        rate = re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", cell)
        block = len(rows) // report.iterations
        filled = {symbol: own for symbol, own in formulas.items() if own}
        return Table(report.sheet, columns, rows, block, rate, filled)

    def formula(self, cell: Cell) -> str:
        """Return the formula of a cell."""
        sheet, row, column = cell
        return self.formulas[sheet][row, column]

    def save(self, changes: Changes, path: Path) -> None:
        """Write a copy with other contents in some cells; the stored values stay."""
        parts = dict(self.parts)
        for sheet in {sheet for sheet, _, _ in changes}:

            def other(match: re.Match[str], sheet: str = sheet) -> str:
                opening, letters, row, _, value = match.groups()
                new = changes.get((sheet, int(row), column_number(letters)))
                if new is None:
                    return match[0]
                if not new.startswith("="):
                    return f"{opening}<v>{new}</v></c>"
                return f"{opening}<f>{escape(new[1:])}</f><v>{value}</v></c>"

            part = self.part_of[sheet]
            parts[part] = _CELL.sub(other, parts[part].decode()).encode()
        with zipfile.ZipFile(path, "w") as package:
            for name, content in parts.items():
                package.writestr(name, content)


@cache
def shipped(name: str) -> Workbook:
    """Return one of the project's workbooks."""
    return Workbook.read(WORKBOOKS / f"{name}.xlsx")


# Mistakes


@dataclass
class Mistake:
    """What was changed in a workbook."""

    words: str
    changes: dict[Cell, str]
    reads: str = ""  # what every remedy has to read
    passes: bool | None = None  # whether the workbook still passes, if that is known
    is_right: bool = False  # it is no mistake at all
    may_pass: bool = False  # perhaps it changes no value by more than rounding does


Draw = Callable[[Workbook, Random], Mistake | None]


def drift(book: Workbook, chance: Random) -> Mistake | None:
    """Read the learning rate without ``$`` from some row on; some rows may be mended by hand."""
    table = chance.choice(book.tables)
    symbols = table.updates()
    if not symbols:
        return None
    how = chance.choice(["one", "weights", "all"])
    if how == "one":
        symbols = [chance.choice(symbols)]
    elif how == "weights":
        symbols = [symbol for symbol in symbols if symbol[0] == "w"]
    loose = chance.choice([table.rate.replace("$", ""), f"${table.rate.replace('$', '')}"])
    rows = [*table.formulas[symbols[0]]][1:]  # the first one has the initial value
    begin = 0 if chance.random() < 0.3 else chance.randrange(len(rows))
    by_hand = chance.choice([0.0, 0.0, 0.1, 0.4])
    together = chance.random() < 0.7  # all columns were mended alike
    seed = chance.random()
    changes: dict[Cell, str] = {}
    passes = True
    for symbol in symbols:
        own = Random(seed) if together else chance
        since: int | None = rows[begin]  # where the formula that drifts has the right rate
        for row in rows[begin:]:
            if row != rows[begin] and own.random() < by_hand:
                mended = own.choice(["anchored", "once", "again"])
                if mended == "anchored":
                    continue
                if mended == "once":
                    formula = table.formulas[symbol][row].replace(table.rate, loose)
                    changes[table.sheet, row, table.columns[symbol]] = formula
                    continue
                since = row
            drifted = FilledFormula.parse(f"={loose}", since).at(row)[1:]
            passes &= row == since
            formula = table.formulas[symbol][row].replace(table.rate, drifted)
            changes[table.sheet, row, table.columns[symbol]] = formula
    said = f"{how}: {loose} from row {rows[begin]} on, by hand {by_hand}"
    return Mistake(said, changes, table.rate, passes)


def pasted(book: Workbook, chance: Random) -> Mistake | None:
    """Put a row of some columns into another row, its formulas or its numbers."""
    table = chance.choice(book.tables)
    rows = [row for row in table.rows if row >= table.rows[table.block]]
    row = chance.choice(rows)
    sources = [other for other in rows if other != row and (other - row) % table.block == 0]
    if not sources:
        return None
    source = chance.choice(sources)
    number = {column: symbol for symbol, column in table.columns.items()}
    columns = [c for c, symbol in sorted(number.items()) if row in table.formulas.get(symbol, {})]
    first = chance.randrange(len(columns))
    count = chance.choice([1, 2, 3, 8, len(columns)])
    as_numbers = chance.random() < 0.3
    changes: dict[Cell, str] = {}
    for column in columns[first : first + count]:
        old, new = (table.formulas[number[column]].get(place) for place in (row, source))
        if new is None:
            return None
        content = book.numbers[table.sheet][source, column] if as_numbers else new
        if content != old:
            changes[table.sheet, row, column] = content
    return Mistake(f"row {source} in row {row}{' as numbers' * as_numbers}", changes)


SLIPS = {
    "reference": CHANGES["reference"], "operator": CHANGES["operator"],
    "term": CHANGES["dropped term"], "sign": sign,
}  # fmt: skip


def slip(book: Workbook, chance: Random) -> Mistake | None:
    """Make the same slip on several sheets, or in two columns alike, or both."""
    tables = book.tables
    table = chance.choice(tables)
    symbol = chance.choice([*table.formulas])
    kind = chance.choice([*SLIPS])
    changed = _changed(table, symbol, SLIPS[kind], chance)
    if changed is None:
        return None
    row, old, new = changed
    symbols = [symbol]
    alike = [other for other in table.formulas if _stem(other) == _stem(symbol) != other]
    if len(alike) > 1 and chance.random() < 0.5:
        symbols.append(chance.choice([other for other in alike if other != symbol]))
    count = chance.choice([1, 2, len(tables)]) if len(symbols) > 1 else len(tables)
    sheets = chance.sample(tables, min(count, len(tables)))
    changes = _everywhere([table, *(one for one in sheets if one is not table)], symbols, row,
                          old, new)  # fmt: skip
    on = len({sheet for sheet, _, _ in changes})
    return Mistake(f"{kind} in {', '.join(symbols)} on {on} sheets: {old} → {new}", changes)


def _stem(symbol: str) -> str:
    return symbol.rstrip("0123456789")


def _changed(
    table: Table, symbol: str, change: Callable[[str, Random], str | None], chance: Random
) -> tuple[int, str, str] | None:
    """Change a formula of a column so that it is wrong: the row, the old and the new formula."""
    row, old = chance.choice([*table.formulas[symbol].items()])
    new = change(old[1:], chance)
    if new is None or new == old[1:] or runs_backwards(new):
        return None
    reads_itself = re.search(rf"\$?{column_letter(table.columns[symbol])}\$?\d+\b", new)
    if reads_itself or equal(old[1:], new, table.sheet, Random(1)):
        return None
    return row, old, f"={new}"


def _everywhere(
    tables: Sequence[Table], symbols: Sequence[str], row: int, old: str, new: str
) -> dict[Cell, str]:
    """Return the change of a formula in all cells of some columns that can have the same."""
    before, after = FilledFormula.parse(old, row), FilledFormula.parse(new, row)
    changes: dict[Cell, str] = {}
    for table in tables:
        for symbol in symbols:
            for here, formula in table.formulas.get(symbol, {}).items():
                own = repeated(before.at(here), after.at(here), formula)
                if own and not re.search(r"[A-Z](-|0)", own) and own != formula:
                    changes[table.sheet, here, table.columns[symbol]] = own
    return changes


WHOLE = ("iteration", "sample", "correct")  # quantities that are whole numbers


def rounded(book: Workbook, chance: Random) -> Mistake | None:
    """Round the formula of a column, on one sheet or on all: by ROUND, or by digits of e."""
    tables = book.tables if chance.random() < 0.5 else [chance.choice(book.tables)]
    places = chance.choice([2, 4, 6, 9, 12])
    computed = {  # not what stays the same in all iterations
        symbol: own
        for symbol, own in tables[0].formulas.items()
        if not (re.fullmatch(r"[it]\d+", symbol) or bare_reference([*own.values()][-1]))
    }
    symbol = chance.choice([*computed])
    of_e = chance.random() < 0.3
    changes: dict[Cell, str] = {}
    for table in tables:
        for row, formula in table.formulas.get(symbol, {}).items():
            if of_e:
                new = re.sub(r"EXP\((-?[A-Z]+\d+)\)", r"2.71828^(\1)", formula)
            else:
                new = f"=ROUND({formula[1:]},{places})"
            if new != formula and not (row == table.rows[0] and bare_reference(formula)):
                changes[table.sheet, row, table.columns[symbol]] = new
    said = f"{symbol} {'by 2.71828' if of_e else f'to {places}'}"
    return Mistake(said, changes, may_pass=places >= 9 or symbol in WHOLE)


def constants(book: Workbook, chance: Random) -> Mistake | None:
    """Give data by constant formulas, the same in all rows of a column."""
    table = chance.choice(book.tables)
    data = [symbol for symbol in table.formulas if re.fullmatch(r"[ti]\d+", symbol)]
    if table.block > 1 or not data:
        return None
    rows = table.rows[: chance.choice([1, len(table.rows)])]
    changes = {
        (table.sheet, row, column): f"={book.numbers[table.sheet][row, column]}"
        for column in map(table.columns.__getitem__, data)
        for row in rows
    }
    return Mistake("data as constant formulas", changes, passes=True, is_right=True)


def _one_change(book: Workbook, chance: Random) -> Mistake | None:
    """Change one formula, in one cell or in all that it was filled into."""
    table = chance.choice(book.tables)
    symbol = chance.choice([*table.formulas])
    kind = chance.choice([kind for kind in CHANGES if kind != "anchor"])
    changed = _changed(table, symbol, CHANGES[kind], chance)
    if changed is None:
        return None
    row, old, new = changed
    cell = table.sheet, row, table.columns[symbol]
    changes = {cell: new}
    if chance.random() < 0.6:
        changes = _everywhere([table], [symbol], row, old, new)
    return Mistake(f"{kind}: {old} → {new} in {len(changes)} cells", changes)


def two(book: Workbook, chance: Random) -> tuple[Mistake, Mistake] | None:
    """Make two mistakes that have nothing to do with each other."""
    kinds = [_one_change, _one_change, _one_change, drift, pasted]
    found = [chance.choice(kinds)(book, chance) for _ in range(2)]
    first, second = found
    if first is None or second is None or (first.reads and second.reads):
        return None  # rates that drift are one mistake wherever they are
    columns = [{(sheet, column) for sheet, _, column in one.changes} for one in (first, second)]
    return (first, second) if columns[0].isdisjoint(columns[1]) else None


KINDS: dict[str, Callable[[Workbook, Random], Mistake | tuple[Mistake, ...] | None]] = {
    "drift": drift,
    "pasted": pasted,
    "repeated": slip,
    "rounded": rounded,
    "constants": constants,
    "two": two,
}


@dataclass
class Case:
    """Mistakes in a workbook."""

    book: Workbook
    mistakes: tuple[Mistake, ...]
    kind: str

    @property
    def changes(self) -> dict[Cell, str]:
        """All that was changed."""
        return {cell: new for one in self.mistakes for cell, new in one.changes.items()}


def draw(kind: str, seed: int, number: int, names: Mapping[str, int] = SHIPPED) -> Case:
    """Draw the mistakes of a case."""
    chance = Random(f"{kind} {seed} {number}")
    for _ in range(_MOST_DRAWS):
        [name] = chance.choices([*names], [*names.values()])
        found = KINDS[kind](shipped(name), chance)
        mistakes = found if isinstance(found, tuple) else (found,) if found else ()
        if mistakes and all(one.changes for one in mistakes):
            return Case(shipped(name), mistakes, kind)
    raise ValueError(f"no workbook can have a mistake of the kind {kind}")


# What is found


def problems(case: Case, folder: Path) -> list[str]:
    """Return what is not as it should be when a workbook with mistakes is checked and mended."""
    path, copy = folder / "made.xlsx", folder / "mended.xlsx"
    case.book.save(case.changes, path)
    report = verify(path)
    return [*_found(case, report), *_mended(case, report, path, copy)]


def _hides(case: Case, report: Report) -> bool:
    """Tell whether one of several mistakes leaves cells without numbers, which are not checked."""
    return len(case.mistakes) > 1 and bool(report.not_checked)


def _found(case: Case, report: Report) -> Iterator[str]:
    findings = [finding for finding in report.findings if not finding.kind.is_warning]
    wanted = [set(one.changes) for one in case.mistakes if not one.is_right]
    if not findings and all(one.may_pass for one in case.mistakes) and report.verdict == "pass":
        return
    if _hides(case, report):
        for finding in findings:
            if not any(_cells(finding) <= cells for cells in wanted):
                yield f"what is not one: {_short(finding)}"
        return
    if len(findings) != len(wanted):
        yield f"{len(findings)} findings for {len(wanted)}: {', '.join(map(_short, findings))}"
    found = [_cells(finding) for finding in findings]
    for cells in wanted:
        if cells not in found:
            every = set().union(*found)
            yield f"other cells; missing {_few(cells - every)}, more {_few(every - cells)}"
    for one in case.mistakes:
        is_alone = len(case.mistakes) == 1
        if is_alone and one.passes not in (None, report.verdict == "pass"):
            yield f"the verdict is {report.verdict}"
        for finding in findings:
            for place in finding.places:
                own = _cells(Finding((place,)))
                remedy = place.suggestion.formulas.values() if place.suggestion else [""]
                if own <= set(one.changes) and not all(one.reads in text for text in remedy):
                    yield f"the remedy of {place.cells} does not read {one.reads}"


def _cells(finding: Finding) -> set[Cell]:
    return {(one.sheet, row, one.column) for one in finding.places for row in one.rows}


def _short(finding: Finding) -> str:
    places = {f"{place.quantity} {place.sheet}!{place.cells}": None for place in finding.places}
    return f"[{finding.kind.value} {' '.join([*places][:3])}{'…' * (len(places) > 3)}]"


def _few(cells: set[Cell]) -> str:
    named = [f"{sheet}!{cell_name(row, column)}" for sheet, row, column in sorted(cells)]
    return ", ".join(named[:3]) + ("" if len(named) < 4 else f" … ({len(named)})") or "none"


def _mended(case: Case, report: Report, path: Path, copy: Path) -> Iterator[str]:
    if not report.findings:
        return
    summary = write_mended(report, path, copy)
    again = verify(copy)
    if _hides(case, report):  # only now the other mistake shows
        summary = write_mended(again, copy, path)
        copy, again = path, verify(path)
    if again.verdict != "pass" or again.findings:
        left = ", ".join(map(_short, again.findings[:3])) or again.not_checked
        yield f"mended it is {again.verdict}: {left} ({summary})"
        return
    with open_package(copy) as opened:
        sheets = {sheet.name: sheet for sheet in read_sheets(opened)[0]}
    for sheet, column in {(sheet, column) for sheet, _, column in case.changes}:
        mended: dict[FilledFormula, set[FilledFormula]] = {}
        for (row, own), formula in case.book.formulas[sheet].items():
            if own == column:
                new = sheets[sheet].formula_at(row, column) or ""
                before, after = (FilledFormula.parse(text, row) for text in (formula, new))
                mended.setdefault(before, set()).add(after)
        if torn := next((own for own in mended.values() if len(own) > 1), None):
            formulas = " and ".join(one.at(100) for one in torn)
            yield f"mended, {sheet}!{column_letter(column)} is not filled down: {formulas}"


def count_good(kind: str, seed: int, numbers: Sequence[int]) -> int:
    """Make mistakes of a kind; return how many are found and mended as they should be.

    What is not as it should be is printed.
    """
    good = 0
    for number in numbers:
        case = draw(kind, seed, number)
        with tempfile.TemporaryDirectory() as folder:
            found = problems(case, Path(folder))
        good += not found
        if found:
            words = "; ".join(one.words for one in case.mistakes)
            print(f"  {kind} {number}: {case.book.path.stem}: {words}", flush=True)
            for problem in found:
                print(f"    {problem}", flush=True)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="try one case again")
    parser.add_argument("--keep", type=Path, help="where to leave its workbook")
    asked = parser.parse_args()
    if asked.case is None:
        numbers = range(asked.first, asked.first + asked.count)
    else:
        numbers = range(asked.case, asked.case + 1)
        if asked.keep:
            case = draw(asked.kind, asked.seed, asked.case)
            case.book.save(case.changes, asked.keep)
    good = count_good(asked.kind, asked.seed, numbers)
    print(f"{asked.kind}: {good} of {len(numbers)}")
    sys.exit(0 if good == len(numbers) else 1)


if __name__ == "__main__":
    main()
