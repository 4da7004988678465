"""A formula reads no more than it needs, wherever it is filled, and never guesses."""

import time

import pytest
from operands import Operands

from workbook_tools.evaluator.formula import (
    UnknownFunctionError,
    evaluate_array,
    evaluator,
    is_known,
)
from workbook_tools.evaluator.values import DIV0, NA, REF, VALUE, Grid
from workbook_tools.formulas.tree import parse
from workbook_tools.package.cell_values import CellValue


class Watched(Operands):
    """Remembers what is read."""

    def __init__(self) -> None:
        self.read: list[tuple[int, ...]] = []

    def value(self, sheet: str, row: int, column: int) -> CellValue:
        self.read.append((row, column))
        return super().value(sheet, row, column)

    def grid(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> Grid:
        self.read.append((first_row, first_column, last_row, last_column))
        return super().grid(sheet, first_row, first_column, last_row, last_column)


def _value(formula: str, row: int = 3, column: int = 12, is_array: bool = False) -> CellValue:
    return evaluator(parse(formula), is_array)(Operands(), "S", row, column)


@pytest.mark.parametrize(
    ("formula", "read"),
    [
        ("INDEX(A:A,2)", {(2, 1)}),
        ("OFFSET(A1,2,1)", {(3, 2)}),
        ("IF(A2=1,B2,C2)", {(2, 1), (2, 2)}),
        ("IFS(A2=1,B2,C2,D2)", {(2, 1), (2, 2)}),
        ("CHOOSE(2,A1,B2,C1)", {(2, 2)}),
        ("SWITCH(2,1,A1,2,B2,C1)", {(2, 2)}),
        ("IFERROR(A2,B2)", {(2, 1)}),
        ("ROW(A1:A9)+COLUMN(B1)+ROWS(A:A)+COLUMNS(1:1)+ROW()", set()),
        ("A1:A4+0", {(3, 1)}),
        ("IF(TRUE,INDEX(1:4,2,3))", {(2, 3)}),
    ],
)
def test_only_what_is_needed_is_read(formula: str, read: set[tuple[int, ...]]) -> None:
    cells = Watched()
    evaluator(parse(formula))(cells, "S", 3, 12)
    assert set(cells.read) == read


@pytest.mark.parametrize(
    ("formula", "ordinary", "array"),
    [
        ("A2:A4*2", 4.0, 2.0),
        ("SUM(A2:A4*2)", 4.0, 12.0),
        ("SUMPRODUCT(A2:A4*2)", 12.0, 12.0),
        ("SUM({1,2,3}*2)", 12.0, 12.0),
        ("A1:A2+1", VALUE, 1.0),
        ("A2:B4+1", VALUE, 2.0),
        ("@A2:A4+1", 3.0, 3.0),
        ("_xlfn.SINGLE(A2:A4)", 2.0, 2.0),
        ("SUM(IF(A2:A4>1,1,0))", 1.0, 2.0),
        ("SUMPRODUCT(IF(A2:A4>1,1,0))", 1.0, 2.0),
        ("SUM(ROW(A2:A4))", 2.0, 9.0),
        ("MMULT(A2:C2,A2:A4)", 14.0, 14.0),
        ("SUM(MMULT(A2:A4,A2:A2))", 6.0, 6.0),
        ("SUM(LEN(B1:D1))", VALUE, 7.0),
        ("MATCH(3,A:A,0)", 4.0, 4.0),
    ],
)
def test_a_range_is_cut_in_ordinary_formulas_and_not_in_array_formulas(
    formula: str, ordinary: CellValue, array: CellValue
) -> None:
    assert _value(formula) == ordinary
    assert _value(formula, is_array=True) == array


def test_a_formula_is_compiled_once_for_all_rows() -> None:
    formula = evaluator(parse("A2*10+$A$2+SUM(A$2:A2)"))
    found = [formula(Operands(), "S", 2 + k, 12, k) for k in range(3)]
    assert found == [12.0, 24.0, 37.0]
    assert formula(Operands(), "S", 1, 12, -2) == REF


def test_the_cells_of_an_array_formula_have_their_own_values() -> None:
    grid = evaluate_array(parse("A2:A4*{1,10}"), Operands(), "S", 3, 12)
    assert grid.full() == [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]
    assert _value("ARRAYFORMULA(A2:A4*{1,10},2,2)") == 20.0
    assert _value("ARRAYFORMULA(A2:A4,3,5)") == 3.0  # a single column is repeated
    assert _value("ARRAYFORMULA(A2:A4,4,1)") == NA


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("SUM(A:A)", 6.0),
        ("SUM($2:$2)+SUM(XFD:XFD)", 27.875),
        ("SUMPRODUCT((A:A=2)*F:F)", 2.0),
        ("SUMPRODUCT(--(A:A=\"\"))", 1_048_576.0 - 3),
        ("COUNTIF(A:C,\"\")", 3 * 1_048_576.0 - 10),
        ("COUNTBLANK(A:XFD)", 16_384 * 1_048_576.0 - 37),
        ("COUNTA(1:1048576)", 37.0),
        ("VLOOKUP(3,A:D,4,FALSE)", 2.0),
        ("SUMIFS(A:A,A:A,\">1\")", 5.0),
        ("SUM(A2:INDEX(A:A,3))", 3.0),
        ("SUM(A2:A3:B4)", 9.0),
    ],
)  # fmt: skip
def test_whole_columns_are_as_fast_as_what_they_hold(formula: str, expected: float) -> None:
    begin = time.perf_counter()
    assert _value(formula) == expected
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(
    "formula",
    [
        "TEXT(A1,\"0\")", "LAMBDA(x,x)", "rate*2", "SUMPRODUCT(--(11:1048576=0))", "ABS()",
        "ABS(1,2)", "ZZZ99", "IF(1)", "{1,2;3}", "\"3 March\"+1", "NOW()", "RAND()", "SUMIF(A:A)",
        "_xll.NEURON(A1)", "-SIN(" * 98 + "A2" + ")" * 98,
    ],
)  # fmt: skip
def test_what_is_not_known_is_named_and_not_guessed(formula: str) -> None:
    with pytest.raises(UnknownFunctionError):
        _value(formula)


