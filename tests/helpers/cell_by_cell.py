"""Small workbooks as dictionaries of cells, calculated one cell at a time, and as programs."""

import random
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from workbook_tools.evaluator.formula import evaluator
from workbook_tools.evaluator.values import REF, Grid
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.runs import runs_of
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import parse_long
from workbook_tools.notation.addresses import Cell, column_letter, column_number
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Column, Columns
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import Program


class Formula(str):
    """The text of a formula."""


Content: TypeAlias = float | str | bool | CellError | Formula


class CircleError(Exception):
    """A cell reads itself."""


class CellByCell:
    """The cells of a workbook, each calculated when it is needed."""

    def __init__(self, contents: Mapping[Cell, Content]) -> None:
        self.contents = contents
        self.values: dict[Cell, CellValue] = {}
        self._sheets = {sheet.lower() for sheet, _, _ in contents}
        self._last_row = max((row for _, row, _ in contents), default=0)
        self._last_column = max((column for _, _, column in contents), default=0)
        self._open: set[Cell] = set()

    def value(self, sheet: str, row: int, column: int) -> CellValue:
        if sheet.lower() not in self._sheets:
            return REF
        cell = sheet, row, column
        content = self.contents.get(cell)
        if not isinstance(content, Formula):
            return content
        if cell not in self.values:
            if cell in self._open:
                raise CircleError(cell)
            self._open.add(cell)
            self.values[cell] = evaluator(parse_long(content))(self, sheet, row, column)
            self._open.remove(cell)
        return self.values[cell]

    def grid(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> Grid:
        rows = [
            [
                self.value(sheet, row, column)
                for column in range(first_column, min(last_column, self._last_column) + 1)
            ]
            for row in range(first_row, min(last_row, self._last_row) + 1)
        ]
        height, width = last_row - first_row + 1, last_column - first_column + 1
        return Grid(rows, height, width, (sheet, first_row, first_column))

    def all(self) -> dict[Cell, CellValue]:
        """Return the values of all formulas, calculated from the top, so that few are open."""
        formulas = [cell for cell, own in self.contents.items() if isinstance(own, Formula)]
        return {cell: self.value(*cell) for cell in sorted(formulas, key=lambda cell: cell[1])}


def cells(columns: Mapping[str, object]) -> dict[Cell, Content]:
    """Return contents by cell, from places such as ``A1``, ``A2:A9`` or ``Other!B1``.

    A formula for a range is that of its first cell, and is filled down.
    """
    found: dict[Cell, Content] = {}
    for place, content in columns.items():
        sheet, _, area = place.rpartition("!")
        first, _, last = area.partition(":")
        column, row = column_number(first.rstrip("0123456789")), int(first.lstrip(LETTERS))
        last_row = int(last.lstrip(LETTERS)) if last else row
        for own in range(row, last_row + 1):
            value: object = content
            if isinstance(content, str) and content.startswith("="):
                value = Formula(FilledFormula.parse(content, row).at(own))
            found[sheet or "S", own, column] = float(value) if type(value) is int else value  # type: ignore[assignment]
    return found


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def sheets_of(contents: Mapping[Cell, Content]) -> list[Sheet]:
    """Return the formulas as the reader does."""
    names = list(dict.fromkeys(sheet for sheet, _, _ in contents))
    sheets = {name: Sheet(name) for name in names}
    by_column: dict[tuple[str, int], dict[int, str]] = {}
    for (name, row, column), own in contents.items():
        if isinstance(own, Formula):
            by_column.setdefault((name, column), {})[row] = own
    for (name, column), formulas in by_column.items():
        rows = np.array(sorted(formulas))
        parsed = [FilledFormula.parse(str(formulas[row]), row) for row in rows.tolist()]
        distinct = list(dict.fromkeys(parsed))
        numbers = np.array([distinct.index(own) for own in parsed])
        sheets[name].runs[column] = runs_of(rows, numbers, distinct)
    return list(sheets.values())


def columns_of(values: Mapping[Cell, CellValue]) -> Columns:
    """Return values as a file holds them."""
    sheets: dict[str, dict[int, dict[int, CellValue]]] = {}
    for (sheet, row, column), value in values.items():
        if value is not None:
            sheets.setdefault(sheet, {}).setdefault(column, {})[row] = value
    found: dict[str, dict[int, Column]] = {}
    for sheet, by_column in sheets.items():
        for column, own in by_column.items():
            rows = sorted(own)
            numbers = [own[row] if isinstance(own[row], float) else np.nan for row in rows]
            others = {row: own[row] for row in rows if not isinstance(own[row], float)}
            found.setdefault(sheet, {})[column] = Column(
                np.array(rows), np.array(numbers, dtype=float), others
            )
    return Columns(found)


def stored(contents: Mapping[Cell, Content]) -> dict[Cell, CellValue]:
    """Return what is typed into cells."""
    return {cell: own for cell, own in contents.items() if not isinstance(own, Formula)}


def program(
    contents: Mapping[Cell, Content], values: Mapping[Cell, CellValue] | None = None
) -> Program:
    """Return the program; ``values`` are those that are stored for formulas."""
    sheets = sheets_of(contents)
    return Program(Graph.of(sheets), sheets, columns_of({**stored(contents), **(values or {})}))


def given(columns: Columns, contents: Mapping[Cell, Content]) -> dict[Cell, CellValue]:
    """Return the values of all formulas."""
    return {
        (sheet, row, column): columns.block(sheet, row, column, row, column)[0][0]
        for (sheet, row, column), own in contents.items()
        if isinstance(own, Formula)
    }


def shown(cell: Cell) -> str:
    return f"{cell[0]}!{column_letter(cell[2])}{cell[1]}"


def differences(
    found: Mapping[Cell, CellValue],
    wanted: Mapping[Cell, CellValue],
    contents: Mapping[Cell, Content],
) -> list[tuple[str, CellValue, CellValue, str]]:
    """Return the cells whose values are not exactly the same."""
    assert found.keys() == wanted.keys()
    return [
        (shown(cell), found[cell], wanted[cell], str(contents[cell]))
        for cell in wanted
        if type(found[cell]) is not type(wanted[cell]) or found[cell] != wanted[cell]
    ]


# Values of every kind, and more often numbers.
CONSTANTS: list[Content | None] = [
    0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, 0.1, 1e308, 1e-300, 700.0,
    None, None, "a", "A", "", "3", True, False, CellError("#DIV/0!"), CellError("#N/A"),
]  # fmt: skip
NUMBERS: list[Content | None] = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, 0.1, 0.7, 1.25, -0.3]
NAMES = ["One", "Two", "A third"]
FIRST, LAST = 6, 30  # rows of formulas; above are constants


