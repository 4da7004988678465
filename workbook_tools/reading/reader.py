"""Finds the training tables of a workbook, by their labels alone.

A *training table* is a header row whose labels name every quantity of a layered network, with the
iterations below it. An iteration is one row or, where there is a column ``sample``, as many rows as
it has samples. Rows may be left empty between iterations. Several tables may stand beside or below
each other.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import column_letter
from workbook_tools.notation.layers import layer_word, parse_layers
from workbook_tools.notation.quantities import ITERATION_RATE, Naming, gradient_symbol
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.described import NotUnderstoodError, reference_for
from workbook_tools.reading.fitted import Fit
from workbook_tools.reading.header_rows import LEAST_LABELS, Header, header_rows
from workbook_tools.reading.rates import find_rate
from workbook_tools.reading.region import Region
from workbook_tools.reading.rows import RowsBelow, read_region, unfinished_rows
from workbook_tools.reading.single_cells import single_cells
from workbook_tools.reading.stated import listed, read_settings
from workbook_tools.reading.table import Table
from workbook_tools.reading.understood import UnreadTable
from workbook_tools.reading.wiring import wired

MOST_TABLES = 200  # of a workbook; each takes some hundredths of a second, or more

_OF_A_NETWORK = re.compile(r"(?:a_|δ_)?(?:h\d+(?:_\d+)?|o\d+)|(?:∂E/∂)?w\d+")
_COMPUTED = re.compile(r"(?:a_|δ_)?(?:h\d+(?:_\d+)?|o\d+)|(?:∂E/∂)?w\d+|∂E/∂b\d+|E(?:\d+|_tot)")
_ROWS_LOOKED_INTO = 10  # below a header


def read_tables(
    sheets: list[Sheet], calculation: Calculation
) -> tuple[list[Table], list[UnreadTable]]:
    """Return the training tables, in the order of sheets and rows, and those that were not read.

    Both lists together have at most ``MOST_TABLES`` + 1 entries: reading stops there.
    """
    by_name = {sheet.name: sheet for sheet in sheets}
    every = (one for sheet in sheets for one in _tables_of(sheet, by_name, calculation))
    found = list(islice(every, MOST_TABLES + 1))
    unread = [one for one in found if isinstance(one, UnreadTable)]
    return [one for one in found if isinstance(one, Table)], unread


def _tables_of(
    sheet: Sheet, sheets: Mapping[str, Sheet], calculation: Calculation
) -> Iterator[Table | UnreadTable]:
    """Yield a sheet's tables, read or not, from the top and the left."""
    headers = header_rows(sheet, calculation)
    for k, header in enumerate(headers):
        last_row = _last_row(sheet, header, headers[k + 1 :])
        columns = dict(header.columns)
        below = RowsBelow(sheet, header.row, last_row, columns, calculation)
        others = headers[:k] + headers[k + 1 :]
        if found := _read_table(below, header, others, sheets) or _unread(below):
            yield found


def _last_row(sheet: Sheet, header: Header, later: Sequence[Header]) -> int:
    """Return where the rows below a header end: above the next one that shares a column."""
    own = range(header.first_column, header.last_column + 1)
    for other in later:
        if other.row > header.row and any(column in own for column in other.columns.values()):
            return other.row - 1
    return sheet.last_row


def _read_table(
    below: RowsBelow, header: Header, others: Sequence[Header], sheets: Mapping[str, Sheet]
) -> Table | None:
    """Return the table below a header; None if there is none.

    ``below.columns`` changes: columns that only the formulas identify are added, and a column of
    rates that no formula reads is removed. ``others`` are the sheet's other headers.
    """
    columns = below.columns
    if not {"o1", "w1"} <= set(columns):
        return None
    rates = columns.get(ITERATION_RATE)
    has_updates = bool(below.sheet.runs_between(columns["w1"], header.row + 1, below.last_row))
    if rates and has_updates and not _is_read_row_by_row(below.sheet, rates, header.row):
        del columns[ITERATION_RATE]
    region = read_region(below)
    if region is None:
        return None
    texts = below.sheet.rows_of_texts[header.row]
    single, inferred = single_cells(region, texts, sheets, below.calculation)
    if inferred:
        columns |= inferred
        region = read_region(below) or region
    region.single = single
    for symbol, cell in single.items():
        number = number_at(cell, below.calculation)
        region.values[symbol] = np.full(len(region.rows), number)
    return _table(region, header, others, below.calculation)


