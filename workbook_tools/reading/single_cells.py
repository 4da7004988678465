"""Finds inputs, targets and biases that stand in one cell each, which all iterations read.

The formulas that read such a cell tell what it is. With all weights 0, a pre-activation is its
bias; everything else that it reads outside the table is an input; what a loss reads there is a
target. A label beside the cell tells its number. Without labels, targets are numbered like the
losses that read them, and the others in the order in which they stand.

A column whose label names nothing is found in the same way, by the formulas that read it row by
row.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell, column_letter
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.labels import parse_symbol
from workbook_tools.reading.region import Region
from workbook_tools.reading.trial import helper_formulas, try_formulas

_UNIT = re.compile(r"h\d+(_\d+)?|o\d+")
_OF_TARGETS = re.compile(r"E\d+|E_tot|δ_o\d+|∂E/∂w\d+")
_OF_ONE_OUTPUT = re.compile(r"(?:E|δ_o)(\d+)")
_BESIDE = ((0, -1), (-1, 0), (0, 1), (1, 0), (0, -2))  # rows and columns from a number to its label
_MOST = 50  # cells; the sum of as many powers of 2 is exact and tells which ones were added


def single_cells(
    region: Region, labels: Mapping[int, str], sheets: Mapping[str, Sheet], calculation: Calculation
) -> tuple[dict[str, Cell], dict[str, int]]:
    """Return the cells of inputs, targets and biases for which the table has no column.

    The second result are the columns of those that have one, but under a label that names nothing.
    ``labels`` are the texts of the header row, by column.
    """
    own_row = (region.sheet.name, region.first_row)
    has = {letter: f"{letter}1" in region.columns for letter in "itb"}
    units = [symbol for symbol in region.columns if _UNIT.fullmatch(symbol)]
    found: dict[str, Counter[Cell]] = {"i": Counter(), "t": Counter(), "b": Counter()}
    in_rows = set() if all(has.values()) else _read_row_by_row(region, labels, calculation)

    def at_first(cells: set[Cell]) -> set[Cell]:
        """Return cells, those in a column that is read row by row as its cell in the first row."""
        return {
            (*own_row, cell[2]) if cell[0] == own_row[0] and cell[2] in in_rows else cell
            for cell in cells
        }

    if not (has["i"] and has["b"]):
        for unit in units:
            read = _read_outside(unit, region, calculation)
            biases = _biases(unit, read, region, calculation) if read else set()
            found["b"].update(at_first(biases))
            found["i"].update(at_first(read - biases))
    of_outputs: dict[Cell, int] = {}
    if not has["t"]:
        for symbol in region.columns:
            if _OF_TARGETS.fullmatch(symbol):
                read = at_first(_read_outside(symbol, region, calculation))
                found["t"].update(read)
                if match := _OF_ONE_OUTPUT.fullmatch(symbol):
                    number = int(match[1])
                    of_outputs |= {c: min(number, of_outputs.get(c, number)) for c in read}
        for cell in {*found["i"], *found["b"]}:
            del found["t"][cell]
    symbols: dict[str, Cell] = {}
    most = {"i": _inputs(region.columns), "t": sum(unit[0] == "o" for unit in units)}
    for letter, counts in found.items():
        if not has[letter]:
            cells = {cell for cell, _ in counts.most_common(most.get(letter))}
            symbols |= _numbered(letter, cells, of_outputs, sheets)
    columns = {s: c[2] for s, c in symbols.items() if c[:2] == own_row and c[2] in in_rows}
    return {s: c for s, c in symbols.items() if s not in columns}, columns


def _inputs(columns: Iterable[str]) -> int:
    """Return how many inputs a network with these units and weights has."""
    hidden = Counter(int(m[1] or 1) for s in columns if (m := re.fullmatch(r"h(?:(\d+)_)?\d+", s)))
    sizes = [hidden[layer] for layer in sorted(hidden)]
    sizes.append(sum(bool(re.fullmatch(r"o\d+", symbol)) for symbol in columns))
    weights = sum(bool(re.fullmatch(r"w\d+", symbol)) for symbol in columns)
    return max(0, weights - sum(m * n for m, n in pairwise(sizes))) // sizes[0]


def _read_outside(symbol: str, region: Region, calculation: Calculation) -> set[Cell]:
    """Return the cells with numbers outside the table that a quantity's usual formula reads."""
    usual = region.usual_formula(symbol)
    if not usual:
        return set()
    row, formula = usual
    own = {cell for other in region.columns if (cell := region.cell(other, row))}
    helpers = helper_formulas(region.sheet, [formula], own)
    found = {
        cell
        for text in (formula, *helpers.values())
        for area in areas(text)
        if area.cell_count <= _MOST
        for cell in area.cells(region.sheet.name)
    }
    columns = set(region.columns.values())
    return {
        cell
        for cell in found - own - set(helpers)
        if not (cell[0] == region.sheet.name and cell[1] >= region.first_row and cell[2] in columns)
        and not np.isnan(number_at(cell, calculation))
    }


