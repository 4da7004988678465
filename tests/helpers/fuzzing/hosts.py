"""Sound workbooks, small ones: tables typed by hand, built ones, other sheets besides."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from handmade import FORMULAS, HandMade, copy_of_the_table
from openpyxl import Workbook, load_workbook
from openpyxl.chart import LineChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import ColorScaleRule, FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula
from openpyxl.worksheet.table import Table

from fuzzing.book import Book, local, named, set_cell
from workbook_tools.checking.verify import verify
from workbook_tools.engines import recalculate
from workbook_tools.notation.addresses import column_number
from workbook_tools.package.cell_values import CellError
from workbook_tools.writing.workbook import build

ROWS = range(6, 13)  # seven iterations


@dataclass(frozen=True)
class Target:
    """A formula cell of a training table, or of a network."""

    sheet: str
    cell: str
    formula: str  # without "="
    symbol: str
    header: str | None  # the cell that says what it is


@dataclass
class Host:
    """A sound workbook, and where what is checked stands in it."""

    name: str
    content: Path
    targets: list[Target]
    headers: dict[str, list[str]]  # by sheet: the header cells of its tables
    data: dict[str, list[str]]  # by sheet: cells of its tables without formulas
    others: list[str]  # sheets that nothing checked depends on, and that depend on nothing checked

    def book(self) -> Book:
        """Return a copy to be damaged."""
        return Book.read(self.content)


@cache
def host(folder: Path, name: str) -> Host:
    """Return a host that ``make_hosts`` wrote to a folder; where its tables stand is looked up."""
    path = folder / f"{name}.xlsx"
    book, report = Book.read(path), verify(path)
    assert (report.verdict, report.faults) == ("pass", []), name
    parts = book.sheets()
    formulas = {sheet: _formulas(book.root(part)) for sheet, part in parts.items()}
    targets, headers, data = [], {}, {}
    for table in report.tables:
        read = table.understood
        last = int(table.range.rpartition(":")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        for symbol, letters in read.columns.items():
            if "!" in letters or not letters.isalpha():
                continue  # single cells
            label = f"{letters}{read.header_row}"
            headers.setdefault(table.sheet, []).append(label)
            for row in range(read.first_row, last + 1):
                cell = f"{letters}{row}"
                if formula := formulas[table.sheet].get(cell):
                    targets.append(Target(table.sheet, cell, formula, symbol, label))
                else:
                    data.setdefault(table.sheet, []).append(cell)
    if report.network:
        for summary in report.summaries:
            own = list(formulas[summary.sheet].items())
            targets += [Target(summary.sheet, cell, text, "", None) for cell, text in own]
    others = [sheet for sheet in parts if sheet in OTHERS]
    return Host(name, path, targets, headers, data, others)


def _formulas(root: object) -> dict[str, str]:
    return {
        cell.get("r"): formula.text
        for cell in named(root, "c")
        for formula in cell
        if local(formula) == "f" and formula.text and not formula.attrib
    }


def make_hosts(folder: Path, names: Collection[str] | None = None) -> None:
    """Write hosts into a folder, all of them or those of these names."""
    for name, make in _TYPED.items():
        if names is None or name in names:
            make(folder / f"{name}.xlsx")
            _put_values(folder / f"{name}.xlsx")
    for name, spec in _BUILT.items():
        if names is None or name in names:
            (folder / f"{name}.toml").write_text(spec, encoding="utf-8")
            build(folder / f"{name}.toml", folder / f"{name}.xlsx")
    if "network" in HOSTS and (names is None or "network" in names):
        _write_network(folder / "network.xlsx")


def _put_values(path: Path) -> None:
    """Store the value of each formula that has none, as a spreadsheet program does."""
    book = Book.read(path)
    calculation = recalculate(path, "embedded")
    for sheet, part in book.sheets().items():
        root = book.root(part)
        known = STORED.get(sheet, {})
        for cell in list(named(root, "c")):
            formula = next((one for one in cell if local(one) == "f"), None)
            if formula is None:
                continue
            name = cell.get("r")
            if name in known:
                value: object = known[name]
            else:
                column = name.rstrip("0123456789")
                row, number = int(name[len(column) :]), column_number(column)
                [[value]] = calculation.block(sheet, row, number, row, number)
            store(cell, value)
        book.put(part, root)
    path.write_bytes(book.finished())


def store(cell: object, value: object) -> None:
    """Give a formula cell this value, as it is stored."""
    formula = next(one for one in cell if local(one) == "f")
    kind = None
    if isinstance(value, CellError):
        value, kind = value.code, "e"
    elif isinstance(value, float):
        value = repr(value)
        kind = "n"
    set_cell(cell, formula.text or "", value, kind, dict(formula.attrib))


# Typed by hand


def _plain(path: Path) -> None:
    HandMade(rows=list(ROWS)).save(path)


def _with_gaps(path: Path) -> None:
    HandMade(rows=[6, 7, 8, 10, 11, 14, 15]).save(path)


def _named_rate(path: Path) -> None:
    HandMade(rows=list(ROWS), names={"rate": "'My sheet'!$D$2"}, rate="rate").save(path)


def _rate_elsewhere(path: Path) -> None:
    HandMade(rows=list(ROWS), rate="'The rate'!$D$2").save(path)
    book = load_workbook(path)
    sheet = book.create_sheet("The rate")
    sheet["C2"], sheet["D2"] = "Learning rate", 0.5
    book.active["C2"] = book.active["D2"] = None
    book.save(path)


def _data_in_single_cells(path: Path) -> None:
    places = {"B": ("AJ", 3, 0.01), "C": ("AK", 3, 0.99), "D": ("AJ", 1, 0.05), "E": ("AK", 1, 0.1)}
    formulas = dict(FORMULAS)
    cells: dict[str, object] = {"AI1": "Inputs", "AI3": "Targets"}
    for column, (letters, row, number) in places.items():
        formulas = {
            symbol: formula.replace(f"{column}6", f"${letters}${row}") if column != "C"
            else formula.replace("AC6", "@").replace("C6", f"${letters}${row}").replace("@", "AC6")
            for symbol, formula in formulas.items()
        }  # fmt: skip
        cells |= {f"{column}{row}": None for row in range(5, 13)} | {f"{letters}{row}": number}
    HandMade(formulas, cells, rows=list(ROWS)).save(path)


def _two_on_a_sheet(path: Path) -> None:
    HandMade(rows=list(range(6, 11))).save(path)
    copy_of_the_table(path, 12, 0)


def _two_sheets(path: Path) -> None:
    """Two trainings, and a sheet of other formulas that reads them."""
    HandMade(rows=list(range(6, 11))).save(path)
    book = load_workbook(path)
    other = book.copy_worksheet(book.active)
    other.title, other["D2"] = "Faster", 2.0
    reader = book.create_sheet("Reader")
    reader["A1"], reader["B1"] = "sum of all losses", "=SUM('My sheet'!X6:X10,Faster!X6:X10)"
    reader["A2"], reader["B2"] = "smallest", "=MIN(B1,'My sheet'!X10)"
    _zoo(book, what_if=True)
    book.save(path)


def _among_others(path: Path) -> None:
    HandMade(rows=list(ROWS)).save(path)
    book = load_workbook(path)
    _zoo(book, what_if=False)
    book.move_sheet("Zoo", -1)
    sheet = book.active
    sheet["F6"].comment = Comment("where it begins", "a student")
    sheet["F6"].number_format = "0.000"
    sheet.merge_cells("A1:C1")
    sheet["A1"] = "My network"
    sheet.conditional_formatting.add("X6:X12", ColorScaleRule("min", None, "FF0000", "max"))
    chart = LineChart()
    chart.add_data(Reference(sheet, min_col=24, min_row=5, max_row=12), titles_from_data=True)
    sheet.add_chart(chart, "AI5")
    book.save(path)


OTHERS = ("Zoo", "Lists", "Kept away")
STORED: dict[str, dict[str, object]] = {  # what Excel stored, and an engine may see otherwise
    "Zoo": {
        "B1": 45000.0, "B2": 45000.25, "B3": "'[book.xlsx]Zoo'!A1", "B4": 7.0, "B5": 0.5,
        "B6": 42.0, "B7": "12:30", "B8": CellError("#N/A"), "B9": 3.0, "B10": 55.0, "B11": 6.0,
        "B12": "a; b", "B13": 0.123, "B14": 1.0, "B15": CellError("#DIV/0!"), "B16": 30.0,
        "B17": 0.0, "B18": "", "B19": True, "D1": 1.0, "D2": 4.0, "D3": 9.0, "F2": 10.0, "F3": 20.0,
    },
    "Kept away": {"A2": 12.0},
}  # fmt: skip


def _zoo(book: Workbook, what_if: bool) -> None:
    """Add sheets of all sorts of content, of which nothing is a network's.

    A what-if table is what IronCalc refuses.
    """
    zoo, lists, away = (book.create_sheet(name) for name in OTHERS)
    formulas = [
        "=TODAY()", "=NOW()", '=CELL("address",A1)', "=_xlfn.LAMBDA(_xlpm.x,_xlpm.x+3)(4)",
        "=0.5", '=INDIRECT("A"&1)', '=TEXT(0.520833,"hh:mm")', '=VLOOKUP("z",Lists!A2:B4,2,FALSE)',
        "=COUNTA(Lists!A2:A4)", "=SUM(Lists!B:B)-5", "=SUM(_xlfn.SEQUENCE(3))",
        '=_xlfn.TEXTJOIN("; ",TRUE,Lists!A2:A3)', "=RAND()", "=ROWS(Lists!$A$2:$A$2)", "=1/0",
        "=SUMPRODUCT(Lists!B2:B4*{1;1;1})", "=FOO.BAR(1)", '=IF(TRUE,"")', "=ISNUMBER(A2)",
    ]  # fmt: skip
    contents = [
        "a text", dt.datetime(2024, 2, 29, 12, 30), dt.time(7, 45), True, "0.5", -1.5e-7,
        "  spaces ", "#N/A", dt.date(1999, 12, 31), "w1", "δ and 中文 and 🙂", 1e308,
        "line\nbreak", 0.1, dt.timedelta(hours=30), "=no formula", "η = 3", 123456789012, "t1",
    ]  # fmt: skip
    for row, (content, formula) in enumerate(zip(contents, formulas, strict=True), start=1):
        zoo.cell(row, 1).value = content
        if content == "=no formula":
            zoo.cell(row, 1).data_type = "s"
        zoo.cell(row, 2).value = formula
    zoo["D1"] = ArrayFormula("D1:D3", "={1;2;3}^2")
    zoo["F1"] = "=B5*20"
    if what_if:
        zoo["F2"] = DataTableFormula("F2:F3", dt2D=False, r1="B5")
    zoo["H1"].hyperlink = "https://example.com/"
    zoo["A1"].comment = Comment("a note", "somebody")
    zoo["A1"].font, zoo["A1"].fill = Font(bold=True), PatternFill("solid", fgColor="00FF00")
    zoo.conditional_formatting.add(
        "A1:A9", FormulaRule(["$B1>1"], fill=PatternFill(bgColor="FF0000"))
    )
    zoo.merge_cells("J1:L3")
    zoo.row_dimensions[4].hidden = zoo.column_dimensions["C"].hidden = True
    zoo.freeze_panes = "B2"
    validation = DataValidation("list", formula1="Lists!$A$2:$A$4")
    zoo.add_data_validation(validation)
    validation.add("N1:N9")
    for row in (["name", "number"], ["a", 10], ["b", 20], ["c", 30]):
        lists.append(row)
    lists.add_table(Table(displayName="Things", ref="A1:B4"))
    chart = LineChart()
    chart.add_data(Reference(lists, min_col=2, min_row=1, max_row=4), titles_from_data=True)
    lists.add_chart(chart, "D2")
    lists.auto_filter.ref = "A1:B4"
    away["A1"], away["A2"], away.sheet_state = "locked", "=3*4", "hidden"
    away.protection.sheet = True
    book.defined_names["things"] = DefinedName("things", attr_text="Lists!$A$2:$B$4")
    book.defined_names["gone"] = DefinedName("gone", attr_text="#REF!")
    book.defined_names["third"] = DefinedName("third", attr_text="1/3")


_TYPED = {
    "plain": _plain,
    "gaps": _with_gaps,
    "named_rate": _named_rate,
    "rate_elsewhere": _rate_elsewhere,
    "single_cells": _data_in_single_cells,
    "two_on_a_sheet": _two_on_a_sheet,
    "two_sheets": _two_sheets,
    "among_others": _among_others,
}


# Built

_SPEC = """
title = "{title}"
[network]
layers = {layers}
activation = {activation}
loss = "{loss}"
biases = "trained"
[data]
inputs = {inputs}
targets = {targets}
[start]
draw = "xavier"
seed = 1
[training]
learning_rates = {rates}
iterations = {iterations}
optimizer = "{optimizer}"
"""
_BUILT = {
    "descent": _SPEC.format(
        title="One sample", layers=[2, 2, 2], activation=["sigmoid", "sigmoid"],
        loss="half-squared-error", inputs=[0.05, 0.1], targets=[0.01, 0.99], rates=[0.5],
        iterations=6, optimizer="gradient-descent",
    ),
    "samples": _SPEC.format(
        title="Three samples", layers=[2, 2, 1], activation=["tanh", "sigmoid"],
        loss="binary-cross-entropy", inputs=[[0.1, 1.0], [1.0, 0.2], [0.3, 0.4]],
        targets=[[0], [1], [1]], rates=[0.5], iterations=3, optimizer="momentum",
    ),
    "adam": _SPEC.format(
        title="Two rates", layers=[2, 2, 2], activation=["tanh", "softmax"],
        loss="categorical-cross-entropy", inputs=[0.2, -0.4], targets=[0, 1], rates=[0.05, 0.1],
        iterations=4, optimizer="adam",
    ),
    "image": _SPEC.format(
        title="An image", layers=["image 2x2", "convolution 2x1 to 1", 2],
        activation=["tanh", "softmax"], loss="categorical-cross-entropy",
        inputs=[0.1, 0.2, 0.3, 0.5], targets=[1, 0], rates=[0.5], iterations=3,
        optimizer="gradient-descent",
    ),
}  # fmt: skip
_BUILT = {name: spec.replace("'", '"') for name, spec in _BUILT.items()}


def _write_network(path: Path) -> None:
    """Write the workbook of a trained network of a few cells."""
    from networks import write  # torch takes seconds to start
    from torch import manual_seed, nn

    manual_seed(0)
    layers = nn.Conv2d(1, 1, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3)
    write(nn.Sequential(*layers).eval(), path, 3, 3, 1)


HOSTS = dict.fromkeys(_TYPED, 6) | dict.fromkeys(_BUILT, 3)  # how often each
if find_spec("torch"):  # without it there are other cases
    HOSTS["network"] = 1
