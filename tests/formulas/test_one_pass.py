"""A row that is not parsed again gives what parsing it would give, however odd the sheet is."""

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from smallest import package, table_xml

from workbook_tools.errors import InputError
from workbook_tools.formulas import row_templates
from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.one_pass import Content, OnePass
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.stored_formulas import MOST_ELEMENTS
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.stored_cells import StoredCell, StoredFormula
from workbook_tools.package.workbook import open_package

STRINGS = ("w1", "", "a &amp; b", "iteration")
NAMES = (
    "",
    "<definedNames><definedName name='rate'>One!$A$1</definedName></definedNames>",
    "<definedNames><definedName name='A7'>One!$B$9</definedName></definedNames>",
)
TABLES: tuple[tuple[str, ...], ...] = (
    (),
    (table_xml("Data", "A3:C7", ["x", "w1", "a b"]), table_xml("Next", "D5:E9", ["x", "y"])),
    (table_xml("Data", "A1:B4", ["w1", "x"], 'headerRowCount="0" totalsRowCount="1"'),),
)
# What a cell of a row r holds; {a} is the row above, {b} the first row of its iteration.
CELLS = (
    "<v>0.{r}</v>",
    "<v>{r}</v>",
    "<f>A{a}+$B$1*C{b}</f><v>1.{r}</v>",
    '<f>IF(A{a}&gt;0,"a &amp; b",B{r})</f><v>-{r}E-5</v>',
    "<f>SUM(A{b}:A{r}, B$1)*rate</f><v>2</v>",
    "<f>A{r}</f><v></v>",
    "<f>B{r}</f><v/>",
    '<f t="shared" si="0"/><v>{r}</v>',
    '<f ca="1">RAND()</f><v>0.{r}5</v>',
)
OF_TABLES = (
    "<f>Data[[#This Row],[w1]]*2</f><v>{r}</v>",
    "<f>SUM([x])+A{a}+[@x]</f><v>{r}</v>",
    "<f>Data[w{r}]-SUM(Data[[#Headers],[x]]:Data[[#This Row],[x]])</f><v>{r}</v>",
    "<f>Data[ [a b]] + Next[#This Row] * A{r}</f><v>{r}</v>",
)
TYPED = (
    't="s"><v>1</v>',
    't="s"><v>3</v>',
    't="b"><v>1</v>',
    't="e"><f>1/0</f><v>#DIV/0!</v>',
    't="str"><f>T(A{r})</f><v>text {r}</v>',
    't="str"><v>w{r}</v>',
    't="n"><v>{r}.5</v>',
)
ODD = (
    ' t="str"><v></v>',
    ' t="str"><f>T(A{r})</f><v></v>',
    ' t="s"><v></v>',
    ' t="inlineStr"><is><t>w{r}</t></is>',
    ' t="d"><v>2020-01-0{r}</v>',
    "><f/><v>{r}</v>",
    '><f t="array" ref="B{r}">A{r}</f><v>{r}</v>',
    '><f t="array" ref="B{r}:C{n}">A{r}</f><v>{r}</v>',
    '><f t="dataTable" ref="B{r}" r1="A{r}">A{r}</f><v>{r}</v>',
    '><f t="shared" ref="B{r}" si="0">A{r}</f><v>{r}</v>',
    '><f t="shared" si="7"/><v>{r}</v>',
    "><f>A{r}. (A$ {r}) A1 (</f><v>{r}</v>",
    "><f>$A$ {r}*A {r}</f><v>{r}</v>",
    "><f>A{r} !A{r}</f><v>{r}</v>",
    "><f>A8&#62;1</f><v>{r}</v>",
    "><v>{r}</v><v>5</v>",
    "><v>{r}</v><is><t>w</t></is>",
    "><!--<v>5</v>--><v >{r}</v>",
)
SHARED = '<f t="shared" ref="B1:Z99" si="0">A1*2+{r}</f><v>3</v>'


def row_of(cells: list[str], row: int, block: int) -> str:
    places = {"r": row, "a": max(row - 1, 1), "b": row - row % block or 1, "n": row + 1}
    inner = "".join(
        f'<c r="{chr(65 + k)}{row}"{cell.format(**places)}</c>' for k, cell in enumerate(cells)
    )
    return f'<row r="{row}" spans="1:9">{inner}</row>'


cells = st.sampled_from(
    [f">{cell}" for cell in CELLS + OF_TABLES] + [f" {cell}" for cell in TYPED] + list(ODD)
)
kinds = st.lists(st.lists(cells, max_size=5), min_size=1, max_size=3)


@st.composite
def sheets(draw: st.DrawFn) -> list[str]:
    """Rows that come again every few rows, below one that defines a shared formula."""
    block = draw(kinds)
    first = row_of([">" + SHARED], 1, 1)
    count = draw(st.integers(1, 12))
    return [first, *(row_of(block[r % len(block)], r, len(block)) for r in range(2, 2 + count))]


