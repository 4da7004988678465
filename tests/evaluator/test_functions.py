"""Functions give the values that Microsoft's documentation gives in its examples."""

import pytest
from operands import Operands

from workbook_tools.evaluator.formula import evaluate_array
from workbook_tools.formulas.tree import parse
from workbook_tools.package.cell_values import CellError

STRENGTHS = "1345,1301,1368,1322,1310,1370,1318,1350,1303,1299"
YS, XS = "{2,3,9,1,8,7,5}", "{6,5,11,7,5,4,4}"
NUMBERS = {
    "ROUND(2.15,1)": 2.2, "ROUND(2.149,1)": 2.1, "ROUND(-1.475,2)": -1.48, "ROUND(21.5,-1)": 20,
    "ROUND(626.3,-3)": 1000, "ROUND(1.98,-1)": 0, "ROUND(-50.55,-2)": -100, "ROUNDUP(3.2,0)": 4,
    "ROUNDUP(3.14159,3)": 3.142, "ROUNDUP(-3.14159,1)": -3.2, "ROUNDUP(31415.92654,-2)": 31500,
    "ROUNDDOWN(76.9,0)": 76, "ROUNDDOWN(-3.14159,1)": -3.1, "ROUNDDOWN(31415.92654,-2)": 31400,
    "MOD(3,2)": 1, "MOD(-3,2)": 1, "MOD(3,-2)": -1, "MOD(-3,-2)": -1, "QUOTIENT(-10,3)": -3,
    "QUOTIENT(4.5,3.1)": 1, "INT(8.9)": 8, "INT(-8.9)": -9, "TRUNC(-8.9)": -8, "TRUNC(0.45)": 0,
    "CEILING(2.5,1)": 3, "CEILING(-2.5,-2)": -4, "CEILING(-2.5,2)": -2, "CEILING(1.5,0.1)": 1.5,
    "CEILING(0.234,0.01)": 0.24, "FLOOR(3.7,2)": 2, "FLOOR(-2.5,-2)": -2, "FLOOR(1.58,0.1)": 1.5,
    "CEILING.MATH(24.3,5)": 25, "CEILING.MATH(6.7)": 7, "CEILING.MATH(-8.1,2)": -8,
    "CEILING.MATH(-5.5,2,-1)": -6, "FLOOR.MATH(24.3,5)": 20, "FLOOR.MATH(-8.1,2)": -10,
    "FLOOR.MATH(-5.5,2,-1)": -4, "MROUND(10,3)": 9, "MROUND(-10,-3)": -9, "MROUND(1.3,0.2)": 1.4,
    "EVEN(1.5)": 2, "EVEN(3)": 4, "EVEN(-1)": -2, "ODD(1.5)": 3, "ODD(2)": 3, "ODD(-2)": -3,
    "LOG(10)": 1, "LOG(8,2)": 3, "LOG(86,2.7182818)": 4.4543473, "LN(86)": 4.4543473,
    "LOG10(86)": 1.934498451, "POWER(98.6,3.2)": 2401077.222, "POWER(4,5/4)": 5.656854249,
    "COMBIN(8,2)": 28, "FACT(5)": 120, "FACT(1.9)": 1, "ATAN2(1,1)": 0.785398163,
    "ATAN2(-1,-1)": -2.35619449, "GAMMALN(4)": 1.791759469, "SQRTPI(2)": 2.506628275,
    "NORM.DIST(42,40,1.5,TRUE)": 0.9087888, "NORM.DIST(42,40,1.5,FALSE)": 0.10934005,
    "NORM.INV(0.908789,40,1.5)": 42.000002, "NORM.S.INV(0.908789)": 1.3333347,
    "NORMSDIST(1.333333)": 0.908788726, "STANDARDIZE(42,40,1.5)": 1.333333333,
    f"STDEV({STRENGTHS})": 27.46391572, f"STDEV.P({STRENGTHS})": 26.05455814,
    f"VAR.S({STRENGTHS})": 754.2666667, f"VARP({STRENGTHS})": 678.84,
    "AVEDEV(4,5,6,7,5,4,3)": 1.020408163, "DEVSQ(4,5,8,7,11,4,3)": 48,
    "GEOMEAN(4,5,8,7,11,4,3)": 5.476986970, "HARMEAN(4,5,8,7,11,4,3)": 5.028375962,
    "MEDIAN(1,2,3,4,5,6)": 3.5, "MODE(5.6,4,4,3,2,4)": 4, "LARGE({3,5,3,5,4;4,2,4,6,7},3)": 5,
    "SMALL({3,4,5,2,3,4,6,4,7},4)": 4, "PERCENTILE({1,2,3,4},0.3)": 1.9,
    "QUARTILE({1,2,4,7,8,9,10,12},1)": 3.5, "CORREL({3,2,4,5,6},{9,7,12,15,17})": 0.997054486,
    "COVARIANCE.P({3,2,4,5,6},{9,7,12,15,17})": 5.2,
    "COVARIANCE.S({2,4,8},{5,11,12})": 9.666666667, f"SLOPE({YS},{XS})": 0.305555556,
    "INTERCEPT({2,3,9,1,8},{6,5,11,7,5})": 0.048387097, f"RSQ({YS},{XS})": 0.057950192,
    "PEARSON({9,7,5,3,1},{10,6,1,5,3})": 0.699378606, f"SUMX2MY2({YS},{XS})": -55,
    f"SUMX2PY2({YS},{XS})": 521, f"SUMXMY2({YS},{XS})": 79, "SUMSQ(3,4)": 25,
    "SUMPRODUCT({3,4;8,6;1,9},{2,7;6,7;5,3})": 156,
    "MDETERM({1,3,8,5;1,3,6,1;1,1,1,0;7,3,10,2})": 88, "FIND(\"M\",\"Miriam McGovern\",3)": 8,
    'FIND("m","Miriam McGovern")': 6, 'SEARCH("e","Statements",6)': 7,
    'SEARCH("margin","Profit Margin")': 8, 'VALUE("$1,000")': 1000, 'LEN("     One   ")': 11,
    "MATCH(39,{25,38,40,41},1)": 2, "MATCH(41,{25,38,40,41},0)": 4, "ERROR.TYPE(#NULL!)": 1,
    "N(7)": 7, 'N("Even")': 0, "N(TRUE)": 1, "DEGREES(PI())": 180, "GAUSS(2)": 0.477249868,
    "PV(0.08/12,12*20,500,,0)": -59777.14585, "FV(0.06/12,10,-200,-500,1)": 2581.403374,
    "FV(0.12/12,12,-1000)": 12682.50301, "FV(0.11/12,35,-2000,,1)": 82846.24637,
    "PMT(0.08/12,10,10000)": -1037.032089, "PMT(0.08/12,10,10000,0,1)": -1030.164327,
    "PMT(0.06/12,18*12,0,50000)": -129.0811609, "NPER(0.12/12,-100,-1000,10000,1)": 59.67386567,
    "NPER(0.01,-100,-1000,10000)": 60.08212285, "NPER(0.01,-100,-1000)": -9.578594039,
    "NPV(0.1,-10000,3000,4200,6800)": 1188.443412, "PV(0,10,-100,50)": 950, "PMT(0,10,500)": -50,
    "PHI(0.75)": 0.301137432, "ASINH(-2.5)": -1.647231146, "ACOSH(10)": 2.993222846,
}  # fmt: skip
OTHERS = {
    "FLOOR(2.5,-2)": "#NUM!", "MROUND(5,-2)": "#NUM!", "FACT(-1)": "#NUM!",
    "MATCH(40,{25,38,40,41},-1)": "#N/A", 'LEFT("Sale Price",4)': "Sale",
    'RIGHT("Sale Price",5)': "Price", 'MID("Fluid Flow",7,20)': "Flow",
    'MID("Fluid Flow",20,5)': "",
    'SUBSTITUTE("Quarter 1, 2011","1","2",3)': "Quarter 1, 2012",
    'SUBSTITUTE("Sales Data","Sales","Cost")': "Cost Data", 'REPT("*-",3)': "*-*-*-",
    'TRIM(" First  Quarter Earnings ")': "First Quarter Earnings", "DEC2HEX(100,4)": "0064",
    "DEC2HEX(-54)": "FFFFFFFFCA", "DEC2HEX(64,1)": "#NUM!",
    'REPLACE("abcdefghijk",6,5,"*")': "abcde*k", 'TEXTJOIN(", ",TRUE,"a","","b")': "a, b",
    'EXACT("Word","word")': False, "XOR(3>0,2<9)": False, "ISODD(2.5)": False, "ISEVEN(-1)": False,
    'LOOKUP(5.75,{4.14,4.19,5.17,5.77,6.39},{"red","orange","yellow","green","blue"})': "yellow",
    'LOOKUP(0,{4.14,4.19},{"red","orange"})': "#N/A",
    'HLOOKUP(3,{1,2,3;"a","b","c";"d","e","f"},2,TRUE)': "c", "1/0": "#DIV/0!", "NA()": "#N/A",
    'IFS(1>2,"a",3>2,"b")': "b", "IFS(1>2,3)": "#N/A", 'SWITCH(7,1,"a",7,"b","c")': "b",
    'SWITCH(9,1,"a",7,"b","c")': "c", 'IFERROR(55/0,"x")': "x", "IFNA(NA(),TRUE)": True,
    "0^0": "#NUM!", "(-8)^0.5": "#NUM!", "1E308*10": "#NUM!", "EXP(1000)": "#NUM!",
    '1/3&""': "0.333333333333333", '1E20&""': "1E+20", '1E19&""': "10000000000000000000",
    '-0.00001&""': "-0.00001", '1/30000&""': "3.33333333333333E-05", '1000000*1.5&""': "1500000",
    '"a"<TRUE': True, '9<"1"': True, '"B"="b"': True, '"10%"+1': 1.1, '"(5)"*2': -10.0,
}  # fmt: skip
ARRAYS = {
    "MMULT({1,3;7,2},{2,0;0,2})": [[2, 6], [14, 4]], "MINVERSE({4,-1;2,0})": [[0, 0.5], [-1, 2]],
    "FREQUENCY({79,85,78,85,50,81,95,88,97},{70,79,89})": [[1], [2], [4], [2]],
    "TRANSPOSE({1,2;3,4;5,6})": [[1, 3, 5], [2, 4, 6]],
    "SEQUENCE(2,3,10,-1)": [[10, 9, 8], [7, 6, 5]],
    "SORT({3;1;2})": [[1], [2], [3]], "SORT({3,1;2,9},2,-1)": [[2, 9], [3, 1]],
    "FILTER({1;2;3},{TRUE;FALSE;TRUE})": [[1], [3]], "UNIQUE({1;2;1})": [[1], [2]],
    "HSTACK({1;2},{3;4})": [[1, 3], [2, 4]], "VSTACK({1,2},{3,4})": [[1, 2], [3, 4]],
    "TAKE({1;2;3},-2)": [[2], [3]], "DROP({1,2,3},,1)": [[2, 3]], "MUNIT(2)": [[1, 0], [0, 1]],
    "{1,2}+{10;20}": [[11, 12], [21, 22]], "IF({1,0,2},{5,6,7},0)": [[5, 0, 7]],
    "{1,2,3}*{2,2}": [[2, 4, "#N/A"]], "ROW(A2:A3)": [[2], [3]], "COLUMN(B1:C1)": [[2, 3]],
    "XLOOKUP(2,{1,2,3},{4,5,6;7,8,9})": [[5], [8]], "INDEX({1,2;3,4},2,0)": [[3, 4]],
    "ISNUMBER({1,\"a\"})": [[True, False]], "CHOOSE({1,2},{5;6},{7;8})": [[5, 7], [6, 8]],
    "IFERROR({1,2}/{0,2},9)": [[9, 1]], "RANK({1,3},A2:C2)": [[3, 1]],
}  # fmt: skip


def _shown(formula: str) -> list[list[object]]:
    grid = evaluate_array(parse(formula), Operands(), "S", 10, 12)
    return [[c.code if isinstance(c, CellError) else c for c in row] for row in grid.full()]


@pytest.mark.parametrize(("formula", "expected"), NUMBERS.items())
def test_numbers_are_those_of_the_documentation(formula: str, expected: float) -> None:
    [[found]] = _shown(formula)
    assert found == pytest.approx(expected, rel=2e-7, abs=1e-9)


@pytest.mark.parametrize(("formula", "expected"), OTHERS.items())
def test_texts_conditions_and_errors_are_those_of_the_documentation(
    formula: str, expected: object
) -> None:
    [[found]] = _shown(formula)
    assert type(found) is type(expected)
    assert found == expected


@pytest.mark.parametrize(("formula", "expected"), ARRAYS.items())
def test_arrays_have_the_values_of_all_their_cells(
    formula: str, expected: list[list[object]]
) -> None:
    assert _shown(formula) == expected