def test_a_missing_sheet_and_a_deleted_reference_are_an_error() -> None:
    for formula in ("Lost!A1", "'Lost sheet'!A1*2", "#REF!+1", "S!#REF!"):
        assert _value(formula) == REF
    assert _value("S!E1*0") == DIV0
    assert _value("'S'!A2+1") == 2.0


def test_operators_compare_15_digits_and_lookups_all() -> None:
    assert _value("0.1+0.2=0.3") is True
    assert _value("0.1+0.2>0.3") is False
    assert _value("IF(1-0.9<>0.1,1,2)") == 2.0
    assert _value("0.1+0.2001=0.3") is False
    assert _value("1/3*3E-17>0") is True
    assert _value("MATCH(0.1+0.2,{0.3},0)") == NA


def test_the_first_error_travels() -> None:
    assert _value("E1+#N/A") == DIV0
    assert _value("#N/A+E1") == NA
    assert _value("SUM(1,#N/A,E1)") == NA
    assert _value('COUNT(E1,1,"2","x",B1)') == 2.0
    assert _value("ISERROR(E1)") is True


def test_an_empty_result_is_0_and_a_left_out_argument_too() -> None:
    assert _value("A1") == 0.0
    assert _value("IF(TRUE,,5)") == 0.0
    assert _value('A1&"x"') == "x"
    assert _value('IF(TRUE,A1)&"x"') == "x"
    assert _value("COUNT(1,)") == 2.0
    assert (_value('COUNTIF({"",1},"")'), _value('COUNTIF({"",1},"=")')) == (1.0, 0.0)
    assert (_value("A1=0"), _value('A1=""'), _value("A1=FALSE")) == (True, True, True)


def test_known_functions_are_told_from_others() -> None:
    assert all(map(is_known, ("sum", "_xlfn.STDEV.S", "_xlfn._xlws.SORT", "IF", "POW")))
    assert not any(map(is_known, ("TEXT", "LET", "RANDBETWEEN", "_xlfn.LAMBDA", "ANCHORARRAY")))


def test_no_text_is_longer_than_a_cell_holds() -> None:
    for formula in (
        'REPT("ab",20000)',
        'REPT("ab",16000)&REPT("b",800)',
        'SUBSTITUTE(REPT("a",9),"a",REPT("b",9000))',
        'CONCAT(REPT("a",30000),REPT("b",30000))',
    ):
        assert _value(formula) == VALUE


def test_wildcards_take_no_time() -> None:
    begin = time.perf_counter()
    assert _value(f'ISERROR(SEARCH("{"*a" * 100}*b",REPT("a",5000)))') is True
    assert time.perf_counter() - begin < 5
