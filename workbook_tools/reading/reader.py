"""Finds the training tables of a workbook, by their labels alone.

A *training table* is a header row whose labels name every quantity of a layered network,
with the iterations below it: a row each or, beside a column ``sample``, as many rows as an
iteration has samples. Rows may be left empty between iterations. Several tables may stand beside or
below each other.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice

import numpy as np
import pandas as pd

from workbook_tools.engines import Calculation
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, column_letter
from workbook_tools.notation.layers import layer_word, parse_layers
from workbook_tools.notation.quantities import (
    ITERATION,
    ITERATION_RATE,
    SAMPLE,
    Naming,
    gradient_symbol,
)
from workbook_tools.package.cell_values import CellError
from workbook_tools.reading.cells import number, number_at
from workbook_tools.reading.equations import may_be_equation, read_equations
from workbook_tools.reading.headers import resolved
from workbook_tools.reading.labels import is_rate_label, parse_label
from workbook_tools.reading.rates import Head, find_rate
from workbook_tools.reading.region import Region
from workbook_tools.reading.single import single_cells
from workbook_tools.reading.stated import listed, read_settings
from workbook_tools.reading.table import Table
from workbook_tools.reading.understood import UnreadTable
from workbook_tools.reading.wiring import wired

_OF_A_NETWORK = re.compile(r"(?:a_|δ_)?(?:h\d+(?:_\d+)?|o\d+)|(?:∂E/∂)?w\d+")
_WORKED_OUT = re.compile(r"(?:a_|δ_)?(?:h\d+(?:_\d+)?|o\d+)|(?:∂E/∂)?w\d+|∂E/∂b\d+|E(?:\d+|_tot)")
MOST_TABLES = 200  # of a workbook; each takes some hundredths of a second, or more
_LABELS_OF_A_TABLE = 5  # fewer known symbols in a row are no header
_ROWS_A_BLOCK = 2_000
_ROWS_LOOKED_INTO = 10  # below a header
_LONGEST_GAP = 100  # rows left empty between iterations
_ROWS_BEFORE_THE_FIRST = 3  # between a header and iteration 1: units, remarks, nothing


def read_tables(
    sheets: list[Sheet], calculation: Calculation
) -> tuple[list[Table], list[UnreadTable]]:
    """Return the training tables, in the order of the sheets and rows; and what looks like one.

    They are ``MOST_TABLES`` together, and one more if there are more.
    """
    by_name = {sheet.name: sheet for sheet in sheets}
    every = (one for sheet in sheets for one in _tables_of(sheet, by_name, calculation))
    found = list(islice(every, MOST_TABLES + 1))
    unread = [one for one in found if isinstance(one, UnreadTable)]
    return [one for one in found if isinstance(one, Table)], unread


def _tables_of(
    sheet: Sheet, sheets: Mapping[str, Sheet], calculation: Calculation
) -> Iterator[Table | UnreadTable]:
    """Yield a sheet's tables, from the top and the left, and what looks like one."""
    rows = sheet.rows_of_texts
    if not any(
        _has_room_for_numbers(sheet, row) and _may_head_a_table(labels, rows.get(row - 1, {}))
        for row, labels in rows.items()
    ):
        return
    headers = [
        (row, part, columns)
        for row, labels in sorted(rows.items())
        if _may_head_a_table(labels, rows.get(row - 1, {}))
        for part, columns in _parts(
            _without_statements(sheet, row, labels, calculation), rows.get(row - 1, {})
        )
    ]
    heads = _heads(headers)
    for place, (header_row, labels, columns) in enumerate(headers):
        own = range(min(columns.values()), max(columns.values()) + 1)
        below = (
            row
            for row, _, other in headers[place + 1 :]
            if row > header_row and any(column in own for column in other.values())
        )
        last_row = next(below, sheet.last_row + 1) - 1
        others = [other for k, other in enumerate(heads) if k != place]
        table = _read_table(
            sheet, heads[place], others, last_row, labels, columns, sheets, calculation
        )
        if found := table or _unread(sheet, header_row, last_row, columns):
            yield found


