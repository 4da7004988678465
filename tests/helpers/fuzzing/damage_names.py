"""What sheets are called."""

import re
from random import Random

from fuzzing.book import WORKBOOK, NotApplicableError, named
from fuzzing.made import Level, Made, damage, pick

GOOD = [
    "sheet1", "SHEET1", "Sheet1", "Sheet2", "It's", "a'b'c", "31 letters, not one more, sir!!",
    "δ und ∂", "中文表", "🙂", "2024", "A1", "R1C1", "RC", "TRUE", "a.b", "a-b", "(x)", "a,b;c",
    "#REF!", "x!y", "&amp;", "<b>", '"quoted"', "  spaced  ", "%20", "$A$1",
    "1/2".replace("/", "÷"), "Findings", "e\u0301", "xfd1048576", "=1+1", "{a}", "@", "Ⅷ", "-", ".",
    "_", "w1", "Overview 2", "tab\u00a0space",
]  # fmt: skip
BAD = [
    "", "a" * 32, "a" * 5000, "a:b", "a/b", "a\\b", "[a]", "a?", "a*", "'a", "a'", "a\tb", "a\nb",
    "History", "\u200b",
]  # fmt: skip


_OF_A_NETWORK = ("Digit", "Digits")


@damage("names", Level.SAME)
def renamed_as_excel_allows(made: Made, random: Random) -> str:
    """Rename a sheet, and what refers to it."""
    new = pick(random, GOOD)
    return _rename(made, random, new, references=True)


@damage("names", Level.ANY)
def renamed_as_nobody_allows(made: Made, random: Random) -> str:
    new = pick(random, BAD)
    return _rename(made, random, new, references=random.random() < 0.5)


def _rename(made: Made, random: Random, new: str, references: bool) -> str:
    sheets = made.book.sheets()
    old = pick(random, [*sheets, *map(made.sheet, made.checked_sheets)])
    if references and old in _OF_A_NETWORK:  # which its checker knows by their names
        raise NotApplicableError
    if new.lower() in {name.lower() for name in sheets}:
        raise NotApplicableError
    root = made.book.root(WORKBOOK)
    next(one for one in named(root, "sheet") if one.get("name") == old).set("name", new)
    made.book.put(WORKBOOK, root)
    if references:
        _follow(made, old, new)
    for name in made.host.book().sheets():
        if made.sheet(name) == old:
            made.names[name] = new
    return f"sheet {old!r} is now {new[:40]!r}"


def _follow(made: Made, old: str, new: str) -> None:
    """Let every formula refer to the new name, and so every text that is the old one."""
    quoted = "'" + old.replace("'", "''") + "'!"
    by = "'" + new.replace("'", "''") + "'!"
    plain = re.compile(rf"(?<![\w'.\]])({re.escape(old)}!|{re.escape(quoted)})")
    for part in [
        p
        for p in made.book.parts
        if re.match(r"xl/(workbook|worksheets/|charts/|sharedStrings).*xml$", p)
    ]:
        root = made.book.root(part)
        changed = False
        for one in named(root, "f", "definedName", "formula", "formula1"):
            if one.text and plain.search(one.text):
                one.text = plain.sub(lambda _: by, one.text)
                changed = True
        for text in named(root, "t"):
            if text.text == old and old not in GOOD:  # such as w1, which is a label too
                text.text = new
                changed = True
        for link in named(root, "hyperlink"):
            location = link.get("location")
            if location and plain.search(location):
                link.set("location", plain.sub(lambda _: by, location))
                changed = True
        if changed:
            made.book.put(part, root)


@damage("names", Level.ANY)
def two_of_one_name(made: Made, random: Random) -> str:
    sheets = made.book.sheets()
    root = made.book.root(WORKBOOK)
    old = pick(random, sheets)
    other = pick(random, [name for name in sheets if name != old])
    new = pick(random, [old, old.upper(), old.lower()])
    next(one for one in named(root, "sheet") if one.get("name") == other).set("name", new)
    made.book.put(WORKBOOK, root)
    return f"sheet {other!r} is now {new!r}, and {old!r} is there"


@damage("names", Level.SAME)
def hidden(made: Made, random: Random) -> str:
    root = made.book.root(WORKBOOK)
    sheets = list(named(root, "sheet"))
    if len(sheets) < 2:
        raise NotApplicableError
    one = pick(random, sheets)
    one.set("state", pick(random, ["hidden", "veryHidden"]))
    made.book.put(WORKBOOK, root)
    return f"sheet {one.get('name')!r} is hidden"


@damage("names", Level.ANY)
def sheets_damaged(made: Made, random: Random) -> str:
    root = made.book.root(WORKBOOK)
    sheets = list(named(root, "sheet"))
    one = pick(random, sheets)
    how = pick(
        random, ["no name", "no id", "no sheet id", "same part", "gone", "state", "order", "many"]
    )
    identity = next((name for name in one.attrib if name.endswith("}id")), None)
    match how:
        case "no name":
            one.attrib.pop("name", None)
        case "no id":
            one.attrib.pop(identity or "", None)
        case "no sheet id":
            one.attrib.pop("sheetId", None)
        case "same part":
            other = pick(random, sheets)
            if identity is None:
                raise NotApplicableError
            one.set(identity, other.get(identity) or "")
        case "gone":
            one.getparent().remove(one)
        case "state":
            one.set("state", "bogus")
        case "order":
            one.getparent().insert(0, one)
        case _:
            for k in range(20):
                other = one.__copy__()
                other.set("name", f"S{k}")
                one.getparent().append(other)
    made.book.put(WORKBOOK, root)
    return f"sheet {one.get('name')!r}: {how}"
