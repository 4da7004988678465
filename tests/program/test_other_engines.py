"""Formulas give what other engines give, whatever the cells hold; where not, the table says why."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from operands import COLUMN, FIRST, agree, of_formualizer, of_ironcalc, ours, workbook

from workbook_tools.engines import libreoffice
from workbook_tools.package.cell_values import CellError, CellValue

ONE_TEXT = r"(\"|\b[BCJ][1-4])"  # or a cell that may hold one
AGGREGATES = (
    r"\b(SUM|PRODUCT|SUMSQ|AVERAGEA?|MAXA?|MINA?|MEDIAN|STDEVP?|VARP?|DEVSQ|AVEDEV|\w+MEAN)\("
)
OF_PAIRS = r"\b(SUMX2PY2|SUMX2MY2|SUMXMY2|CORREL|COVAR|SLOPE|RSQ)\("
RANKS = r"\b(PERCENTILE|QUARTILE|LARGE|SMALL|RANK)\("
# In every table: what a formula contains, and why the engine's value may not be Excel's.
FORMUALIZER = {
    rf"{AGGREGATES}.*{ONE_TEXT}": "ignores a text that is an argument; Excel: #VALUE!",
    r"\b(AND|OR|XOR|COUNTA?)\(": "takes an error in an argument for its result, or ignores it",
    RANKS: "an error or a text as the rank is #NUM! or #N/A; Excel: that error, #VALUE!",
    r"\bCHOOSE\(": "TRUE is no index; Excel takes it for 1",
    r"\bCONCATENATE\(": "takes the first cell of a range; Excel that of the formula's own row",
    r"\b(LEFT|RIGHT|MID|REPT)\(": "writes TRUE in small letters; takes a text for a count of 0",
    r"\b(CEILING|FLOOR)\(": "CEILING(1,0) is #DIV/0!, Excel: 0; CEILING(1,-2) is no #NUM!",
    r"\b(ISODD|ISEVEN|VALUE)\(": "takes no text that spells a number, no empty text",
    r"\b(LOG|IF|ATAN2)\(": "LOG(2,1) is #NUM!, Excel: #DIV/0!; the last argument's error travels",
    r"\b(POWER|\^)": "0 to the power 0 is 1; Excel: #NUM!",
    OF_PAIRS: "takes empty cells for 0; Excel leaves the pair out",
    r"\bSUMPRODUCT\(": "repeats a row or column; takes TRUE and texts for numbers",
    r"IF\(.*\"<>": "an error value in the range does not meet <>, which all but empty cells do",
    r"\b(INDEX|IS\w+)\(": "an error in a range is the result, whichever cell is read",
}
IRONCALC = {
    rf"{AGGREGATES}.*({ONE_TEXT}|TRUE|D1|[=<>])": "ignores texts and booleans as arguments",
    r"\b(MAXA|MINA|DEVSQ)\(": "of no number: #VALUE!, #DIV/0!; Excel: 0, #NUM!",
    r"\b(AND|OR|XOR)\(": "the first argument that decides is the last that is looked at",
    r"\b(QUOTIENT|MROUND|ISODD|ISEVEN|VALUE)\(": "takes no booleans; Excel takes them for 1 and 0",
    r"\b(LEFT|RIGHT|MID|REPT)\(": "takes no booleans or texts as a count of characters",
    r"\b(FIND|SEARCH)\(": "finds no empty text in an empty cell; Excel: at 1",
    RANKS: "takes no booleans as the rank; another error for a number that is not there",
    r"\bCOUNTIF\(.*<>": "counts a text that spells the number; Excel takes it for the number",
    r"\bVLOOKUP\(": "finds an empty cell for 0",
    OF_PAIRS: "takes empty cells for 0, or compares shapes; Excel leaves the pair out",
    r"\b(ASIN|ACOS|ACOSH|ATANH|LN)\(": "is NaN in a comparison or a text, not #NUM!",
    r"\bSUMPRODUCT\(": "looks for errors before it compares the sizes",
}
LIBREOFFICE = {
    r"TRUE|[=<>]|\bIS|\bNOT\(|\b(AND|OR)\(|D[1-4]|EXACT": "a boolean is a number",
    r"A1:D1|A1:J4|A3:D4": "FALSE in a range is a number",
    r"IF\(|\b(SUMIFS|VLOOKUP|MATCH)\(": "a criterion matches no text that spells a number",
    rf"{AGGREGATES}.*\"": "a text that spells a number is #VALUE! as an argument",
    r"\b(IFNA|XOR)\(": "known only with the prefix _xlfn.",
    r"\bGEOMEAN\(": "0 if a number is 0; Excel: #NUM!",
    rf"{RANKS}|{OF_PAIRS}": "the rank of any number; compares shapes, not numbers of values",
    r"\"\"|&|[CJ][1-4]": "an empty text is 0; which texts spell numbers",
}
CELLS = st.builds("{}{}".format, st.sampled_from("ABCDEFGHJ"), st.sampled_from("1234"))
VALUES = st.sampled_from(["0", "1", "2", "-1.5", "0.5", "3", "TRUE", '"3"', '"a"', '""', '"1e2"'])
RANGES = st.sampled_from("A1:D1 A2:G2 A3:D4 F2:F4 A2:A4 B2:B4 A1:J4 C1:C4 F1:H1 F2:G3".split())
TABLES = st.sampled_from(["A2:D4", "A1:J4"])
LEAVES = CELLS | VALUES
ONE = """
ABS EXP LN LOG10 SQRT SIGN SIN COS TAN ASIN ACOS ATAN SINH COSH TANH ASINH ACOSH ATANH INT EVEN ODD
FACT NOT DEGREES RADIANS NORMSDIST NORMSINV GAMMALN ISODD ISEVEN ISNUMBER ISTEXT ISERROR ISNA ISERR
ISBLANK ISLOGICAL N T
""".split()
TWO = """
POWER MOD QUOTIENT ROUND ROUNDUP ROUNDDOWN TRUNC CEILING FLOOR MROUND ATAN2 LOG IFERROR IFNA
""".split()
MANY = """
SUM PRODUCT SUMSQ AVERAGE AVERAGEA COUNT COUNTA MAX MIN MAXA MINA MEDIAN STDEV STDEVP VAR VARP DEVSQ
AVEDEV GEOMEAN HARMEAN AND OR XOR
""".split()
PAIRS = "SUMPRODUCT SUMXMY2 SUMX2MY2 SUMX2PY2 CORREL COVAR SLOPE RSQ".split()
CRITERIA = ['">1"', '"<=2"', '"<>3"', '"="', '"<>"', '"a*"', '"?"', '"=3"', '"b"', "2", "D1"]


def _called(names: list[str], *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.tuples(*arguments).map(",".join)
    return st.builds("{}({})".format, st.sampled_from(names), joined)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "^", "=", "<", ">", "<=", ">=", "<>"])
    lists = st.lists(inner | RANGES, min_size=1, max_size=3).map(",".join)
    return st.one_of(
        st.builds("{}{}{}".format, inner, operators, inner),
        inner.map("-{}".format),
        inner.map("({})%".format),
        inner.map("({})".format),
        _called(ONE, inner),
        _called(TWO, inner, inner),
        _called(MANY, lists),
        _called(PAIRS, st.sampled_from(["F2:F4", "A2:A4"]), st.sampled_from(["B2:B4", "C2:C4"])),
        _called(["IF"], inner, inner, inner),
        _called(["CHOOSE"], LEAVES, inner, inner),
        _called(["LARGE", "SMALL"], RANGES, st.sampled_from(["1", "2", "0", "TRUE", "E1"])),
        _called(["PERCENTILE", "QUARTILE"], RANGES, inner),
        _called(["SUMIF", "COUNTIF", "AVERAGEIF"], RANGES, st.sampled_from(CRITERIA)),
        _called(["SUMIFS"], st.just("A2:A4"), st.just("B2:B4"), st.sampled_from(CRITERIA)),
        _called(["INDEX"], RANGES, st.sampled_from("123"), st.sampled_from("123")),
        _called(["MATCH"], LEAVES, st.sampled_from(["A2:G2", "A2:A4", "C1:C4"]), st.just("0")),
        _called(["VLOOKUP"], LEAVES, TABLES, st.sampled_from("123"), st.just("FALSE")),
        _called(["RANK"], LEAVES, RANGES),
    )


TEXTS = st.one_of(
    st.builds("{}&{}".format, LEAVES, LEAVES),
    _called(["LEN", "UPPER", "LOWER", "TRIM", "VALUE"], LEAVES),
    _called(["LEFT", "RIGHT", "REPT", "EXACT", "FIND", "SEARCH"], LEAVES, LEAVES),
    _called(["MID"], LEAVES, st.sampled_from("123"), st.sampled_from("012")),
    _called(["CONCATENATE"], LEAVES | RANGES, LEAVES),
)
FORMULAS = _grown(LEAVES | _grown(LEAVES)) | TEXTS
SEVERAL = st.lists(FORMULAS, min_size=20, max_size=20)


def _differing(
    formulas: list[str],
    found: list[CellValue],
    explained: dict[str, str],
    is_same: Callable[[CellValue, CellValue], bool] = agree,
) -> list[tuple[str, CellValue, CellValue]]:
    own = ours(formulas)
    return [
        (formula, value, other)
        for formula, value, other in zip(formulas, own, found, strict=True)
        if not is_same(value, other) and not any(re.search(part, formula) for part in explained)
    ]


@given(SEVERAL)
def test_formulas_give_what_formualizer_gives(formulas: list[str]) -> None:
    assert _differing(formulas, of_formualizer(formulas), FORMUALIZER) == []


@given(SEVERAL)
def test_formulas_give_what_ironcalc_gives(formulas: list[str]) -> None:
    assert _differing(formulas, of_ironcalc(formulas), IRONCALC) == []


@pytest.mark.libreoffice
def test_formulas_give_what_libreoffice_gives(tmp_path: Path) -> None:
    formulas: list[str] = []

    @settings(max_examples=50, phases=[Phase.generate], database=None)
    @given(SEVERAL)
    def draw(several: list[str]) -> None:
        formulas.extend(several)

    draw()
    path = tmp_path / "formulas.xlsx"
    workbook(path, formulas)
    last = FIRST + len(formulas) - 1
    rows = libreoffice.recalculate(path).block("S", FIRST, COLUMN, last, COLUMN)
    assert _differing(formulas, [row[0] for row in rows], LIBREOFFICE, _like) == []


def _like(one: CellValue, other: CellValue) -> bool:
    """Compare with LibreOffice, which has other error values, and an empty text for no value."""
    if isinstance(one, CellError):
        return isinstance(other, CellError)
    return agree(one, other if other is not None else "")