REPLACED = (
    ("<v>", "<v> "),
    ("<v>", "<v>1_"),
    ("<v>", "<v>&#49;"),
    ("<v>", "<v>\x0b"),
    ("<v>", "<v>\0"),
    ("<v>", "<v>٣"),
    ("<v>", "<v>nan"),
    ("<v>", "<v><!---->"),
    ("<v>", "<v/><v>"),
    ("<v>", "<v><![CDATA[7]]>"),
    ("<v>", "<x><v>9</v></x><v>"),
    ("</v>", "E400</v>"),
    ("</v>", "</v><v>5</v>"),
    ("</v>", "]]></v>"),
    ("</v>", "&gt;</v>"),
    ("</v>", "</v >"),
    ("<v>", "</v>"),
    ("<v>", "<!--<v>5</v>--><v >"),
    ("<v>", "<v>é"),
    ("<v>", "<v>\udcff"),
    ("<v>1", "<v>9"),
    ("<v>1", "<v>-1"),
    ("<v>1", "<v>1.0"),
    ("<v>1</v>", "<v></v>"),
    ("<v>1</v>", "\0"),
    ("<f>", "<f> "),
    ("<f>", "<f>A$ 7+"),
    ("<f>", "<f>A7+"),
    ("<f>", "<f>'"),
    ("<f>", '<f t="array" ref="B3:C7">'),
    ("<f>", '<f t="array" ref="B3">'),
    ("<f>", '<f t="shared" si="0" ref="A1:A9">'),
    ("<f>", '<f t="shared" si="4">'),
    ("<f>", '<f t="dataTable" ref="A1:A9" r1="B4">'),
    ("</f>", "&lt;&#52;</f>"),
    ("</f>", "<!-- --></f>"),
    ("</f>", " A1</f>"),
    ('si="0"', 'si="1"'),
    ("&gt;", ">"),
    ("&amp;", "&"),
    ('t="s"', 't="inlineStr"'),
    ('t="n"', 't="d"'),
    ("<c ", "<is><t>w</t></is><c "),
    ("<c ", "<c s='{}' "),
    ("<c ", "<!--<c ><v>5</v></c>--><c "),
    ("<c ", "<rPh><c/></rPh><c "),
    ("<c r=", "<c R="),
    ('"A', '"a'),
    ('"B', '"C'),
    ("</c>", "</c> "),
    ("</c>", "</c><c></c>"),
    ("<row ", "<row hidden='1' "),
    ("<row ", "<!-- <row r='1'></row> --><row "),
    ("<row ", "\n<row "),
    ("<row ", "<x:row xmlns:x='u' "),
    ("<row ", "<row r='3'/><row "),
    ('<row r="', '<row r="0'),
    ('<row r="', '<row r="9'),
    ("</row>", "</row >"),
    ("</row>", "</row></sheetData><sheetData>"),
    ("</row>", "<row></row></row>"),
    ("</row>", ""),
)
replacements = st.tuples(st.sampled_from(REPLACED), st.integers(0, 60))
moves = st.tuples(
    st.sampled_from(("swap", "twice", "without", "cut")), st.integers(0, 12), st.integers(0, 12)
)


def changed(rows: list[str], change: Any) -> list[str]:
    """Return a sheet's rows with one change."""
    if isinstance(change[0], tuple):
        (old, new), count = change
        text = "\n".join(rows)
        found = [match.start() for match in re.finditer(re.escape(old), text)]
        if found:
            place = found[count % len(found)]
            text = text[:place] + new + text[place + len(old) :]
        return text.split("\n")
    what, one, other = change
    one, other = one % len(rows), other % len(rows)
    rows = list(rows)
    if what == "swap":
        rows[one], rows[other] = rows[other], rows[one]
    elif what == "twice":
        rows.insert(other, rows[one])
    elif what == "without":
        del rows[one]
    else:
        rows[one] = rows[one][: 5 * other]
    return rows or [""]


def plainly(content: Content) -> Any:
    columns = {
        number: (column.rows.tolist(), column.numbers.tobytes(), column.others)
        for number, column in content.columns.items()
    }
    texts, runs = list(content.texts.items()), list(content.runs.items())
    return content.last_row, content.last_column, texts, runs, content.arrays, columns


def outcome(
    path: Path, read: Callable[[OnePass], Content], before: row_templates.Learnt | None = None
) -> Any:
    """Return what one way of reading gives, or the line that it ends with.

    ``before`` was learnt on another sheet.
    """
    try:
        with open_package(path) as opened:
            [part] = opened.sheets
            names, strings = Names.read(opened), opened.shared_strings()
            one = OnePass(opened, part, strings, names, Budget(MOST_ELEMENTS), before)
            return plainly(read(one))
    except InputError as error:
        return str(error)


