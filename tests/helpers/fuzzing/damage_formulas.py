"""Formulas as no table needs them."""

from random import Random
from typing import Any

from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.formula.translate import Translator, TranslatorError
from openpyxl.utils import FORMULAE
from openpyxl.utils.cell import coordinate_from_string

from fuzzing.book import NotApplicableError, cell_of, child, named, set_cell
from fuzzing.made import Level, Made, damage, editing_sheet, pick

FUNCTIONS = [
    *sorted(FORMULAE),
    "_xlfn.LET", "_xlfn.LAMBDA", "_xlfn.XLOOKUP", "_xlfn._xlws.SORT", "_xlfn._xlws.FILTER",
    "_xlfn.SEQUENCE", "_xlfn.RANDARRAY", "_xlfn.TEXTJOIN", "_xlfn.IFS", "_xlfn.SWITCH",
    "_xlfn.CONCAT", "_xlfn.UNIQUE", "_xlfn.STDEV.S", "_xlfn.NORM.DIST", "_xlfn.MAP",
    "_xlfn.ANCHORARRAY", "_xlfn.SINGLE", "_xlfn.TAKE", "_xlfn.VSTACK", "_xlfn.REDUCE", "MMULT",
    "FOO", "foo.bar", "_xludf.MINE", "é", "SUMM", "REPT", "OFFSET", "INDIRECT", "AGGREGATE",
    "CALL", "WEBSERVICE", "HYPERLINK", "EVALUATE", "CELL", "INFO", "AREAS", "RTD", "CUBEVALUE",
]  # fmt: skip
REFERENCES = [
    "A1", "$A$1", "A1:B9", "B9:A1", "A:A", "1:1", "A1:XFD1048576", "$A:$XFD", "XFD1048576", "XFE1",
    "A1048577", "A0", "R1C1", "RC[-1]", "Nowhere!A1", "'No where'!A1:B2", "#REF!", "#REF!A1",
    "[1]Sheet1!A1", "'[other.xlsx]Sheet'!A1", "'C:\\[b.xlsx]S'!$A$1", "A1#", "@A1",
    "Sheet1:Sheet3!A1", "(A1,B2:C3)", "A1:B2 B2:C3", "A1:B2:C3", "Table1[Col]",
    "Table1[[#All],[a]]", "[@x]", "nothing_by_this_name", "A1:INDEX(B:B,3)", "A1:OFFSET(A1,1,1)",
    "!A1", "''!A1", "A1B2", "TRUE", "F1", "w1", "LOG10", "E1", "1E5", "_xlpm.x",
]  # fmt: skip
LITERALS = [
    "0", "1", "-1", ".5", "5.", "1E308", "1E309", "1E-400", "9" * 400, '"text"', '""', '"a""b"',
    "TRUE", "#N/A", "#DIV/0!", "#CALC!", "#SPILL!", "#GETTING_DATA", "{1,2;3,4}", '{"a",TRUE,#N/A}',
    "{1,2;3}", "{}", '"🙂"', '"0.5"', '"1/2/2024"', "50%", "1%%",
]  # fmt: skip
WRAPPERS = [
    "IFERROR({},0)", "ROUND({},6)", "{}+0*MMULT(1,1)", "FOO({})", "N({})", "+{}", "({})", "T({})",
    "_xlfn.SINGLE({})", "IF(1,{})", "SUM({})", "MMULT({},1)", "{} ", "@{}", "INDEX({},1)",
    "VALUE({})", '{}&""', "LET(x,{},x)", "ABS({})", "{}%",
]  # fmt: skip
NAMES = [
    "rate", "w1", "A1", "é", "", "_xlnm.Print_Area", "a b", "x" * 300, "RATE", "E1", "TRUE", "R",
    "_xlnm._FilterDatabase", "SUM", "nothing_by_this_name",
]  # fmt: skip
NOISE = [
    "(", ")", "((", ",", ";", "'", '"', "!", "$", ":", "#", "@", "&", "%", "^", "{", "}", "[", "]",
    "\\", "\t", "\n", "\u00a0", "+", "--", "=", "<>", "<", "é", "δ", "🙂", "\u200b", "１", "−", "×",
    "…", "٣",
]  # fmt: skip


def draw_formula(random: Random, depth: int = 3) -> str:
    """Draw a formula, not seldom one that is none."""
    what = random.random()
    if depth == 0 or what < 0.3:
        return random.choice(REFERENCES if what < 0.18 else LITERALS)
    inner = [draw_formula(random, depth - 1) for _ in range(random.choice([0, 1, 1, 2, 2, 3]))]
    if what < 0.75:
        return f"{random.choice(FUNCTIONS)}({','.join(inner)})"
    if what < 0.9:
        operator = random.choice(["+", "-", "*", "/", "^", "&", "=", "<", ">=", " ", ","])
        return operator.join([draw_formula(random, depth - 1), *inner[:1]])
    if what < 0.95:
        return f"({draw_formula(random, depth - 1)})"
    return random.choice(["-", "+", "", "--", "@"]) + draw_formula(random, depth - 1)