def _read_table(
    sheet: Sheet,
    head: Head,
    others: Sequence[Head],
    last_row: int,
    labels: Mapping[int, str],
    columns: dict[str, int],
    sheets: Mapping[str, Sheet],
    calculation: Calculation,
) -> Table | None:
    """Return the table below a header that names these ``columns``; None if it is none.

    It ends before ``last_row`` at the latest; ``others`` are the heads of the sheet's other tables.
    """
    header_row = head.header_row
    if not {"o1", "w1"} <= set(columns):
        return None
    rates = columns.get(ITERATION_RATE)
    if rates and not _is_read_row_by_row(sheet, rates, header_row):
        del columns[ITERATION_RATE]
    region = _region(sheet, header_row, last_row, columns, calculation)
    if region is None:
        return None
    single, inferred = single_cells(region, sheet.rows_of_texts[header_row], sheets, calculation)
    region.single = single
    if inferred:
        columns |= inferred
        region = _region(sheet, header_row, last_row, columns, calculation) or region
        region.single = single
    for symbol, cell in region.single.items():
        region.values[symbol] = number_at(cell, calculation)
    return _table(region, head, others, labels, calculation)


def _unread(
    sheet: Sheet, header_row: int, last_row: int, columns: Mapping[str, int]
) -> UnreadTable | None:
    """Return what looks like a training table: known quantities, worked out by formulas."""
    below = header_row + 1, min(header_row + _ROWS_LOOKED_INTO, last_row)
    worked_out = [
        symbol
        for symbol, column in columns.items()
        if _WORKED_OUT.fullmatch(symbol) and sheet.runs_between(column, *below)
    ]
    if len(worked_out) < _LABELS_OF_A_TABLE:
        return None
    runs = [
        run
        for column in range(min(columns.values()), max(columns.values()) + 1)
        for run in sheet.runs_between(column, header_row + 1, last_row)
    ]
    why = "labelled like a training table, but its labels and numbers are not those of a network"
    return UnreadTable(sheet.name, header_row, sum(len(run.rows) for run in runs), why)


def _heads(headers: list[tuple[int, dict[int, str], dict[str, int]]]) -> list[Head]:
    """Return where what is said above each table stands."""
    heads: list[Head] = []
    latest: dict[int, int] = {}  # the last row that has a header, by column
    for row, same_row in groupby(headers, key=lambda header: header[0]):
        own = [(min(columns.values()), max(columns.values())) for _, _, columns in same_row]
        for left, right in own:
            above = max(latest.get(column, 0) for column in range(left, right + 1))
            heads.append(Head(above + 1, row, left, right))
        for left, right in own:
            latest |= dict.fromkeys(range(left, right + 1), row)
    return heads


def _without_statements(
    sheet: Sheet, row: int, labels: Mapping[int, str], calculation: Calculation
) -> dict[int, str]:
    """Return the labels of a row that may head columns.

    One with a number right of it, and none below, states that number.
    """
    if len(labels) < _LABELS_OF_A_TABLE:
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
    """Tell whether an iteration may begin below a row of labels, where there are not only texts."""
    rows = sheet.rows_of_texts
    last = min(row + 1 + _ROWS_BEFORE_THE_FIRST, sheet.last_row)
    below = (rows.get(other, {}) for other in range(row + 1, last + 1))
    least = (_LABELS_OF_A_TABLE + 1) // 2  # columns with numbers
    return any(sum(column not in texts for column in rows[row]) >= least for texts in below)


def _may_head_a_table(labels: Mapping[int, str], above: Mapping[int, str]) -> bool:
    """Tell whether enough labels of a row name something at all: of most rows, none does."""
    if len(labels) < _LABELS_OF_A_TABLE:
        return False
    titled = _with_titles(labels, above, 0).values()
    named = (label for label in titled if _symbol(label) or may_be_equation(label))
    return len(list(islice(named, _LABELS_OF_A_TABLE))) == _LABELS_OF_A_TABLE


