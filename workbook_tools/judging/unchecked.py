"""Says why nothing in a workbook could be checked, and what can be done about it.

The most fundamental cause is said: no formulas; formulas that need what is outside of the workbook;
circular references; formulas that are not understood; labels that do not name a network; no
iteration below labels that do.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from workbook_tools.evaluator.formula import is_known
from workbook_tools.formulas.other_languages import translated
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.outside_calls import outside_calls
from workbook_tools.judging.unknown import functions
from workbook_tools.notation.addresses import MAX_ROWS, Cell, cell_name
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Calculation
from workbook_tools.program.cycles import Formulas, shown
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.understood import is_understood
from workbook_tools.reading.header_rows import ROWS_BEFORE_THE_FIRST, row_of_labels
from workbook_tools.reading.nearest import NearestRow, nearest_row
from workbook_tools.reading.table import Table
from workbook_tools.texts import counted, plural, shortened, shortened_inside

_FEW = 4  # a cause explains the whole if it is in one of so many formulas, or in more
_MOST_TRIED = 50  # formulas from which a cycle is searched
_MOST_READ = 1_000  # formulas that are tried one by one
_MOST_NAMED = 5  # in one list
_LONGEST_NAME, _LONGEST_FORMULA, _LONGEST_CYCLE = 30, 60, 150  # letters
_KINDS = {"i": "input", "t": "target", "w": "weight", "ho": "pre-activation"}  # by letters
_LIKE_A_TABLE = 3  # of these kinds have labels in a row
_NOTHING_FOUND = "no training table found: "
_NO_LABELS = (
    "no row has two labels of a network, such as i1 (input), t1 (target), w1 (weight), h1 and o1 "
    "(pre-activations)"
)
_LABEL_ALL = "Label all columns of the network in one row, with an iteration in each row below"
_BEGIN_BELOW = "Enter the first iteration right below the labels, and fill its formulas down"
_SAVE_FORMULAS = "Save the workbook with its formulas, not with their values"


def why_unchecked(
    sheets: Sequence[Sheet], graph: Graph, tables: Sequence[Table], calculation: Calculation
) -> str:
    """Return why, and what to do: two sentences, without the last full stop.

    Nothing is returned if there are ``tables``, and what was not checked in them says it all.
    """
    if tables:
        unclear = [_header(table) for table in tables if table.contradiction]
        return next((f"nothing could be checked: {_lacking(r)}" for r in unclear if r.lacking), "")
    nearest = nearest_row(sheets)
    return _NOTHING_FOUND + (
        _values_only(sheets, nearest, calculation)
        or _outside(sheets, nearest)
        or _circular(sheets, graph, nearest)
        or _not_understood(graph)
        or (_labels(nearest, calculation) if nearest else f"{_NO_LABELS}. {_LABEL_ALL}")
    )


def _header(table: Table) -> NearestRow:
    """Return the header of a table, with what its formulas say about other columns and cells."""
    header = row_of_labels(table.sheet, table.header_row)
    return NearestRow(table.sheet, header._replace(columns=table.columns), {*table.single})


def _values_only(
    sheets: Sequence[Sheet], nearest: NearestRow | None, calculation: Calculation
) -> str:
    """Say that there are no formulas, in the workbook or below labels; nothing if there are."""
    if nearest and nearest.is_whole:
        return ""  # numbers alone would have been read, too
    if not _formulas(sheets):
        numbers = sum(_numbers(sheet, calculation) for sheet in sheets)
        if not numbers:
            return "the workbook has neither formulas nor numbers. Perhaps it is the wrong file"
        return f"the workbook has no formulas, only {counted(numbers, 'number')}. {_SAVE_FORMULAS}"
    if nearest and len(nearest.named) >= _LIKE_A_TABLE and not nearest.sheet.formula_count():
        numbers = _numbers(nearest.sheet, calculation)
        return (
            f"{_place(nearest)} is labelled like a training table, but its sheet has no formulas, "
            f"only {counted(numbers, 'number')}. {_SAVE_FORMULAS}"
        )
    return ""


def _outside(sheets: Sequence[Sheet], nearest: NearestRow | None) -> str:
    """Say that formulas need what is outside of the workbook; nothing if these are few."""
    found = outside_calls(sheets)
    for some, what, to_do in (
        (
            found.other_languages,
            "name functions in another language than English, as no file does",
            "Write the English names; every spreadsheet program shows them in its own language",
        ),
        (
            found.add_ins,
            "call functions of an add-in or a macro, which cannot be calculated here",
            "Write what these compute as formulas of cells",
        ),
        (
            found.other_workbooks,
            "read other workbooks, which are never opened",
            "Copy what they read into this workbook",
        ),
    ):
        if _explains(some.count, sheets, nearest):
            meant = [(_cut(name), translated(name)) for name in some.names]
            names = [f"{name} ({meaning})" if meaning else name for name, meaning in meant]
            return (
                f"{some.count:,} of {counted(_formulas(sheets), 'formula')} {what}: "
                f"{_list(names)}, first in {_cell(some.first)}. {to_do}"
            )
    return ""


def _circular(sheets: Sequence[Sheet], graph: Graph, nearest: NearestRow | None) -> str:
    """Say that formulas read themselves; nothing if these are few."""
    formulas = Formulas(graph)
    suspects = formulas.suspects
    if _explains(sum(len(node.run.rows) for node in suspects), sheets, nearest):
        for node in suspects[:_MOST_TRIED]:
            if cycle := formulas.cycle(node.cell):
                cells = shortened_inside(shown(cycle), _LONGEST_CYCLE)
                return (
                    f"formulas of {_sheet(node.sheet)} read themselves, a circular reference: "
                    f"{cells}. Give each iteration a row of its own, which reads the row above"
                )
    return ""


def _not_understood(graph: Graph) -> str:
    """Say that no formula at all can be calculated; nothing if one can."""
    if not 0 < len(graph.nodes) <= _MOST_READ or any(map(is_understood, graph.nodes)):
        return ""
    first = graph.nodes[0]
    return f"no formula can be calculated here, such as {_cell(first.cell)}: {_unread(first)}"


def _unread(node: Node) -> str:
    """Return a formula that cannot be calculated, what in it is unknown, and what to do."""
    formula = node.run.formula.at(node.run.first_row)
    unknown = [name for name in sorted(functions(formula)) if not is_known(name)]
    because = f" (unknown: {_list(list(map(_cut, unknown)))})" if unknown else ""
    return (
        f"{_cut(formula, _LONGEST_FORMULA)}{because}. Write it with cells, operators and common "
        "functions"
    )


def _labels(nearest: NearestRow, calculation: Calculation) -> str:
    """Say what a row of labels lacks, or else the row below it."""
    if not nearest.is_whole:
        return _lacking(nearest)
    sheet, whole = nearest.sheet, f"{_place(nearest)} names a whole network"
    row, values = _fullest(nearest, calculation)
    column = next((c for c, value in values.items() if not isinstance(value, float)), None)
    if column is None:
        return f"{whole}, but no iteration right below. {_BEGIN_BELOW}"
    below = f"{whole}, but {_cell((sheet.name, row, column))} below it"
    for run in sheet.runs_between(column, row, row):
        node = Node(sheet.name, column, run)
        if not is_understood(node):
            return f"{below} has a formula that cannot be calculated here: {_unread(node)}"
    return f"{below} {_instead(values[column])}. {_BEGIN_BELOW}"


def _fullest(nearest: NearestRow, calculation: Calculation) -> tuple[int, dict[int, CellValue]]:
    """Return the row right below labels that has most numbers, and its values by column."""
    header, name = nearest.header, nearest.sheet.name
    first, last = header.row + 1, min(header.row + 1 + ROWS_BEFORE_THE_FIRST, MAX_ROWS)
    left = header.first_column
    block = calculation.block(name, first, left, last, header.last_column)

    def numbers(row: int) -> int:
        return sum(isinstance(block[row - first][c - left], float) for c in columns)

    columns = header.columns.values()
    row = max(range(first, last + 1), key=numbers)
    return row, {c: block[row - first][c - left] for c in columns}


def _lacking(row: NearestRow) -> str:
    """Say what a row of labels lacks of a network."""
    named = _by_kind({k: [_cut(label) for label in labels] for k, labels in row.named.items()})
    if row.lacking:
        said = f"{_place(row)} names {named}, but not {_by_kind(row.lacking)}"
        to_do = _LABEL_ALL
        if len(row.named) >= _LIKE_A_TABLE:
            said += _not_read(row)
            to_do = "Label these columns, too, in the same row"
        return f"{said}. {'Number from 1, not 0. ' if row.counts_from_0 else ''}{to_do}"
    if row.counts_from_0:
        return f"{_place(row)} names {named}, but not from 1 on. Number from 1, not 0"
    return (
        f"the labels in {_place(row)} are not those of one network: {named}. Compare their numbers"
    )


def _not_read(row: NearestRow) -> str:
    """Say which labels of a row are not understood; nothing if all are."""
    labels = [f"'{_cut(label)}'" for label in row.not_understood]
    verb = "is" if len(labels) == 1 else "are"
    return f"; {_list(labels)} {verb} not understood" if labels else ""


def _by_kind(names: Mapping[str, Sequence[str]]) -> str:
    """Return names by letter as a list of each kind: ``t1, t2 (targets) and h1 (…)``."""
    said = []
    for letters, kind in _KINDS.items():
        own = [names[letter] for letter in letters if letter in names]
        if own:
            noun = plural(sum(map(len, own)), kind)
            said.append(f"{', '.join(map(_list, own))} ({noun})")
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def _explains(count: int, sheets: Sequence[Sheet], nearest: NearestRow | None) -> bool:
    """Tell whether so many formulas are why nothing was found: not if labels are the problem."""
    is_labelled = nearest is not None and nearest.is_whole
    return count > 0 and (is_labelled or _FEW * count >= _formulas(sheets))


def _formulas(sheets: Sequence[Sheet]) -> int:
    return sum(sheet.formula_count() for sheet in sheets)


def _numbers(sheet: Sheet, calculation: Calculation) -> int:
    """Count the cells of a sheet that hold numbers."""
    columns = (calculation.column(sheet.name, column) for column in calculation.filled(sheet.name))
    return sum(int((~np.isnan(own.numbers)).sum()) for own in columns if own)


def _instead(value: CellValue) -> str:
    """Say what a cell holds in place of a number."""
    if value is None:
        return "is empty"
    if isinstance(value, CellError):
        return f"shows {value.code}"
    return f"holds the text '{_cut(value)}'" if isinstance(value, str) else f"holds {value}"


def _place(row: NearestRow) -> str:
    return f"row {row.header.row} of {_sheet(row.sheet.name)}"


def _sheet(name: str) -> str:
    return f"'{shortened_inside(name, _LONGEST_NAME)}'"


def _cell(cell: Cell) -> str:
    return f"{shortened_inside(cell[0], _LONGEST_NAME)}!{cell_name(*cell[1:])}"


def _list(names: Sequence[str]) -> str:
    """Return names with commas; of many the first and the last."""
    shown = names if len(names) <= _MOST_NAMED else [*names[:2], "…", names[-1]]
    return ", ".join(shown)


def _cut(text: str, most: int = _LONGEST_NAME) -> str:
    """Return a text of the workbook in one short line."""
    return shortened(" ".join(text[:1_000].split()), most)