def _long(random: Random) -> str:
    """Return one of those that take long to read."""
    n = random.choice([200, 1500, 8000])
    few, some = min(n, 200), min(n, 1500)
    forms = [
        "+".join(["1"] * n), "(" * n + "1" + ")" * n, "-" * n + "1", "A1" * n, "'" * 8 * n,
        "IF(1," * some + "1" + ")" * some, '"' + "a" * n + '"', '"' * n, "A1:" * n + "A1",
        "SUM(" + "A1," * n + "1)", "{" + "1," * n + "1}", "a" * n, "1" * n, "A1&" * n + "A1",
        "(" * n, "SUM(" + "A:XFD," * few + "1)", "[" * n, "!" * n, "$A$1*" * n + "B2",
        'REPT("a",32767)&' * few + '""', "%" * n, "1" + "%" * n, " " * n,
    ]  # fmt: skip
    return random.choice(forms)


def draw_any(random: Random) -> str:
    """Draw a formula, or one that takes long to read."""
    return draw_formula(random) if random.random() < 0.8 else _long(random)


def _with_noise(old: str, random: Random) -> str:
    for _ in range(random.choice([1, 1, 2, 5])):
        at = random.randrange(len(old) + 1)
        old = (
            old[:at]
            + random.choice([*NOISE, *REFERENCES[:8]])
            + old[at + random.choice([0, 0, 1]) :]
        )
    return old


def _free(random: Random) -> str:
    """Return a cell that no table uses, far below."""
    return f"{random.choice('ABCDEFG')}{random.randrange(200, 230)}"


@damage("formulas", Level.ELSEWHERE)
def beside(made: Made, random: Random) -> str:
    """Put formulas on another sheet, or into cells far below that no table reads."""
    name = pick(random, made.host.others or made.checked_sheets)
    made.changed_formulas.add(name)
    formulas = {_free(random): draw_any(random) for _ in range(random.choice([1, 1, 5]))}
    with editing_sheet(made, name) as root:
        for cell, formula in formulas.items():
            set_cell(cell_of(root, cell), formula, random.choice([None, 1.5, "a"]))
    return "formulas beside: " + "; ".join(f"{c}={f[:60]!r}" for c, f in formulas.items())


@damage("formulas", Level.ANY)
def in_a_table(made: Made, random: Random) -> str:
    target = pick(random, made.host.targets)
    how = random.random()
    if how < 0.4:
        formula = draw_any(random)
        made.broken.append(target)
    elif how < 0.6:
        formula = _with_noise(target.formula, random)
    else:
        formula = random.choice(WRAPPERS).replace("{}", target.formula)
    keeps = random.random() < 0.5
    with editing_sheet(made, target.sheet) as root:
        cell = cell_of(root, target.cell)
        value = child(cell, "v")
        old = value.text if value is not None and keeps else None
        set_cell(cell, formula, old, "n")
    return f"{target.sheet}!{target.cell} ={formula[:80]!r}"


@damage("formulas", Level.ANY)
def cycle(made: Made, random: Random) -> str:
    target = pick(random, made.host.targets)
    how = random.choice(["itself", "two", "through a range", "through a row"])
    letters, row = coordinate_from_string(target.cell)
    other = _free(random)
    formula = {
        "itself": f"{target.formula}+0*{target.cell}",
        "two": f"{target.formula}+0*{other}",
        "through a range": f"{target.formula}+0*SUM({letters}{max(1, row - 3)}:{letters}{row + 3})",
        "through a row": f"{target.formula}+0*SUM({row}:{row})",
    }[how]
    with editing_sheet(made, target.sheet) as root:
        set_cell(cell_of(root, target.cell), formula, 0.5)
        if how == "two":
            set_cell(cell_of(root, other), target.cell, 0.5)
    return f"{target.sheet}!{target.cell} reads itself: {how}"


@damage("formulas", Level.ELSEWHERE)
def cycle_beside(made: Made, random: Random) -> str:
    name = pick(random, made.host.others)  # below a table it is a mistake
    made.changed_formulas.add(name)
    count = random.choice([1, 2, 50])
    with editing_sheet(made, name) as root:
        for row in range(300, 300 + count):
            set_cell(cell_of(root, f"B{row}"), f"B{300 + (row + 1 - 300) % count}+1", 0.5)
    return f"a cycle of {count} beside"


