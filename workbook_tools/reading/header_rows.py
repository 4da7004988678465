"""Finds the header rows of a sheet: those whose labels may name the columns of a training table.

One row may head several tables side by side. Whether a table stands below, ``reader.py`` finds out.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, Cell
from workbook_tools.notation.quantities import ITERATION_RATE
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.equations import may_be_equation, read_equations
from workbook_tools.reading.labels import is_rate_label, parse_label
from workbook_tools.reading.vague_labels import resolved

LEAST_LABELS = 5  # of known quantities; a row with fewer is no header
ROWS_BEFORE_THE_FIRST = 3  # at most, between a header and iteration 1: units, remarks, empty rows


class Header(NamedTuple):
    """The labels of a table; in the rows above them more may be said about it."""

    row: int
    labels: dict[int, str]  # by column
    columns: dict[str, int]  # by quantity
    top: int  # the first of the rows above it that belong to it, not to a table further up

    @property
    def first_column(self) -> int:
        """The leftmost column that it names."""
        return min(self.columns.values())

    @property
    def last_column(self) -> int:
        """The rightmost column that it names."""
        return max(self.columns.values())

    def is_below(self, cell: Cell) -> bool:
        """Tell whether a cell of its sheet is above it, in the rows that belong to it."""
        _, row, column = cell
        return self.top <= row < self.row and self.first_column <= column <= self.last_column


def header_rows(sheet: Sheet, calculation: Calculation) -> list[Header]:
    """Return the headers of a sheet, from the top and the left."""
    rows = sheet.rows_of_texts
    if not any(
        _has_room_for_numbers(sheet, row) and _may_head_a_table(labels, rows.get(row - 1, {}))
        for row, labels in rows.items()
    ):
        return []
    headers: list[Header] = []
    latest: dict[int, int] = {}  # the last row that has a header, by column
    for row, labels in sorted(rows.items()):
        above = rows.get(row - 1, {})
        if not _may_head_a_table(labels, above):
            continue
        own = []
        for part, columns in _parts(_without_statements(sheet, row, labels, calculation), above):
            places = range(min(columns.values()), max(columns.values()) + 1)
            top = 1 + max(latest.get(place, 0) for place in places)
            own.append(Header(row, part, columns, top))
        for header in own:
            latest |= dict.fromkeys(range(header.first_column, header.last_column + 1), row)
        headers += own
    return headers


def row_of_labels(sheet: Sheet, row: int) -> Header:
    """Return what a row of texts names, however little that is."""
    above = sheet.rows_of_texts.get(row - 1, {})
    labels, columns = _named(_with_titles(sheet.rows_of_texts[row], above, 0), above)
    return Header(row, labels, columns, top=row)


def _without_statements(
    sheet: Sheet, row: int, labels: Mapping[int, str], calculation: Calculation
) -> dict[int, str]:
    """Return the labels of a row that may head columns.

    A label with a number to its right and none below it states that number, and is left out.
    """
    if len(labels) < LEAST_LABELS:
        return dict(labels)
    first, last = min(labels), min(max(labels) + 1, MAX_COLUMNS)
    own, *below = calculation.block(sheet.name, row, first, min(row + 1, MAX_ROWS), last)

    def states(column: int) -> bool:
        beside = own[column + 1 - first : column + 2 - first]
        return any(isinstance(value, float) for value in beside) and not any(
            isinstance(values[column - first], float) for values in below
        )

    return {column: label for column, label in labels.items() if not states(column)}


def _has_room_for_numbers(sheet: Sheet, row: int) -> bool:
    """Tell whether an iteration may begin below a row of labels: not if only texts follow."""
    rows = sheet.rows_of_texts
    last = min(row + 1 + ROWS_BEFORE_THE_FIRST, sheet.last_row)
    below = (rows.get(other, {}) for other in range(row + 1, last + 1))
    least = (LEAST_LABELS + 1) // 2  # columns with numbers
    return any(sum(column not in texts for column in rows[row]) >= least for texts in below)


def _may_head_a_table(labels: Mapping[int, str], above: Mapping[int, str]) -> bool:
    """Tell whether enough labels of a row name a quantity; in most rows none does."""
    if len(labels) < LEAST_LABELS:
        return False
    titled = _with_titles(labels, above, 0).values()
    named = (label for label in titled if _symbol(label) or may_be_equation(label))
    return len(list(islice(named, LEAST_LABELS))) == LEAST_LABELS


def _with_titles(labels: Mapping[int, str], above: Mapping[int, str], times: int) -> dict[int, str]:
    """Return labels, each after the title of its group where it needs one.

    With 0 ``times`` these are labels that name no quantity alone, such as ``1`` under ``Inputs``.
    Else they are labels that come so many ``times`` or more: of two ``w1``, the one under
    ``Gradients`` is ∂E/∂w1. A title stands above the first label of its group.
    """
    found = dict(labels)
    symbols = {column: _symbol(label) for column, label in labels.items()} if above else {}
    named = Counter(symbols.values())
    titles = sorted(above)
    for column, symbol in symbols.items():
        if (named[symbol] if symbol else 0) < times or (symbol and not times):
            continue
        label, place = labels[column], bisect_right(titles, column)
        title = above[titles[place - 1]] if place else ""
        together = f"{title.strip().removesuffix('s')} {label}"
        if _symbol(together):
            found[column] = together
    return found


def _parts(
    labels: Mapping[int, str], above: Mapping[int, str]
) -> Iterator[tuple[dict[int, str], dict[str, int]]]:
    """Yield the tables that a row of labels may head: labels by column, columns by symbol.

    A second table begins where a label is repeated that each table has once. Other labels may be
    repeated within a table, or in a list of parameters beside it. ``above`` are the texts of the
    row above, which may be titles of groups of labels.
    """
    if len(labels) < LEAST_LABELS:
        return
    labels = _with_titles(labels, above, 0)
    symbols = {column: _symbol(label) for column, label in sorted(labels.items())}
    equations = read_equations({c: labels[c] for c, symbol in symbols.items() if not symbol}, ())
    known = [column for column, symbol in symbols.items() if symbol or column in equations]
    if len(known) < LEAST_LABELS:
        return
    names = {column: symbols[column] or labels[column].strip() for column in known}
    counts = Counter(names.values())
    # There is one o1 for each table. Labels that are equations have no symbol yet, only their text.
    first_name = next((n for n in names.values() if counts[n] == counts["o1"]), names[known[0]])
    begins = [column for column in known if names[column] == first_name]
    for k, begin in enumerate(begins):
        first = begin if k else min(symbols)
        last = begins[k + 1] - 1 if k + 1 < len(begins) else max(symbols)
        part = _between(labels, first, last)
        part, columns = _named(part, _between(above, first, last))
        if len(columns) >= LEAST_LABELS:
            yield part, columns


def _named(
    labels: Mapping[int, str], above: Mapping[int, str]
) -> tuple[dict[int, str], dict[str, int]]:
    """Return labels with the titles that tell them apart, and the columns that they name."""
    labels = _with_titles(labels, above, 2)
    return labels, resolved(_columns({c: _symbol(label) for c, label in labels.items()}, labels))


def _between(texts: Mapping[int, str], first: int, last: int) -> dict[int, str]:
    """Return the texts from one column to another, in the order of columns."""
    if last - first < len(texts):
        return {column: texts[column] for column in range(first, last + 1) if column in texts}
    return {column: text for column, text in sorted(texts.items()) if first <= column <= last}


def _columns(symbols: dict[int, str | None], labels: Mapping[int, str]) -> dict[str, int]:
    """Return the columns of the quantities that labels name, from the left."""
    rest = {column: labels[column] for column, symbol in symbols.items() if not symbol}
    named = symbols | read_equations(rest, {symbol for symbol in symbols.values() if symbol})
    columns: dict[str, int] = {}
    for side_by_side in _by_size(labels):
        for column in side_by_side:
            if symbol := named[column]:
                columns.setdefault(symbol, column)
    return dict(sorted(columns.items(), key=lambda item: item[1]))


def _by_size(columns: Iterable[int]) -> list[list[int]]:
    """Return columns in groups without a gap, the largest group first.

    A quantity that is labelled twice is then taken from the table, not from a list beside it.
    """
    groups: list[list[int]] = []
    for column in columns:
        if groups and column == groups[-1][-1] + 1:
            groups[-1].append(column)
        else:
            groups.append([column])
    return sorted(groups, key=len, reverse=True)


def _symbol(label: str) -> str | None:
    return ITERATION_RATE if is_rate_label(label) else parse_label(label)