class Draw:
    """Draws a random workbook whose formulas read cells that come before them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.width = self.random.randint(2, 6)
        self.names = NAMES[: self.random.randint(1, 3)]
        self.contents: dict[Cell, Content] = {}
        self.one_way = self.random.random() < 0.5  # sheets read only those before them
        self.odd = self.random.choice([0.0, 0.0, 0.02, 0.2])

    def constant(self) -> Content | None:
        return self.random.choice(CONSTANTS if self.random.random() < self.odd else NUMBERS)

    def put(self, cell: Cell, content: Content | None) -> None:
        self.contents.pop(cell, None)
        if content is not None:
            self.contents[cell] = content

    def workbook(self) -> dict[Cell, Content]:
        r = self.random
        for name in self.names:
            self.contents[name, 1, 1] = 1.0
            for column in range(1, self.width + 2):
                for row in range(1, FIRST):
                    self.put((name, row, column), self.constant())
        for sheet in range(len(self.names)):
            for column in range(1, self.width + 1):
                self.column(sheet, column)
        for _ in range(r.choice([0, 0, 1, 3, 12])):  # typed over formulas
            cell = r.choice(self.names), r.randint(FIRST, LAST), r.randint(1, self.width)
            self.put(cell, self.constant())
        return self.contents

    def column(self, sheet: int, column: int) -> None:
        r = self.random
        begin, end = FIRST, LAST
        if r.random() < 0.3:
            begin, end = sorted((r.randint(FIRST, LAST), r.randint(FIRST, LAST)))
        block = r.choice([1, 1, 1, 1, 2, 3, 5])
        filled = [
            FilledFormula.parse(self.formula(sheet, column, begin + k), begin + k)
            for k in range(block)
        ]
        for row in range(begin, end + 1):
            text = filled[(row - begin) % block].at(row)
            if r.random() < 0.03:
                text = self.formula(sheet, column, row)
            self.put((self.names[sheet], row, column), Formula(text))

    def formula(self, sheet: int, column: int, row: int) -> str:
        self.sheet, self.at, self.row = sheet, column, row
        return f"={self.part(self.random.choice([0, 1, 2, 3]))}"

    def cell(self) -> str:
        """Return a cell that comes before: a constant, further up, or to the left in the row."""
        r = self.random
        kind = r.random()
        others = self.sheet + 1 if self.one_way else len(self.names)
        sheet = self.sheet if r.random() < 0.8 else r.randrange(others)
        prefix = "" if sheet == self.sheet else f"'{self.names[sheet]}'!"
        if kind < 0.25:
            column = column_letter(r.randint(1, self.width + 2))
            return f"{prefix}{r.choice(['', '$'])}{column}${r.randint(1, FIRST - 1)}"
        earlier = [(s, c) for s in range(len(self.names)) for c in range(1, self.width + 1)]
        earlier = [own for own in earlier if own < (self.sheet, self.at) and own[0] == sheet]
        if kind < 0.55 and earlier:
            return f"{prefix}{column_letter(r.choice(earlier)[1])}{self.row}"
        up = r.choice([1, 1, 1, 2, 3, 5])
        return f"{prefix}{column_letter(r.randint(1, self.width))}{self.row - up}"

    def range(self) -> str:
        r = self.random
        left = r.randint(1, self.width)
        right = r.randint(left, min(self.width, left + 2))
        a, b = column_letter(left), column_letter(right)
        kind = r.randrange(5)
        if kind == 0:
            return f"{a}$1:{b}${r.randint(1, 5)}"
        if kind == 1:
            return f"{a}$2:{b}{self.row - 1}"
        if kind == 2 and self.one_way and self.sheet:
            return f"{self.names[0]}!{r.choice([f'{a}:{a}', f'{a}:{b}'])}"
        return f"{a}{self.row - r.choice([1, 2, 5])}:{b}{self.row - 1}"

    def line(self) -> str:
        up = self.random.randint(1, 4)
        if up == 1:
            return f"A{self.row - 1}:{column_letter(self.width)}{self.row - 1}"
        column = column_letter(self.random.randint(1, self.width))
        return f"{column}{self.row - up}:{column}{self.row - 1}"

    def part(self, depth: int) -> str:
        r = self.random
        if depth == 0:
            return self.cell() if r.random() < 0.8 else r.choice(LITERALS)
        area, line = self.range(), self.line()
        pieces = r.choice(PARTS).replace("#", area).replace("~", line).split("@")
        others = [self.part(depth - 1) for _ in pieces[1:]]
        return "".join([pieces[0], *(a + b for a, b in zip(others, pieces[1:], strict=True))])


LITERALS = ["1", "2", "0.5", "0", "1E+300", "TRUE"]
# Parts of formulas: @ is another part, # a range, ~ one of a single row or column.
PARTS = """
@+@ @-@ @*@ @/@ @^@ (@+@)*@ (@-@)*@ -@ @% +(@>@) 1/(1+EXP(-@)) EXP(@) LN(@) ABS(@) SQRT(@) TANH(@)
SIGN(@) INT(@) SIN(@) MOD(@,@) POWER(@,2) NOT(@) SUM(#) MAX(#) MIN(#) AVERAGE(#) SUMSQ(#) COUNT(#)
PRODUCT(#) SUMPRODUCT(#,#) SUM(#,@) MAX(#,@) AVERAGE(#,@) INDEX(~,@) IF(@>@,@,@) IF(@=@,@,@)
IF(@<>@,@,@) IF(@<=@,@,@) IF(@>@,@>0,@) IF(@,@,@) IF(AND(@>0,@<1),@,@) IF(OR(@>0,@<1),@,@)
SUMPRODUCT(#*@) SUMPRODUCT(#,#*(1-#)) SUMPRODUCT((#>@)*#) SUMPRODUCT(-#/@,#^2) SUMPRODUCT(#>@)
SUMPRODUCT(#,~*2) SUMPRODUCT((#=@)*1,EXP(#)) SUMPRODUCT(@*@) AND(@,@) IFERROR(@,@) LEN("a"&@)
IF(@="a",@,@) IF(""<>@,@,@) IF(OR(@="A",@="("),@,@)
""".split()