def _read_row_by_row(
    region: Region, labels: Mapping[int, str], calculation: Calculation
) -> set[int]:
    """Return the labelled columns of no known quantity that formulas read in their own row.

    Only columns with numbers in the first two rows count.
    """
    columns = labels.keys() - set(region.columns.values())
    if not columns or len(region.rows) < 2:
        return set()
    first, second = (int(row) for row in region.rows[:2])
    formulas = [usual for symbol in region.columns if (usual := region.usual_formula(symbol))]
    return {
        column
        for column in columns
        if not any(
            np.isnan(number_at((region.sheet.name, r, column), calculation))
            for r in (first, second)
        )
        and any(_moves_on(column, row, formula) for row, formula in formulas)
    }


def _moves_on(column: int, row: int, formula: str) -> bool:
    """Tell whether a formula in a row reads a column there, with a row number that has no $."""
    reference = rf"(?<![A-Za-z!]){column_letter(column)}{row}(?![\d(])"
    return bool(re.search(reference, formula))


def _biases(unit: str, read: set[Cell], region: Region, calculation: Calculation) -> set[Cell]:
    """Return those of the cells that a unit reads that are added to its weighted sum.

    With all weights 0 and a power of 2 in each cell, the sum tells which ones are in it.
    """
    usual = region.usual_formula(unit)
    if not usual or len(read) > _MOST:
        return set()
    row, formula = usual
    weights = [symbol for symbol in region.columns if re.fullmatch(r"[wb]\d+", symbol)]
    known = {cell: 0.0 for weight in weights if (cell := region.cell(weight, row))}
    sources = [symbol for symbol in region.columns if re.fullmatch(r"i\d+|a_.+", symbol)]
    known |= {cell: 0.0 for source in sources if (cell := region.cell(source, row))}
    powers = {cell: 2.0**k for k, cell in enumerate(sorted(read))}
    planted = {cell: np.array([number]) for cell, number in {**known, **powers}.items()}
    value = try_formulas(region.sheet, [formula], planted, calculation)[0, 0]
    if not value.is_integer():
        return set()
    return {cell for cell, power in powers.items() if int(value) & int(power)}


def _numbered(
    letter: str, cells: set[Cell], of_outputs: Mapping[Cell, int], sheets: Mapping[str, Sheet]
) -> dict[str, Cell]:
    """Return the cells by symbol: numbered by their labels, else by outputs, else in order."""
    spelled = {"i": "ix", "t": "ty", "b": "b"}[letter]
    found: dict[str, Cell] = {}
    rest: list[Cell] = []
    for cell in sorted(cells, key=lambda cell: (of_outputs.get(cell, len(cells)), cell)):
        name, row, column = cell
        labels = (sheets[name].texts.get((row + down, column + right)) for down, right in _BESIDE)
        symbols = (parse_symbol(label) for label in labels if label)
        said = next((s for s in symbols if s and re.fullmatch(rf"[{spelled}]\d+", s)), None)
        if said and (symbol := letter + said[1:]) not in found:
            found[symbol] = cell
        else:
            rest.append(cell)
    free = (f"{letter}{k}" for k in range(1, len(cells) + 1) if f"{letter}{k}" not in found)
    return found | dict(zip(free, rest, strict=False))
