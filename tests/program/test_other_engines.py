"""Formulas give what other engines give, whatever the cells hold; where not, the table says why."""

import re

from hypothesis import given
from hypothesis import strategies as st
from operands import agree, of_formualizer, of_ironcalc, ours

from workbook_tools.package.cell_values import CellValue

# In every table: what a formula contains, and why the engine's value is not Excel's. A reason
# holds for all formulas with that function, also where the two agree.
FORMUALIZER = {
    r"\b(AND|OR|XOR|COUNT|COUNTA)\(": "an error in an argument is its result, or is not",
    r"\b(MAXA|MINA|AVERAGEA|STDEVP?|VARP?|DEVSQ|AVEDEV|MAX|MIN)\(": "ignores a text as argument",
    r"\b(GEOMEAN|HARMEAN)\(": "a text as argument is #NUM!; Excel: #VALUE!",
    r"\b(PERCENTILE|QUARTILE|LARGE|SMALL|RANK)\(": "an error as rank is #NUM! or #N/A",
    r"\bCHOOSE\(": "TRUE is no index; Excel takes it for 1",
    r"\bCONCATENATE\(": "takes the first cell of a range; Excel that of the formula's own row",
    r"\b(LEFT|RIGHT|MID|REPT)\(": "writes TRUE in small letters; takes texts for 0 characters",
    r"\b(CEILING|FLOOR|MROUND)\(": "CEILING(1,0) is #DIV/0!; the signs may differ",
    r"\bFIND\(": "an error as the text to find is #NUM!",
    r"\b(ISODD|ISEVEN|VALUE)\(": "takes no text that spells a number",
    r"\bINDEX\(": "an error as row is #REF!; a whole column spills",
    r"\b(SUMIF|COUNTIF|AVERAGEIF|SUMIFS)\(": "an error as criterion is the result",
    r"\b(LOG|IF|ATAN2)\(": "evaluates arguments from the last, whose error it shows",
    r"\b(SUMX2PY2|SUMX2MY2|SUMXMY2|CORREL|COVAR|SLOPE|RSQ)\(": "takes empty cells for 0",
    r"\bVLOOKUP\(": "finds numbers for a text, or for TRUE",
    r"\bGAMMALN\(": "is not exactly 0 at 1 and 2",
    r"\b(INT|TRUNC|ROUNDDOWN)\(": "rounds -0.5 to -0, which & writes with its sign",
}
IRONCALC = {
    r"\b(AND|OR)\(": "does not look at the arguments after the first that decides",
    r"\b(QUOTIENT|MROUND|ISODD|ISEVEN|VALUE)\(": "takes no booleans or texts that spell numbers",
    r"\b(LEFT|RIGHT|MID|REPT)\(": "takes no booleans or texts as a count of characters",
    r"\b(LARGE|SMALL|PERCENTILE|QUARTILE|RANK)\(": "takes no booleans as rank; a text is #NUM!",
    r"\b(STDEVP?|VARP?|DEVSQ|AVEDEV|GEOMEAN|HARMEAN|SUMSQ)\(": "ignores single texts and booleans",
    r"\b(MAXA|MINA|AVERAGEA|MAX|MIN|SUM|PRODUCT)\(INDEX": "takes a cell from INDEX for its value",
    r"\b(VLOOKUP|MATCH)\(": "finds empty cells for 0, numbers for texts",
    r"\b(SUMX2PY2|SUMX2MY2|SUMXMY2|CORREL|COVAR|SLOPE|RSQ)\(": "takes empty cells for 0",
    r"\bINDEX\(": "a whole column spills",
    r"\bGAMMALN\(": "is not exactly 0 at 1 and 2",
    r"\bFIND\(": "finds no empty text in an empty text",
    r"\bCONCATENATE\(": "writes NaN for #NUM!",
    r"\bASIN\(|\bACOS\(": "is NaN in a comparison, not #NUM!",
    r"\bSUMPRODUCT\(": "looks for errors before it compares the sizes",
}
LIBREOFFICE = {
    r"TRUE|[=<>]|\bIS|\bNOT\(|\b(AND|OR|XOR)\(|D[1-4]": "booleans are numbers",
    r"\b(COUNTIF|SUMIF|AVERAGEIF|SUMIFS|VLOOKUP|MATCH)\(": "a text never is a number there",
    r"\b(IFNA|XOR)\(": "knows it only with the prefix _xlfn.",
    r"A1:D1|A1:J4|A3:D4": "counts FALSE in a range as a number",
    r"\bGEOMEAN\(": "is 0 if a number is 0",
    r"\bRANK\(": "the rank of a number that is not there is one",
    r"\b(SUMX2PY2|SUMX2MY2|SUMXMY2|CORREL|COVAR|SLOPE|RSQ)\(": "compares shapes, not counts",
    r"\"\"|&": "an empty text is 0",
}
CELLS = st.builds("{}{}".format, st.sampled_from("ABCDEFGHJ"), st.sampled_from("1234"))
VALUES = st.sampled_from(["0", "1", "2", "-1.5", "0.5", "3", "TRUE", '"3"', '"a"', '""', '"1e2"'])
RANGES = st.sampled_from("A1:D1 A2:G2 A3:D4 F2:F4 A2:A4 B2:B4 A1:J4 C1:C4 F1:H1 F2:G3".split())
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
        _called(PAIRS, RANGES, RANGES),
        _called(["IF"], inner, inner, inner),
        _called(["CHOOSE"], LEAVES, inner, inner),
        _called(["LARGE", "SMALL"], RANGES, st.sampled_from(["1", "2", "0", "TRUE", "E1"])),
        _called(["PERCENTILE", "QUARTILE"], RANGES, inner),
        _called(["SUMIF", "COUNTIF", "AVERAGEIF"], RANGES, st.sampled_from(CRITERIA)),
        _called(["SUMIFS"], st.just("A2:A4"), st.just("B2:B4"), st.sampled_from(CRITERIA)),
        _called(["INDEX"], RANGES, st.sampled_from("123"), st.sampled_from("123")),
        _called(
            ["MATCH"],
            LEAVES,
            RANGES.filter(lambda r: r not in ("A1:J4", "A3:D4", "F2:G3")),
            st.just("0"),
        ),
        _called(
            ["VLOOKUP"],
            LEAVES,
            st.sampled_from(["A2:D4", "A1:J4"]),
            st.sampled_from("123"),
            st.just("FALSE"),
        ),
        _called(["RANK"], LEAVES, RANGES),
    )