def compare(
    rows: list[str], names: str = "", tables: Sequence[str] = (), above: list[str] | None = None
) -> bool:
    """Check that both ways give the same; return whether rows were read without parsing.

    ``above`` are the rows of the sheet before it.
    """
    strings = "".join(f"<si><t>{text}</t></si>" for text in STRINGS)
    with tempfile.TemporaryDirectory() as folder:
        repeated: list[int] = []
        learnt: list[row_templates.Learnt] = []

        def read(one: OnePass) -> Content:
            content = one.read()
            repeated.append(sum(len(layout.rows) for layout in one._templates.layouts))
            learnt.append(one.learnt)
            return content

        if above:
            outcome(package(Path(folder, "a.xlsx"), "".join(above), strings, names, tables), read)
        path = package(Path(folder, "book.xlsx"), "".join(rows), strings, names, tables)
        fast = outcome(path, read, learnt[0] if learnt else None)
        careful = outcome(path, OnePass.parsed)
    # Where something is wrong, the fast way only knows that it is.
    assert type(fast) is type(careful)
    assert isinstance(careful, str) or fast == careful
    return bool(repeated and repeated[-1])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sheets(),
    st.lists(replacements | moves, max_size=3),
    st.sampled_from(NAMES),
    st.sampled_from(TABLES),
)
@example([row_of([">" + CELLS[0]], r, 1) for r in range(1, 9)], [(("<v>", "<v>nan"), 5)], "", ())
def test_both_ways_of_reading_give_the_same(
    rows: list[str], changes: list[Any], names: str, tables: tuple[str, ...]
) -> None:
    above = rows
    for change in changes:
        rows = changed(rows, change)
    compare(rows, names, tables)
    compare(rows, names, tables, above)


@pytest.mark.parametrize("tables", TABLES[1:])
@pytest.mark.parametrize("cell", OF_TABLES)
def test_rows_above_in_and_below_a_table_are_read_as_the_parser_reads_them(
    cell: str, tables: tuple[str, ...]
) -> None:
    """The same formula is then not the same; neither is it in two columns."""
    rows = [row_of([">" + cell] * 7, r, 1) for r in range(1, 16)]
    assert compare(rows, "", tables) == ("w{r}" not in cell)
    assert compare(rows[:5] + [row_of(["><v>{r}</v>"], r, 1) for r in range(6, 30)], "", tables)


@pytest.mark.parametrize("change", REPLACED, ids=" to ".join)
def test_every_change_of_a_repeated_row_is_noticed(change: tuple[str, str]) -> None:
    """Wherever it is in a row that has everything, or in all such rows."""
    every = [">" + cell for cell in CELLS] + [" " + cell for cell in TYPED]
    rows = [row_of([">" + SHARED], 1, 1), *(row_of(every, r, 1) for r in range(2, 5))]
    for name in NAMES:
        assert compare(rows, name) == ("A7" not in name)
    for count in range(rows[3].count(change[0])):
        compare([*rows[:3], *changed(rows[3:], (change, count))])
        compare([rows[0], *(changed([row], (change, count))[0] for row in rows[1:])])


@pytest.mark.parametrize("cell", ODD)
def test_every_odd_cell_is_read_as_the_parser_reads_it(cell: str) -> None:
    rows = [row_of([">" + CELLS[0], cell, ">" + CELLS[6]], r, 1) for r in range(2, 9)]
    shared = row_of([">" + SHARED, ">" + SHARED.replace('si="0"', 'si="7"')], 1, 1)
    between = [row_of([">" + CELLS[k] for k in (0, 5, 6, 7)], r, 1) for r in (2, 3, 4, 6, 7, 8)]
    compare([shared, *between[:3], rows[3], *between[3:]])
    compare([shared, rows[3], *between[3:]])
    for name in NAMES:
        compare([shared, *rows], name)
        compare([shared, *(row.replace("<v/>", "") for row in rows), row_of([cell], 9, 1)], name)


@pytest.mark.parametrize("cell", [">" + CELLS[0], ' s="1">'])
def test_rows_in_a_comment_are_not_read_and_nothing_is_learnt_from_them(cell: str) -> None:
    above, hidden, below = ([row_of([cell], r + k, 1) for k in range(3)] for r in (1, 4, 7))
    compare([*above, "<!-- </row>", *hidden, " -->", *below])
    compare(["<row></row><!-- </row>", *hidden, " -->", *below])
    compare([*above, "<!-- </row>", *hidden, " -->"])
    compare(['<row r="1"></row><!-- </row>', above[0], " -->", *below])