def _unread(below: RowsBelow) -> UnreadTable | None:
    """Return what looks like a training table: known quantities that formulas compute."""
    sheet, header_row, columns = below.sheet, below.header_row, below.columns
    last_row = min(header_row + _ROWS_LOOKED_INTO, below.last_row)
    computed = [
        symbol
        for symbol, column in columns.items()
        if _COMPUTED.fullmatch(symbol) and sheet.runs_between(column, header_row + 1, last_row)
    ]
    if len(computed) < LEAST_LABELS:
        return None
    runs = [
        run
        for column in range(min(columns.values()), max(columns.values()) + 1)
        for run in sheet.runs_between(column, header_row + 1, below.last_row)
    ]
    why = "labelled like a training table, but its labels and numbers are not those of a network"
    return UnreadTable(sheet.name, header_row, sum(len(run.rows) for run in runs), why)


def _is_read_row_by_row(sheet: Sheet, column: int, header_row: int) -> bool:
    """Tell whether formulas below a header read a column in a row relative to their own."""
    reference = re.compile(rf"(?<![A-Za-z]){column_letter(column)}\{{")
    return any(
        reference.search(run.formula.pattern)
        for other in sheet.runs
        if other != column
        for run in sheet.runs_between(other, header_row + 1, header_row + _ROWS_LOOKED_INTO)
    )


def _table(
    region: Region, header: Header, others: Sequence[Header], calculation: Calculation
) -> Table | None:
    """Return a table; None if its labels do not name the quantities of a network."""
    columns = region.columns
    settings, words = read_settings(region.sheet, header.row, calculation)
    symbols = {*columns, *region.single}
    try:
        said = _said_layers(words)
        unclear = ""
    except ValueError as error:
        said, unclear = None, f"layers: {error}"
    naming = Naming.from_symbols(symbols, listed(words, "biases"), said)
    if naming is None:
        return None
    unknown = _unknown(region, header.labels)
    rate = find_rate(region, header, others, calculation)
    # A rate may be called α, μ or λ; then these are no settings of an optimizer.
    settings = {symbol: cell for symbol, cell in settings.items() if cell != rate.cell}
    likely = [
        Table(
            **vars(region),
            naming=own,
            header_row=header.row,
            unknown=unknown,
            found_rate=rate,
            settings=settings,
            words=words,
            unfinished=unfinished_rows(region) if region.block == 1 else 0,
            contradiction=unclear or _contradiction(naming, columns, unknown),
        )
        for own in wired(naming, region, calculation)
    ]
    return likely[0] if len(likely) == 1 else _best(likely, calculation)


def _best(likely: Sequence[Table], calculation: Calculation) -> Table:
    """Return the table whose network contradicts the fewest of its numbers, the first of equals."""

    def contradicted(table: Table) -> float:
        try:
            reference = reference_for(table, calculation)
        except NotUnderstoodError:
            return math.inf
        return Fit(table, table.naming).contradicted(reference, table.rate)

    return min(likely, key=contradicted)


def _said_layers(words: Mapping[str, str]) -> Naming | None:
    """Return the network whose layers are listed above a table; None if none are.

    Raises ``ValueError``, which says what is wrong with them.
    """
    layers = [layer_word(word) for word in listed(words, "layers")]
    return Naming.of_layers(*parse_layers(layers)) if layers else None


def _contradiction(naming: Naming, columns: Iterable[str], unknown: Mapping[int, str]) -> str:
    """Say which columns a network of this size does not have; then some labels were misread."""
    units = [z for layer in naming.layers for z in naming.pre_activations(layer)]
    of_units = {kind + z for z in units for kind in ("", "a_", "δ_")}
    of_weights = {kind + w for w in naming.all_weights for kind in ("", gradient_symbol(""))}
    extra = [s for s in columns if _OF_A_NETWORK.fullmatch(s) and s not in of_units | of_weights]
    if not extra:
        return ""
    why = f"{', '.join(extra)}: not part of a network {naming.network}"
    names = ", ".join(repr(" ".join(label.split())) for label in unknown.values())
    return f"{why}; unknown labels: {names}" if names else why


def _unknown(region: Region, labels: Mapping[int, str]) -> dict[int, str]:
    """Return the labels that name no known quantity, by column.

    They stand among the table's columns, directly beside them, or above columns that its formulas
    read.
    """
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