TEXTS = st.one_of(
    st.builds("{}&{}".format, LEAVES, LEAVES),
    _called(["LEN", "UPPER", "LOWER", "TRIM", "VALUE"], LEAVES),
    _called(["LEFT", "RIGHT", "REPT", "EXACT", "FIND", "SEARCH"], LEAVES, LEAVES),
    _called(["MID"], LEAVES, st.sampled_from("123"), st.sampled_from("012")),
    _called(["CONCATENATE"], LEAVES | RANGES, LEAVES),
)
FORMULAS = st.recursive(LEAVES, _grown, max_leaves=6) | TEXTS
SEVERAL = st.lists(FORMULAS, min_size=30, max_size=30)


def _differing(
    formulas: list[str], found: list[CellValue], explained: dict[str, str]
) -> list[tuple[str, CellValue, CellValue]]:
    own = ours(formulas)
    return [
        (formula, value, other)
        for formula, value, other in zip(formulas, own, found, strict=True)
        if not agree(value, other) and not any(re.search(part, formula) for part in explained)
    ]


@given(SEVERAL)
def test_formulas_give_what_formualizer_gives(formulas: list[str]) -> None:
    assert _differing(formulas, of_formualizer(formulas), FORMUALIZER) == []


@given(SEVERAL)
def test_formulas_give_what_ironcalc_gives(formulas: list[str]) -> None:
    assert _differing(formulas, of_ironcalc(formulas), IRONCALC) == []
