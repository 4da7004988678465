"""Finds which weight joins which units, from the formulas of the pre-activations.

Authors number weights by the unit that they lead to, or by the one that they come from; both are
right. So the formulas are asked: with one weight 1 and the others 0, a pre-activation is the source
that this weight multiplies.
"""

from collections.abc import Mapping
from dataclasses import replace

from workbook_tools.checking.cells import Cell
from workbook_tools.checking.sheets import Sheet
from workbook_tools.engines.embedded import evaluate
from workbook_tools.notation import Naming
from workbook_tools.references import MAX_COLUMNS, areas

_MOST_SOURCES = 200  # of a unit; wider layers are taken to be numbered as usual

Wiring = list[list[str]]  # [unit][source]: a weight


def wired(
    naming: Naming,
    sheet: Sheet,
    columns: Mapping[str, int],
    first_row: int,
    last_row: int,
    block: int,
) -> Naming:
    """Return the network with its weights in the places where the formulas have them.

    Where a unit's formula joins something else, such as the same weight twice, it is a mistake:
    then the numbering counts that most other units follow.
    """
    found = _sources(naming, sheet, columns, first_row, last_row, block)
    order: list[str] = []
    for layer in naming.layers:
        wiring = _of_layer(naming, layer, found)
        order += [weight for row in wiring for weight in row]
    return replace(naming, order=() if order == naming.all_weights else tuple(order))


def _of_layer(naming: Naming, layer: int, found: Mapping[str, Mapping[str, str]]) -> Wiring:
    units, sources = naming.pre_activations(layer), naming.activations(layer - 1)
    usual = naming.weights(layer)
    flat = sorted((weight for row in usual for weight in row), key=lambda weight: int(weight[1:]))
    by_source = [flat[k :: len(units)] for k in range(len(units))]
    read: Wiring = []
    for unit in units:
        by = {source: weight for weight, source in found.get(unit, {}).items()}
        is_whole = len(found.get(unit, {})) == len(by) == len(sources) and set(by) == set(sources)
        read.append([by[source] for source in sources] if is_whole else [])
    choices = [usual, by_source]
    if all(read) and sorted(w for row in read for w in row) == sorted(flat):
        choices.append(read)

    def agreeing(wiring: Wiring) -> int:
        return sum(own == row for own, row in zip(read, wiring, strict=True))

    return max(choices, key=agreeing)  # the first of equals


def _sources(
    naming: Naming,
    sheet: Sheet,
    columns: Mapping[str, int],
    first_row: int,
    last_row: int,
    block: int,
) -> dict[str, dict[str, str]]:
    """Return, for each unit, the source that each weight in its formula multiplies."""
    weights = {columns[weight]: weight for weight in naming.all_weights}
    formulas: dict[Cell, str] = {}
    read: dict[Cell, list[str]] = {}
    units: dict[Cell, str] = {}
    rows: dict[Cell, int] = {}
    sources: dict[Cell, list[str]] = {}
    for layer in naming.layers:
        for unit in naming.pre_activations(layer):
            usual = sheet.usual_formula(columns[unit], first_row, last_row)
            if not usual:
                continue
            row, formula = usual
            place = (sheet.name, len(units) + 1, MAX_COLUMNS)
            own = dict.fromkeys(
                weights[column]
                for area in areas(formula)
                for column in range(area.first_column, area.last_column + 1)
                if column in weights
            )
            if len(own) <= _MOST_SOURCES:
                units[place], read[place], formulas[place] = unit, list(own), formula
                rows[place] = row
                sources[place] = [s for s in naming.activations(layer - 1) if s in columns]
    numbers: list[dict[Cell, float]] = []
    for k in range(max(map(len, read.values()), default=0)):
        cells: dict[Cell, float] = {}
        for place in formulas:
            row = rows[place]
            begin = row - (row - first_row) % block
            for weight in naming.all_weights:
                cells.setdefault((sheet.name, begin, columns[weight]), 0.0)
            for bias in naming.all_biases:
                cells.setdefault((sheet.name, begin, columns[bias]), 0.0)
            for number, source in enumerate(sources[place], start=2):
                cells[sheet.name, row, columns[source]] = float(number)
            if k < len(read[place]):
                cells[sheet.name, begin, columns[read[place][k]]] = 1.0
        numbers.append(cells)
    found: dict[str, dict[str, str]] = {unit: {} for unit in units.values()}
    for k, values in enumerate(evaluate(formulas, numbers)):
        for place, value in values.items():
            by_number = {float(n): s for n, s in enumerate(sources[place], start=2)}
            if k < len(read[place]) and isinstance(value, float) and value in by_number:
                found[units[place]][read[place][k]] = by_number[value]
    return found
