"""Finds single formulas that are unlike those around them, which are alike.

They may be meant, or may be mistakes: see ``as_neighbours``. Formulas are alike if one of them
copied to the place of the other is the other one. Those that lie in one line are compared: in a
column, in a row, or in one place on several sheets; every cell of the line, or every n-th.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula, bare_reference
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.learning.moved import as_copied, moved
from workbook_tools.notation.addresses import Cell

_LEAST_ALIKE, _ALIKE = 3, 0.75  # formulas that are alike in a line; the part of it, with odd ones
_MOST_ODD = 2  # odd formulas of a line that are alike themselves
_MOST_FORMULAS = 50_000  # of which rows, and places on several sheets, are compared


def odd_formulas(sheets: Sequence[Sheet]) -> dict[Cell, str]:
    """Return the cells with odd formulas, each with the formula that those around it have."""
    found: dict[Cell, str] = {}
    for sheet in sheets:
        lines = {
            column: {row: formula for run in runs for row, formula in _formulas(run)}
            for column, runs in sheet.runs.items()
        }
        for column, line in lines.items():
            if len(sheet.runs[column]) > 1:
                beside = [lines.get(column + step, {}) for step in (-1, 1)]
                for row, like in (*_odd_between(line), *_odd_at_ends(line, beside)):
                    found[sheet.name, row, column] = line[like].at(row)
    if sum(sheet.formula_count() for sheet in sheets) <= _MOST_FORMULAS:
        for cell, formula in (*_in_rows(sheets), *_on_sheets(sheets)):
            found.setdefault(cell, formula)
    return found


def _formulas(run: Run) -> Iterator[tuple[int, FilledFormula]]:
    """Yield the formulas of a run; where they only show a cell, it does not matter how fixed."""
    formula = run.formula.at(run.first_row)
    if "$" not in formula.rpartition("!")[2] or bare_reference(formula) is None:
        yield from ((row, run.formula) for row in run.rows)
        return
    for row in run.rows:
        yield row, FilledFormula.parse(run.formula.at(row).replace("$", ""), row)


def _is_copy(formula: Hashable, place: int) -> bool:
    """Tell whether a formula only shows another cell."""
    return isinstance(formula, FilledFormula) and bare_reference(formula.at(place)) is not None


def _odd_at_ends(
    line: Mapping[int, Hashable], beside: Sequence[Mapping[int, Hashable]]
) -> Iterator[tuple[int, int]]:
    """Yield the first and last places of blocks with other formulas than the rest of the block.

    The lines beside it tell where the block ends: one has the same formula in all of the block.
    """
    places = Counter(line.values())
    for place in (place for place, own in line.items() if places[own] == 1):
        for step in (-1, 1):
            block = [place + step * k for k in range(1, _LEAST_ALIKE + 1)]
            rest = {line.get(one) for one in block}
            if len(rest) > 1 or None in rest:
                continue
            for other in beside:
                whole = {other.get(one) for one in (place, *block)}
                if len(whole) == 1 and whole.isdisjoint({None, other.get(place - step)}):
                    yield place, block[0]


def _in_rows(sheets: Sequence[Sheet]) -> Iterator[tuple[Cell, str]]:
    for sheet in sheets:
        lines: dict[int, dict[int, str]] = defaultdict(dict)
        for column, runs in sheet.runs.items():
            for run in runs:
                key = as_copied(run.formula.at(run.first_row), run.first_row, column)
                for row in run.rows:
                    lines[row][column] = key
        for row, line in lines.items():
            for column, like in _odd_between(line):
                own = moved(sheet.formula_at(row, like) or "", 0, column - like)
                if own is not None:
                    yield (sheet.name, row, column), own


def _on_sheets(sheets: Sequence[Sheet]) -> Iterator[tuple[Cell, str]]:
    """Yield formulas that are unlike those in the same place on most other sheets.

    The first and the last of these sheets may be different.
    """
    if len(sheets) <= _LEAST_ALIKE:
        return
    lines: dict[tuple[int, int], dict[int, FilledFormula]] = defaultdict(dict)
    for number, sheet in enumerate(sheets):
        for column, runs in sheet.runs.items():
            for run in runs:
                for row in run.rows:
                    lines[row, column][number] = run.formula
    for (row, column), line in lines.items():
        [(usual, count)] = Counter(line.values()).most_common(1)
        if count < max(_LEAST_ALIKE, _ALIKE * len(line)):
            continue
        for number, formula in line.items():
            if formula != usual and min(line) < number < max(line):
                yield (sheets[number].name, row, column), usual.at(row)


def _odd_between(line: Mapping[int, Hashable]) -> Iterator[tuple[int, int]]:
    """Yield places in a line with other formulas than those on both sides, and one of those.

    The formulas that are alike may be several places from each other, as in blocks of rows.
    """
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place in sorted(line):
        places[line[place]].append(place)
    for own in places.values():
        if len(own) < _LEAST_ALIKE or len(own) == len(line):
            continue
        among, odd = set(own), dict[int, int]()
        for gap in _gaps(own):
            for place in own:
                between = place + gap
                if between not in line or between in among or place + 2 * gap not in among:
                    continue
                odd_ones = places[line[between]]
                if _is_copy(line[between], between):  # of several parameters, one below another
                    odd_ones = _begins(odd_ones)
                if len(odd_ones) <= _MOST_ODD:
                    odd.setdefault(between, place)
        if len(own) >= _ALIKE * (len(own) + len(odd)):
            yield from odd.items()


def _gaps(places: Sequence[int]) -> Iterator[int]:
    """Yield how far places are from each other, and blocks of places that lie together."""
    for every in (places, _begins(places)):
        gaps = Counter(after - before for before, after in pairwise(every))
        yield from (gap for gap, _ in gaps.most_common(1))


def _begins(places: Sequence[int]) -> list[int]:
    """Return the first places of blocks that lie together."""
    return [place for before, place in pairwise([0, *places]) if place != before + 1]