def _with_titles(labels: Mapping[int, str], above: Mapping[int, str], times: int) -> dict[int, str]:
    """Return labels, with the title of its group where one comes so many ``times``, or more.

    0 times means no label of a quantity: ``1`` under ``Inputs``. Under ``Gradients``, a second
    ``w1`` is that of ∂E/∂w1. A title stands above the first label of its group.
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

    A second table begins where a label comes again that is there once for each table; in a list
    of parameters beside a table labels come again too. ``above`` are the texts of the row above,
    which may be titles of groups of labels.
    """
    if len(labels) < _LABELS_OF_A_TABLE:
        return
    labels = _with_titles(labels, above, 0)
    symbols = {column: _symbol(label) for column, label in sorted(labels.items())}
    equations = read_equations({c: labels[c] for c, symbol in symbols.items() if not symbol}, ())
    known = [column for column, symbol in symbols.items() if symbol or column in equations]
    if len(known) < _LABELS_OF_A_TABLE:
        return
    names = {column: symbols[column] or labels[column].strip() for column in known}
    counts = Counter(names.values())
    # Every table has one output o1; equations tell what they name only together.
    first_name = next((n for n in names.values() if counts[n] == counts["o1"]), names[known[0]])
    begins = [column for column in known if names[column] == first_name]
    for k, begin in enumerate(begins):
        first = begin if k else min(symbols)
        last = begins[k + 1] - 1 if k + 1 < len(begins) else max(symbols)
        part = _between(labels, first, last)
        part = _with_titles(part, _between(above, first, last), 2)
        columns = resolved(_columns({c: _symbol(label) for c, label in part.items()}, part))
        if len(columns) >= _LABELS_OF_A_TABLE:
            yield part, columns


def _between(texts: Mapping[int, str], first: int, last: int) -> dict[int, str]:
    """Return the texts from one column to another, from the left."""
    if last - first < len(texts):
        return {column: texts[column] for column in range(first, last + 1) if column in texts}
    return {column: text for column, text in sorted(texts.items()) if first <= column <= last}


def _columns(symbols: dict[int, str | None], labels: Mapping[int, str]) -> dict[str, int]:
    """Return the columns of what labels name, from the left."""
    rest = {column: labels[column] for column, symbol in symbols.items() if not symbol}
    named = symbols | read_equations(rest, {symbol for symbol in symbols.values() if symbol})
    columns: dict[str, int] = {}
    for side_by_side in _by_size(labels):
        for column in side_by_side:
            if symbol := named[column]:
                columns.setdefault(symbol, column)
    return dict(sorted(columns.items(), key=lambda item: item[1]))