@damage("formulas", Level.ANY)
def attributes_wrong(made: Made, random: Random) -> str:
    target = pick(random, made.host.targets)
    options = [
        {"t": "shared", "si": "0"}, {"t": "shared", "si": "-1", "ref": target.cell},
        {"t": "shared", "si": "99999999999", "ref": "A1:B2"}, {"t": "shared"}, {"t": "normal"},
        {"t": "shared", "si": "7", "ref": "B9:A1"}, {"t": "array", "ref": "A1:XFD1048576"},
        {"t": "shared", "si": "7", "ref": "A1:XFD1048576"}, {"t": "shared", "si": "x", "ref": "é"},
        {"t": "array"}, {"t": "array", "ref": "A1:B2"}, {"t": "array", "ref": "B9:A1"},
        {"t": "dataTable", "ref": target.cell, "r1": "A1"}, {"t": "dataTable"}, {"t": "bogus"},
        {"ca": "1"}, {"bx": "1"}, {"si": "3"}, {"ref": "A1"}, {"t": "array", "ref": ""},
    ]  # fmt: skip
    attributes = random.choice(options)
    empty = random.random() < 0.3
    with editing_sheet(made, target.sheet) as root:
        cell = cell_of(root, target.cell)
        set_cell(cell, "" if empty else target.formula, 0.5, attributes=attributes)
    return f"{target.sheet}!{target.cell}: formula with {attributes}{', empty' * empty}"


@damage("formulas", Level.SAME)
def shared(made: Made, random: Random) -> str:
    """Share the formulas of columns, as Excel does when they are filled down."""
    name = pick(random, made.checked_sheets)
    part = made.part(name)
    root = made.book.root(part)
    cells = {cell.get("r"): cell for cell in named(root, "c") if cell.get("r")}
    runs: list[list[Any]] = []
    for target in made.host.targets:
        if target.sheet != name or target.cell not in cells:
            continue
        cell = cells[target.cell]
        formula = child(cell, "f")
        if formula is None or not formula.text or formula.attrib:
            continue
        letters, row = coordinate_from_string(target.cell)
        if runs:
            before = runs[-1][-1]
            first = runs[-1][0]
            same = _filled(child(first, "f").text, first.get("r"), target.cell) == formula.text
            if same and before.get("r") == f"{letters}{row - 1}":
                runs[-1].append(cell)
                continue
        runs.append([cell])
    number = 0
    for run in runs:
        if len(run) < 2:
            continue
        for k, cell in enumerate(run):
            formula = child(cell, "f")
            formula.set("t", "shared")
            formula.set("si", str(number + 100))
            if k:
                formula.text = None
            else:
                formula.set("ref", f"{run[0].get('r')}:{run[-1].get('r')}")
        number += 1
    made.book.put(part, root)
    return f"{name}: {number} shared formulas"


def _filled(formula: str, origin: str, cell: str) -> str | None:
    """Return a formula as it is filled into another cell; None for one that cannot be."""
    try:
        return Translator(f"={formula}", origin).translate_formula(cell)[1:]
    except (TranslatorError, TokenizerError, IndexError):
        return None


@damage("formulas", Level.SAME)
def arrays_of_one(made: Made, random: Random) -> str:
    """Enter a formula with Ctrl+Shift+Enter."""
    target = pick(random, made.host.targets)
    with editing_sheet(made, target.sheet) as root:
        formula = child(cell_of(root, target.cell), "f")
        if formula is not None and not formula.attrib:
            formula.set("t", "array")
            formula.set("ref", target.cell)
    return f"{target.sheet}!{target.cell}: an array of one"


@damage("formulas", Level.SAME)
def in_parentheses(made: Made, random: Random) -> str:
    """Write all formulas of a sheet with spaces, parentheses, a sign."""
    sheet = pick(random, made.checked_sheets)
    form = random.choice(["({})", " {}", "+{}", "{} ", "((({})))"])
    planted = {place for mistake in made.mistakes for place in mistake.cells}
    if any(sheet == name for name, _ in planted):
        raise NotApplicableError  # the oracle looks for what it planted
    with editing_sheet(made, sheet) as root:
        for target in made.host.targets:
            formula = child(cell_of(root, target.cell), "f") if target.sheet == sheet else None
            if formula is not None and formula.text:
                formula.text = form.format(formula.text)
    return f"{sheet}: {form!r} for each formula"


@damage("formulas", Level.ANY)
def names_defined(made: Made, random: Random) -> str:
    root = made.book.root("xl/workbook.xml")
    holder = next(named(root, "definedNames"), None)
    tag = next(named(root, "sheets")).tag
    if holder is None:
        holder = root.makeelement(tag.replace("}sheets", "}definedNames"))
        next(named(root, "sheets")).addnext(holder)
    said = []
    for _ in range(random.choice([1, 1, 4])):
        name = random.choice(NAMES)
        one = holder.makeelement(tag.replace("}sheets", "}definedName"), name=name)
        one.text = random.choice([draw_any(random), None, name, "1"])
        if random.random() < 0.3:
            one.set("localSheetId", random.choice(["0", "99", "-1", "x"]))
        holder.append(one)
        said.append(f"{name[:20]}={(one.text or '')[:40]!r}")
    made.book.put("xl/workbook.xml", root)
    return f"defined names: {'; '.join(said)}"
