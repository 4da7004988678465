"""A formula that is copied reads as Excel copies it; a text that is none is left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.formula.translate import Translator
from openpyxl.utils import get_column_letter

from workbook_tools.formulas.references import Area
from workbook_tools.formulas.words import all_areas, moved
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS

anchors = st.sampled_from(["", "$"])
columns = st.builds(lambda a, n: a + get_column_letter(n), anchors, st.integers(40, 16_000))
rows = st.builds(lambda a, n: f"{a}{n}", anchors, st.integers(600, 1_000_000))
cells = st.builds(lambda column, row: column + row, columns, rows)
references = st.one_of(
    cells,
    st.builds(lambda a, b: f"{a}:{b}", cells, cells),
    st.builds(lambda a, b: f"{a}:{b}", columns, columns),
    st.builds(lambda a, b: f"{a}:{b}", rows, rows),
)
sheets = st.sampled_from(
    ["", "Data!", "'it''s'!", "'a!b \"c\" B2'!", "Übung_1!", "'R1C1'!", "'[1]x y'!", "[1]Data!"]
)
operands = st.one_of(
    st.builds(lambda sheet, reference: sheet + reference, sheets, references),
    st.builds(lambda reference: f"SUM({reference})", references),
    st.builds(lambda reference: f"_xlfn.XLOOKUP({reference},1)", references),
    st.sampled_from(
        ['"A1"', '"say ""B2"""', "1.5E3", "LOG10(2)", "TRUE", "rate", "B2_x", "_x.A1", "ZZZZ1"]
    ),
    st.sampled_from(["#N/A", "#REF!", "{1,2;3,4}", "Table1[A1]", "T1[[#This Row],[A1]]"]),
)
formulas = st.lists(operands, min_size=1, max_size=6).map(lambda terms: "=" + "+".join(terms))


@given(formulas, st.integers(-500, 500), st.integers(-39, 300))
def test_a_formula_is_copied_as_openpyxl_copies_it(formula: str, down: int, right: int) -> None:
    expected = Translator(formula, "A1").translate_formula(row_delta=down, col_delta=right)
    assert moved(formula, down, right) == expected


@given(formulas, st.integers(-500, 500), st.integers(-39, 300))
def test_what_is_copied_and_copied_back_is_the_same(formula: str, down: int, right: int) -> None:
    assert moved(moved(formula, down, right), -down, -right) == formula


@given(st.text(alphabet="AB1$:!'\"[](){}#,.+ é@\n"), st.integers(-3, 3), st.integers(-3, 3))
def test_no_text_is_too_odd_to_be_copied(text: str, down: int, right: int) -> None:
    assert moved(text, 0, 0).upper() == text.upper()
    moved(text, down, right)
    list(all_areas(text))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("=IFERROR(A2,#CALC!)", "=IFERROR(B3,#CALC!)"),
        ("=A1+#SPILL!+A1#", "=B2+#SPILL!+B2#"),
        ("=Jan:Mar!A1+'Q1:Q4'!$A1", "=Jan:Mar!B2+'Q1:Q4'!$A2"),
        ("=A1:B2 B2:C3", "=B2:C3 C3:D4"),
        ("=A1)+{B2", "=B2)+{C3"),
        ('=A1&"B2', '=B2&"B2'),
        ("=A1+T[B2", "=B2+T[B2"),
        ("=T[[#All],[a '[A1]]+A1", "=T[[#All],[a '[A1]]+B2"),
        ("=zzz1+xfe1+A1048577", "=zzz1+xfe1+A1048577"),
        ("=A0+A01+1A1+$$A1", "=A0+A01+1A1+$$A1"),
    ],
)
def test_what_openpyxl_cannot_read_is_copied_too(formula: str, expected: str) -> None:
    assert moved(formula, 1, 1) == expected


@pytest.mark.parametrize(
    ("formula", "down", "right", "expected"),
    [
        ("=A1+$A$1", -1, 0, "=#REF!+$A$1"),
        ("='a b'!B2:$A$1", 0, -2, "='a b'!#REF!"),
        ("=SUM(B:B,2:2)", -2, -1, "=SUM(A:A,#REF!)"),
        (f"=XFD1+A{MAX_ROWS}+$XFD${MAX_ROWS}", 1, 1, f"=#REF!+#REF!+$XFD${MAX_ROWS}"),
    ],
)
def test_what_leaves_the_sheet_is_lost(formula: str, down: int, right: int, expected: str) -> None:
    assert moved(formula, down, right) == expected


def test_each_reference_has_its_sheet_and_its_cells() -> None:
    formula = "=A1:$B$2+'it''s'!C:C*Data!3:4+[1]Data!A1&\"A1\"+LOG10(rate)+Table1[[a],[b]]"
    assert [*all_areas(formula)] == [
        Area(None, 1, 1, 2, 2),
        Area("it's", 1, 3, MAX_ROWS, 3),
        Area("Data", 3, 1, 4, MAX_COLUMNS),
        Area("[1]Data", 1, 1, 1, 1),
    ]


@pytest.mark.parametrize(
    "unit",
    ["'", "a", "[", "['", "[!'", "[[]", "[a]", "A1:", "$", "a:", '"', "('a'", "a.", "A$1]", "1:"],
)
@pytest.mark.parametrize("begin", ["=", "=[", "=[[", "='", '="'])
def test_no_text_takes_long(begin: str, unit: str) -> None:
    text = begin + unit * (60_000 // len(unit))
    started = time.process_time()
    moved(text, 1, 1)
    assert time.process_time() - started < 3
