"""Forward models of any kind, spread over sheets with odd names, and their derivatives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table

from workbook_tools.notation.addresses import Cell, cell_name, column_letter, sheet_prefix

SHEETS = ["Data", "It's a net", "Größe λ", "A1", "2 x", "Σ 'q' & <b>"]


@dataclass
class Block:
    """Cells in rows and columns of a sheet."""

    sheet: str
    row: int
    column: int
    height: int
    width: int

    def at(self, i: int, j: int) -> tuple[int, int]:
        return self.row + i, self.column + j


@dataclass
class Model:
    """A workbook that is made block by block."""

    random: Random
    cells: dict[str, dict[tuple[int, int], object]] = field(default_factory=dict)
    parameters: list[Cell] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    tables: list[tuple[str, str]] = field(default_factory=list)  # sheet, range
    last_column: dict[str, int] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    of: Cell = ("", 0, 0)

    def room(self, height: int, width: int, sheet: str | None = None) -> Block:
        """Return cells in columns that nothing else has."""
        sheet = sheet or self.random.choice([*self.cells])
        column = self.last_column.get(sheet, 0) + self.random.randint(1, 2)
        self.last_column[sheet] = column + width - 1
        row = self.random.randint(2, 4)
        self.cells[sheet][row - 1, column] = f"{self.kinds[-1] if self.kinds else 'data'} {column}"
        return Block(sheet, row, column, height, width)

    def typed(self, height: int, width: int) -> Block:
        """Return parameters."""
        block = self.room(height, width)
        for i in range(height):
            for j in range(width):
                place = block.at(i, j)
                self.cells[block.sheet][place] = round(self.random.uniform(-1, 1), 3) or 0.5
                self.parameters.append((block.sheet, *place))
        return block

    def fill(
        self, height: int, width: int, formula: "Callable[[int, int, Block], str]", every: int = 1
    ) -> Block:
        """Write a formula into cells of their own."""
        block = self.room(height, width)
        for i in range(height):
            for j in range(width):
                self.cells[block.sheet][block.at(i, j)] = f"={formula(i, j, block)}"
        return block

    def array(self, height: int, width: int, formula: "Callable[[Block], str]") -> Block:
        """Write an array formula of several cells."""
        block = self.room(height, width)
        (top, left), (bottom, right) = block.at(0, 0), block.at(height - 1, width - 1)
        area = f"{cell_name(top, left)}:{cell_name(bottom, right)}"
        for i in range(height):
            for j in range(width):
                self.cells[block.sheet][block.at(i, j)] = 0
        self.cells[block.sheet][top, left] = ArrayFormula(area, f"={formula(block)}")
        return block

    def save(self, path: Path) -> Path:
        book = Workbook()
        book.remove(book.active)
        for name, cells in self.cells.items():
            sheet = book.create_sheet(name)
            for (row, column), content in cells.items():
                sheet.cell(row, column).value = content  # type: ignore[assignment]
        for k, (name, area) in enumerate(self.tables):
            book[name].add_table(Table(displayName=f"Table{k}", ref=area))
        for name, text in self.names.items():
            book.defined_names[name] = DefinedName(name, attr_text=text)
        book.save(path)
        return path


def named(
    own: str,
    block: Block,
    i: int,
    j: int,
    fixed: tuple[bool, bool],
    to: tuple[int, int] | None = None,
) -> str:
    """Return the reference to a cell of a block, or to a range, on a sheet; with signs if fixed."""
    prefix = "" if block.sheet == own else sheet_prefix(block.sheet)
    corners = [
        f"{'$' * fixed[1]}{column_letter(column)}{'$' * fixed[0]}{row}"
        for row, column in [block.at(i, j), *([] if to is None else [block.at(*to)])]
    ]
    return prefix + ":".join(corners)


Maker = Callable[[Model, Block], Block]
FREE, DOWN, ACROSS, BOTH = (False, False), (True, False), (False, True), (True, True)


def row_of(own: str, x: Block, i: int, fixed: tuple[bool, bool] = ACROSS) -> str:
    return named(own, x, i, 0, fixed, (i, x.width - 1))


def column_of(own: str, x: Block, j: int, fixed: tuple[bool, bool] = DOWN) -> str:
    return named(own, x, 0, j, fixed, (x.height - 1, j))


def all_of(own: str, x: Block, fixed: tuple[bool, bool] = BOTH) -> str:
    return named(own, x, 0, 0, fixed, (x.height - 1, x.width - 1))


def unit(model: Model, x: Block) -> Block:
    """A function of each cell, filled down and to the right."""
    p = model.typed(1, 1)
    form = model.random.choice(
        ["1/(1+EXP(-{p}*{x}))", "TANH({x}*{p})", "MAX(0,{x}+{p})", "IF({x}>{p},{x}*{p},{x}/3)",
         "{x}^2*{p}-{x}", "LN(1+EXP({x}))*{p}", "({x}-{p})/(1+{x}^2)", "-{x}*{p}",
         "SQRT(1+{x}^2)+{p}",
         "IF(AND({x}>0,{p}<2),{x}*{p},0)", "ABS({x}-{p})", "MIN({x},{p})", "{x}*{p}%", "2^{x}/{p}"]
    )  # fmt: skip
    # Fixed, or typed anew in each cell.
    fixed = model.random.choice([BOTH, FREE])
    return model.fill(
        x.height,
        x.width,
        lambda i, j, own: form.format(
            x=named(own.sheet, x, i, j, FREE), p=named(own.sheet, p, 0, 0, fixed)
        ),
    )


def by_column(model: Model, x: Block) -> Block:
    """Times a number of the column and one of the row: mixed references."""
    p, q = model.typed(1, x.width), model.typed(x.height, 1)
    return model.fill(
        x.height,
        x.width,
        lambda i, j, own: (
            f"{named(own.sheet, x, i, j, FREE)}*{named(own.sheet, p, 0, j, DOWN)}"
            f"-{named(own.sheet, q, i, 0, ACROSS)}"
        ),
    )


def linear(model: Model, x: Block) -> Block:
    """A layer, its weights in rows."""
    n = model.random.randint(1, 3)
    w, b = model.typed(n, x.width), model.typed(n, 1)
    return model.fill(
        x.height,
        n,
        lambda i, j, own: (
            f"SUMPRODUCT({row_of(own.sheet, x, i)},{row_of(own.sheet, w, j, BOTH)})"
            f"+{named(own.sheet, b, j, 0, BOTH)}"
        ),
    )


def stacked(model: Model, x: Block) -> Block:
    """A layer, samples in columns and weights in rows, filled both ways."""
    n = model.random.randint(1, 3)
    w = model.typed(n, x.height)
    return model.fill(
        n,
        x.width,
        lambda i, j, own: (
            f"MMULT({row_of(own.sheet, w, i)},{column_of(own.sheet, x, j)})"
            if x.height > 1
            else f"{named(own.sheet, w, i, 0, ACROSS)}*{named(own.sheet, x, 0, j, DOWN)}"
        ),
    )


def total(model: Model, x: Block) -> Block:
    """A function of each column, or of each row."""
    form = model.random.choice(
        ["SUM({})", "AVERAGE({})", "SUMSQ({})/4", "MAX({})", "MIN({})", "SUMPRODUCT({0},{0})",
         "STDEV.P({},1)", "SUM({})^2/3", "SUMPRODUCT(({0}-0.3)^2)", "DEVSQ({},2)", "-SUM({})/7",
         "SUMPRODUCT({}*0.5)", "PRODUCT({})"]
    )  # fmt: skip
    if model.random.random() < 0.5:
        return model.fill(1, x.width, lambda i, j, own: form.format(column_of(own.sheet, x, j)))
    return model.fill(x.height, 1, lambda i, j, own: form.format(row_of(own.sheet, x, i)))


def growing(model: Model, x: Block) -> Block:
    """Sums from the first row on."""
    form = model.random.choice(
        ["SUM({})", "AVERAGE({})", "SUMSQ({})/2", "SUMPRODUCT({0},{0})", "MAX({})", "MIN({})"]
    )
    return model.fill(
        x.height,
        x.width,
        lambda i, j, own: form.format(
            f"{named(own.sheet, x, 0, j, DOWN)}:{named(x.sheet, x, i, j, FREE)}"
        ),
    )


def window(model: Model, x: Block) -> Block:
    """Averages, or weighted sums, of some rows, which move."""
    size = model.random.randint(1, min(3, x.height))
    p = model.typed(size, 1)
    form = model.random.choice(["AVERAGE({x})", "SUMPRODUCT({x},{p})", "MAX({x})", "SUM({x})/9"])
    return model.fill(
        x.height - size + 1,
        x.width,
        lambda i, j, own: form.format(
            x=named(own.sheet, x, i, j, FREE, (i + size - 1, j)), p=column_of(own.sheet, p, 0, BOTH)
        ),
    )


def recurrent(model: Model, x: Block) -> Block:
    """A chain down each column."""
    w = model.typed(1, 2)

    def formula(i: int, j: int, own: Block) -> str:
        u, v = (named(own.sheet, w, 0, k, BOTH) for k in (0, 1))
        before = f"{v}*{named(own.sheet, own, i - 1, j, FREE)}+" if i else ""
        return f"TANH({before}{u}*{named(own.sheet, x, i, j, FREE)})"

    return model.fill(x.height, x.width, formula)


def every_few_rows(model: Model, x: Block) -> Block:
    """Two formulas, one in every other row."""
    p = model.typed(1, 1)

    def formula(i: int, j: int, own: Block) -> str:
        here, fixed = named(own.sheet, x, i, j, FREE), named(own.sheet, p, 0, 0, BOTH)
        if i % 2:
            return f"{here}*{named(own.sheet, own, i - 1, j, FREE)}"
        return f"{here}+{fixed}^2"

    return model.fill(x.height, x.width, formula)


def whole_columns(model: Model, x: Block) -> Block:
    """Sums of whole columns, on another sheet."""
    others = [s for s in model.cells if s != x.sheet]
    column = column_letter(x.column)
    sheet = model.random.choice(others)
    form = model.random.choice(["SUM({}{}:{})", "AVERAGE({}${}:${})", "SUMSQ({}{}:{})/3"])
    model.kinds.append("columns")
    block = model.room(2, 1, sheet)
    for i in range(2):
        text = form.format(sheet_prefix(x.sheet), column, column)
        model.cells[sheet][block.at(i, 0)] = f"={text}*{i + 1}"
    return block


def matrix(model: Model, x: Block) -> Block:
    """A product of matrices, as one array formula."""
    n = model.random.randint(1, 3)
    if model.random.random() < 0.5:
        w = model.typed(x.width, n)
        return model.array(
            x.height, n, lambda own: f"MMULT({all_of(own.sheet, x)},{all_of(own.sheet, w)})"
        )
    w = model.typed(n, x.width)
    return model.array(
        x.height, n, lambda own: f"MMULT({all_of(own.sheet, x)},TRANSPOSE({all_of(own.sheet, w)}))"
    )


def array(model: Model, x: Block) -> Block:
    """An array formula of several cells."""
    p = model.typed(1, x.width)
    form = model.random.choice(
        ["TANH({x}+{p})", "{x}*{p}", "1/(1+EXP(-({x}-{p})))", "IF({x}>{p},{x}*{p},0.1*{x})",
         "{x}-AVERAGE({x})+{p}", "EXP({x})/SUM(EXP({x}))*{p}", "{x}*SUM({p})"]
    )  # fmt: skip
    return model.array(
        x.height,
        x.width,
        lambda own: form.format(x=all_of(own.sheet, x, FREE), p=all_of(own.sheet, p)),
    )


def turned(model: Model, x: Block) -> Block:
    return model.array(x.width, x.height, lambda own: f"TRANSPOSE({all_of(own.sheet, x)})*0.7")


def softmax_with_helpers(model: Model, x: Block) -> Block:
    e = model.fill(x.height, x.width, lambda i, j, own: f"EXP({named(own.sheet, x, i, j, FREE)})")
    s = model.fill(x.height, 1, lambda i, j, own: f"SUM({row_of(own.sheet, e, i)})")
    return model.fill(
        x.height,
        x.width,
        lambda i, j, own: f"{named(own.sheet, e, i, j, FREE)}/{named(own.sheet, s, i, 0, ACROSS)}",
    )


def softmax(model: Model, x: Block) -> Block:
    """A softmax in one formula."""
    return model.fill(
        x.height,
        x.width,
        lambda i, j, own: (
            f"EXP({named(own.sheet, x, i, j, FREE)})/SUMPRODUCT(EXP({row_of(own.sheet, x, i)}))"
        ),
    )


def named_rate(model: Model, x: Block) -> Block:
    """Times a cell that has a name."""
    p = model.typed(1, 1)
    name = f"rate_{len(model.names)}"
    model.names[name] = named("", p, 0, 0, BOTH)
    return model.fill(
        x.height, x.width, lambda i, j, own: f"{named(own.sheet, x, i, j, FREE)}*{name}+{name}^2"
    )


def named_range(model: Model, x: Block) -> Block:
    name = f"all_{len(model.names)}"
    model.names[name] = all_of("", x)
    return model.fill(
        x.height, 1, lambda i, j, own: f"{named(own.sheet, x, i, 0, FREE)}-SUM({name})/5"
    )


def table(model: Model, x: Block) -> Block:
    """A table with a column of formulas, and a sum of it."""
    sheet = model.random.choice([*model.cells])
    number = len(model.tables)
    block = model.room(x.height, 2, sheet)
    for j, heading in enumerate(("in", "out put")):
        model.cells[sheet][block.row - 1, block.column + j] = heading
    for i in range(x.height):
        place = block.at(i, 0)
        model.cells[sheet][place] = round(model.random.uniform(-1, 1), 3)
        model.parameters.append((sheet, *place))
        here = named(sheet, x, i, 0, FREE)
        model.cells[sheet][block.at(i, 1)] = f"=Table{number}[[#This Row],[in]]*{here}"
    top, bottom = block.row - 1, block.row + x.height - 1
    model.tables.append(
        (sheet, f"{cell_name(top, block.column)}:{cell_name(bottom, block.column + 1)}")
    )
    return model.fill(
        x.height,
        1,
        lambda i, j, own: (
            f"SUM(Table{number}[out put])*{named(own.sheet, block, i, 1, FREE)}"
            f"-AVERAGE(Table{number}[in])"
        ),
    )


def distances(model: Model, x: Block) -> Block:
    """Squared distances of each row from a row of parameters."""
    c = model.typed(2, x.width)
    return model.fill(
        x.height,
        2,
        lambda i, j, own: f"SUMXMY2({row_of(own.sheet, x, i)},{row_of(own.sheet, c, j, BOTH)})/5",
    )


def pooled(model: Model, x: Block) -> Block:
    """The largest of each two by two cells."""
    height, width = max(1, x.height - 1), max(1, x.width - 1)
    return model.fill(
        height,
        width,
        lambda i, j, own: (
            f"MAX({named(own.sheet, x, i, j, FREE, (i + x.height - height, j + x.width - width))})"
        ),
    )


def convolution(model: Model, x: Block) -> Block:
    """A kernel that moves over the cells."""
    height, width = min(2, x.height), min(2, x.width)
    k = model.typed(height, width)
    return model.fill(
        x.height - height + 1,
        x.width - width + 1,
        lambda i, j, own: (
            f"SUMPRODUCT({named(own.sheet, x, i, j, FREE, (i + height - 1, j + width - 1))},"
            f"{all_of(own.sheet, k)})"
        ),
    )


def single_array(model: Model, x: Block) -> Block:
    """Array formulas of one cell, filled down."""
    form = model.random.choice(
        ["SUM(EXP({})/9)", "SUM(({0}-AVERAGE({0}))^2)", "LN(SUM(EXP({})))", "MAX({0}*{0})",
         "SUM(IF({0}>0,{0},-{0}/2))"]
    )  # fmt: skip
    block = model.room(x.height, 1)
    for i in range(x.height):
        place = block.at(i, 0)
        text = "=" + form.format(row_of(block.sheet, x, i))
        model.cells[block.sheet][place] = ArrayFormula(cell_name(*place), text)
    return block


KINDS: list[Maker] = [
    unit, by_column, linear, stacked, total, growing, window, recurrent, every_few_rows,
    whole_columns, matrix, array, turned, softmax_with_helpers, softmax, named_rate, named_range,
    table, distances, pooled, convolution, single_array,
]  # fmt: skip


def random_model(random: Random, kinds: Sequence[Maker] = KINDS, most: int = 4) -> Model:
    """Return a chain of some kinds of blocks, and a loss of several of them."""
    model = Model(random)
    names = random.sample(SHEETS, random.randint(2, 4))
    model.cells = {name: {} for name in names}
    blocks = [model.typed(random.randint(1, 4), random.randint(1, 3))]
    for _ in range(random.randint(1, most)):
        kind = random.choice(kinds)
        model.kinds.append(kind.__name__)
        blocks.append(kind(model, random.choice(blocks[-2:])))
    model.kinds.append("loss")
    block = model.room(1, 1)
    parts = []
    for x in {id(b): b for b in (blocks[-1], random.choice(blocks))}.values():
        form = random.choice(["SUM({})", "AVERAGE({})", "SUMSQ({})/2", "SUMPRODUCT(({}-0.25)^2)"])
        parts.append(form.format(all_of(block.sheet, x)))
    model.cells[block.sheet][block.at(0, 0)] = "=" + "-0.5*".join(parts)
    model.of = (block.sheet, *block.at(0, 0))
    return model


def full(cell: Cell) -> str:
    return sheet_prefix(cell[0]) + cell_name(*cell[1:])


def close(
    found: Mapping[Cell, float], right: Mapping[Cell, float], rel: float, least: float
) -> None:
    """Assert that numbers are the same, and name the cell where they are not."""
    largest = max(map(abs, right.values()), default=1.0)
    far = {
        full(cell): (found[cell], own)
        for cell, own in right.items()
        if not np.isclose(found[cell], own, rtol=rel, atol=least * max(largest, 1e-3))
    }
    assert not far, far