def test_what_was_learnt_on_one_sheet_is_used_on_the_next() -> None:
    """Also further down, with other values, styles and rows; not if a formula is shared."""
    rows = [row_of([">" + CELLS[2], " " + TYPED[0], ' s="1">' + CELLS[0]], r, 1) for r in (1, 2)]
    alone = [row_of([">" + CELLS[5]], 1, 1), rows[1]]
    assert not compare(alone)
    assert compare(alone, above=rows)
    further = row_of(
        [">" + CELLS[2].replace("1.{r}", "7"), " " + TYPED[1], ' s="4">' + CELLS[0]], 9, 1
    )
    assert compare([alone[0], further], above=rows)
    shared = row_of([">" + CELLS[7]], 2, 1)
    assert not compare([alone[0], shared], above=[row_of([">" + SHARED], 1, 1), shared])


def test_rows_that_repeat_others_are_not_parsed_again(workbooks: Path) -> None:
    """Most rows of a workbook with one row an iteration, and of one with 150 rows."""
    for name in ("mazur", "iris"):
        with open_package(workbooks / f"{name}.xlsx") as opened:
            names, strings = Names.read(opened), opened.shared_strings()
            for part in opened.sheets[-1:]:
                one = OnePass(opened, part, strings, names, Budget(MOST_ELEMENTS))
                count = one.read().last_row
                assert sum(len(layout.rows) for layout in one._templates.layouts) > 0.8 * count


def test_what_was_learnt_is_forgotten_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_templates, "_MOST_TEMPLATES", 3)
    rows = [row_of([">" + CELLS[k % 4]] * (k % 7), k + 1, 1) for k in range(50)]
    compare(rows)
    monkeypatch.setattr(row_templates, "_PATIENCE", 5)
    compare(rows)


def test_a_row_is_learnt_only_if_it_is_predicted_as_it_is_written() -> None:
    templates = row_templates.Templates(0, lambda formula, row, column: None)
    stored = StoredCell("A1", "n", StoredFormula("B1>2", {}), None, None, True)
    cells = [row_templates.ReadCell(1, stored, 0, FilledFormula.parse("=B1>2", 1))]
    for text in ("B1&#62;2", "B1&gt;2"):
        row = f'<row r="1"><c r="A1"><f>{text}</f></c></row>'
        templates.learn(row.encode(), 1, cells)
        assert templates.read(row.replace("1", "5").encode(), 1) == (5 if "g" in text else None)
        assert len(templates._known) == ("g" in text)


READS = ("A{k}", "A0{k}", "A$0{k}", "A{k}+B{j}", "A$1{k}+$B{k}", "A{k}000001", '"$1{k}"&A{j}')


@pytest.mark.parametrize("reads", READS)
@pytest.mark.parametrize("numbers", [(5, 4, 3, 2, 1), (1, 1, 2, 2, 3), (2, 1, 0, 2, 0)])
def test_a_row_that_reads_other_rows_than_one_above_is_read_alike(
    reads: str, numbers: tuple[int, ...]
) -> None:
    """In the second one of two formulas; a style and what stands beside it changes too."""
    rows = [row_of([">" + CELLS[0]], 1, 1)]
    for row, k in enumerate(numbers, 2):
        formula = reads.format(k=k, j=row - k)
        cells = [f' s="{k}"><f>{formula}</f><v>{k}</v>', f' s="{k}"><f>B$7+A{row}</f><v>1</v>']
        rows.append(row_of(cells, row, 1))
    compare(rows)


def test_a_row_that_differs_only_in_the_rows_that_it_reads_is_not_parsed_again() -> None:
    rows = [row_of([f' s="{9 - k}"><f>A{k}+B${k}</f><v>1</v>'], 10, 1) for k in range(1, 9)]
    assert compare([row.replace("10", str(10 + k)) for k, row in enumerate(rows)])


def test_a_row_may_read_any_number_of_rows() -> None:
    formulas = ["+".join(f"A${k}+A{k}" for k in range(60 * n + 1, 60 * n + 61)) for n in range(50)]
    inner = [f"<c><f>{formula}</f><v>1</v></c>" for formula in formulas]
    named = [
        "".join(
            cell.replace("<c>", f'<c r="{cell_name(row, k)}">') for k, cell in enumerate(inner, 1)
        )
        for row in range(1, 4)
    ]
    compare([f'<row r="{row}">{cells}</row>' for row, cells in enumerate(named, 1)])


def test_numbers_are_read_to_the_last_bit() -> None:
    values = np.random.default_rng(1).standard_normal(200) * 10.0 ** np.arange(-100, 100)
    rows = [row_of([f"><v>{value!r}</v>"], r, 1) for r, value in enumerate(values.tolist(), 1)]
    assert compare(rows)