def _by_size(columns: Iterable[int]) -> list[list[int]]:
    """Return columns as groups without an empty one between them, the largest first.

    What is labelled twice belongs to the table rather than to a list beside it.
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


def _is_read_row_by_row(sheet: Sheet, column: int, header_row: int) -> bool:
    """Tell whether formulas below a header read a column in rows that go with their own."""
    reference = re.compile(rf"(?<![A-Za-z]){column_letter(column)}\{{")
    return any(
        reference.search(run.formula.pattern)
        for other in sheet.runs
        if other != column
        for run in sheet.runs_between(other, header_row + 1, header_row + _ROWS_LOOKED_INTO)
    )


def _region(
    sheet: Sheet,
    header_row: int,
    last_row: int,
    columns: dict[str, int],
    calculation: Calculation,
) -> Region | None:
    """Return the rows below a header as far as the iterations go; None if there are none."""
    begin = _first_row(sheet, header_row, last_row, columns, calculation)
    values, errors = read_values(sheet, begin, last_row, columns, calculation)
    computed = _computed(columns)
    if values.empty:
        return None
    few_numbers = 2 * values[computed].iloc[0].notna().sum() < len(computed)
    if few_numbers and len(errors) < len(computed):
        return None
    if SAMPLE not in columns:
        values = _with_rows_below_gaps(sheet, values, errors, last_row, columns, calculation)
        values = _without_sums(values, errors)
    return Region(sheet, columns, {}, values, errors, _rows_of_an_iteration(values, errors))


def _computed(columns: Iterable[str]) -> list[str]:
    """Return the quantities that every iteration works out."""
    return [symbol for symbol in columns if symbol[0] not in "tixwb"]


def _with_rows_below_gaps(
    sheet: Sheet,
    values: pd.DataFrame,
    errors: dict[tuple[int, str], CellError],
    last_row: int,
    columns: dict[str, int],
    calculation: Calculation,
) -> pd.DataFrame:
    """Return the iterations with those below rows left empty, into which the run goes on."""
    computed = _computed(columns)
    parameters = [symbol for symbol in columns if re.fullmatch(r"[wb]\d+", symbol)]
    while (begin := int(values.index[-1]) + 2) <= last_row:
        last = min(begin + _LONGEST_GAP, last_row)
        probe, _ = read_values(sheet, begin, last, columns, calculation, over_gaps=True)
        full = 2 * probe[computed].notna().sum(axis=1) > len(computed)
        if not full.any():
            break
        begin += int(full.to_numpy().argmax())
        if not any(sheet.formula_at(begin, columns[symbol]) for symbol in parameters):
            break  # another run, from weights of its own
        more, wrong = read_values(sheet, begin, last_row, columns, calculation)
        values = pd.concat([values, more])
        errors |= wrong
    own = [symbol for symbol in columns if symbol[0] not in "tix"]
    filled = values[own].notna().any(axis=1).to_numpy(copy=True)
    filled[np.isin(values.index, [row for row, _ in errors])] = True
    filled[np.flatnonzero(filled).max(initial=0) :] = True
    return values if filled.all() else values[filled]


def _without_sums(
    values: pd.DataFrame, errors: Mapping[tuple[int, str], CellError]
) -> pd.DataFrame:
    """Leave out rows at the end that are no iterations: an average of the losses, for example.

    They have neither most of the weights nor most of what is worked out.
    """
    filled = values.notna()
    for row, symbol in errors:
        if row in filled.index:
            filled.loc[row, symbol] = True
    weights = [symbol for symbol in values if re.fullmatch(r"[wb]\d+", str(symbol))]
    full = [
        2 * filled[own].sum(axis=1).to_numpy() >= len(own)
        for own in (weights, _computed(map(str, values)))
        if own
    ]
    last = int(np.flatnonzero(np.any(full, axis=0)).max(initial=0))
    return values.iloc[: last + 1]


def _table(
    region: Region,
    head: Head,
    others: Sequence[Head],
    labels: Mapping[int, str],
    calculation: Calculation,
) -> Table | None:
    """Return a table, if the labels name every quantity of a network.

    ``others`` are the heads of the sheet's other tables.
    """
    sheet, columns, header_row = region.sheet, region.columns, head.header_row
    settings, words = read_settings(sheet, header_row, calculation)
    symbols = {*columns, *region.single}
    try:
        said = _said_layers(words)
        unclear = ""
    except ValueError as error:
        said, unclear = None, f"layers: {error}"
    naming = Naming.from_symbols(symbols, listed(words, "biases"), said)
    if naming is None:
        return None
    unknown = _unknown(region, labels)
    rate = find_rate(region, head, others, calculation)
    # A rate may be called α, μ or λ; then these are no settings of an optimizer.
    settings = {symbol: cell for symbol, cell in settings.items() if cell != rate.cell}
    unfinished = 0
    if region.block == 1:
        unfinished = _unfinished_rows(region.values, region.errors, _computed(columns))
    return Table(
        sheet,
        columns,
        region.single,
        region.values,
        region.errors,
        region.block,
        naming=wired(naming, region, calculation),
        header_row=header_row,
        unknown=unknown,
        found_rate=rate,
        settings=settings,
        words=words,
        unfinished=unfinished,
        contradiction=unclear or _contradiction(naming, columns, unknown),
    )


def _said_layers(words: Mapping[str, str]) -> Naming | None:
    """Return the network of the layers that are said above a table; None if none are.

    Raises ``ValueError`` with what is wrong with them.
    """
    layers = [layer_word(word) for word in listed(words, "layers")]
    return Naming.of_layers(*parse_layers(layers)) if layers else None


def _contradiction(naming: Naming, columns: Iterable[str], unknown: Mapping[int, str]) -> str:
    """Say which columns are of no network of this size: then some labels were not understood."""
    units = [z for layer in naming.layers for z in naming.pre_activations(layer)]
    of_units = {kind + z for z in units for kind in ("", "a_", "δ_")}
    of_weights = {kind + w for w in naming.all_weights for kind in ("", gradient_symbol(""))}
    extra = [s for s in columns if _OF_A_NETWORK.fullmatch(s) and s not in of_units | of_weights]
    if not extra:
        return ""
    why = f"{', '.join(extra)}: not of a network {naming.network}"
    names = ", ".join(repr(" ".join(label.split())) for label in unknown.values())
    return f"{why}; unknown {names}" if names else why


def _unknown(region: Region, labels: Mapping[int, str]) -> dict[int, str]:
    """Return the labels that name no quantity: beside the others, or of columns that they read."""
    own = set(region.columns.values())
    first, last = min(own), max(own)
    while first - 1 in labels:
        first -= 1
    while last + 1 in labels:
        last += 1
    formulas = [usual[1] for symbol in region.columns if (usual := region.usual_formula(symbol))]
    read = {area.first_column for formula in formulas for area in areas(formula)}
    inside = {*range(first, last + 1), *read} - own
    return {column: label for column, label in labels.items() if column in inside}


def _first_row(
    sheet: Sheet,
    header_row: int,
    last_row: int,
    columns: Mapping[str, int],
    calculation: Calculation,
) -> int:
    """Return the first row below a header that has numbers in most of these columns."""
    left, right = min(columns.values()), max(columns.values())
    first, last = header_row + 1, min(header_row + 1 + _ROWS_BEFORE_THE_FIRST, last_row)
    if first > last:
        return first
    for row, values in enumerate(calculation.block(sheet.name, first, left, last, right), first):
        own = [values[column - left] for column in columns.values()]
        if 2 * sum(isinstance(value, float | CellError) for value in own) > len(own):
            return row
    return first


def read_values(
    sheet: Sheet,
    first_row: int,
    last_row: int,
    columns: dict[str, int],
    calculation: Calculation,
    over_gaps: bool = False,
) -> tuple[pd.DataFrame, dict[tuple[int, str], CellError]]:
    """Return the numbers in these rows, as far down as any of the columns has something.

    With ``over_gaps`` rows without anything are returned too.
    """
    left, right = min(columns.values()), max(columns.values())
    picked = [column - left for column in columns.values()]
    numbers: list[np.ndarray] = []
    errors: dict[tuple[int, str], CellError] = {}
    for first in range(first_row, last_row + 1, _ROWS_A_BLOCK):
        last = min(first + _ROWS_A_BLOCK - 1, last_row)
        block = calculation.block(sheet.name, first, left, last, right)
        ends = (k for k, row in enumerate(block) if all(row[c] is None for c in picked))
        end = None if over_gaps else next(ends, None)
        block = block[:end]
        try:
            array = np.array(block, dtype=float).reshape(len(block), right - left + 1)
        except (TypeError, ValueError):  # some cell holds a text or an error value
            array = np.array([[number(value) for value in row] for row in block])
            errors |= {
                (first + k, symbol): value
                for k, row in enumerate(block)
                for symbol, column in columns.items()
                if isinstance(value := row[column - left], CellError)
            }
        if len(block):
            numbers.append(array[:, picked])
        if end is not None:
            break
    data = np.concatenate(numbers) if numbers else np.empty((0, len(columns)))
    index = pd.RangeIndex(first_row, first_row + len(data))
    return pd.DataFrame(data, index=index, columns=list(columns)), errors


def _rows_of_an_iteration(values: pd.DataFrame, errors: dict[tuple[int, str], CellError]) -> int:
    """Return how many rows each iteration has: those of its samples, else 1.

    Its number and the weights stand in its first row; most distances between such rows are the
    number. One cell more or less, or an error value in it, does not matter.
    """
    if SAMPLE not in values:
        return 1
    symbols = map(str, values.columns)
    marks = [symbol for symbol in symbols if symbol == ITERATION or symbol[0] == "w"]
    filled = values[marks].notna()
    for row, symbol in errors:
        if symbol in marks:
            filled.loc[row, symbol] = True
    begins = np.flatnonzero(2 * filled.to_numpy().sum(axis=1) >= len(marks))
    if len(begins) < 2:
        return len(values)
    distances, counts = np.unique(np.diff(begins), return_counts=True)
    return int(distances[counts.argmax()])


def _unfinished_rows(
    values: pd.DataFrame, errors: dict[tuple[int, str], CellError], computed: list[str]
) -> int:
    """Return how many rows at the end have nothing that an iteration works out.

    Such a row may hold data, and the weights that the next iteration would begin with.
    """
    filled = values[computed].notna().any(axis=1).to_numpy(copy=True)
    rows = [row for row, symbol in errors if symbol in computed]
    filled[np.isin(values.index, rows)] = True
    return len(values) - 1 - int(np.flatnonzero(filled).max(initial=0))
