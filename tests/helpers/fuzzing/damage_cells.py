"""Cells that hold something else than they should."""

from random import Random
from typing import Any

from fuzzing.book import cell_of, child, set_cell
from fuzzing.damage_xml import NUMBERS
from fuzzing.made import Level, Made, damage, editing_sheet, pick

ERRORS = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!",
          "#FIELD!", "#BLOCKED!", "#GETTING_DATA", "bogus", ""]  # fmt: skip
TEXTS = [
    "0.5", "0,5", " 0.5 ", "=A1", "'0.5", "1/2", "50%", "", " ", "n/a", "-", "∞", "½", "0.5\u00a0",
    "x" * 33_000, "a\nb", "_x0041_", "\u202e0.5", "🙂", "1e3", "TRUE", "١٢", "0x1F", "12:00",
    "2024-01-01",
]  # fmt: skip
TYPES = ["n", "s", "str", "inlineStr", "b", "e", "d", "bogus", ""]


def _content(cell: Any, random: Random) -> str:
    """Give a cell any content without a formula; return what."""
    how = pick(
        random, ["number", "text", "error", "boolean", "date", "type", "shared", "bare s", "no v"]
    )
    match how:
        case "number":
            value: object = pick(random, NUMBERS)
            set_cell(cell, value=value, kind="n")
        case "text":
            value = pick(random, TEXTS)
            set_cell(cell, value=value, kind=pick(random, ["inlineStr", "str"]))
        case "error":
            value = pick(random, ERRORS)
            set_cell(cell, value=value, kind="e")
        case "boolean":
            value = pick(random, ["0", "1", "2", "true", "TRUE", ""])
            set_cell(cell, value=value, kind="b")
        case "date":
            value = pick(random, ["2024-02-29T12:30:00", "2024-02-30", "1899-12-31", "T", "", "12"])
            set_cell(cell, value=value, kind="d")
        case "type":
            value = pick(random, TYPES)
            cell.set("t", value)
        case "shared":
            value = pick(random, ["0", "999999", "-1", "1.5", "x"])
            set_cell(cell, value=value, kind="s")
        case "bare s":
            value = ""
            set_cell(cell, kind="s")
        case _:
            value = pick(random, TYPES)
            set_cell(cell, kind=value)
    return f"{how} {str(value)[:20]!r}"


@damage("cells", Level.ANY)
def formula_cell_overwritten(made: Made, random: Random) -> str:
    target = pick(random, made.host.targets)
    with editing_sheet(made, target.sheet) as root:
        cell = cell_of(root, target.cell)
        before = child(cell, "f")
        said = _content(cell, random)
        if before is not None and child(cell, "f") is None:
            made.broken.append(target)
    return f"{target.sheet}!{target.cell}: {said}"


@damage("cells", Level.ANY)
def data_overwritten(made: Made, random: Random) -> str:
    sheet = pick(random, made.host.data)
    names = random.sample(made.host.data[sheet], k=min(random.choice([1, 1, 3, 30]),
                                                        len(made.host.data[sheet])))  # fmt: skip
    said = []
    with editing_sheet(made, sheet) as root:
        said.extend(f"{name} {_content(cell_of(root, name), random)}" for name in names)
    return f"data of {sheet}: {'; '.join(said)[:200]}"


@damage("cells", Level.ANY)
def anywhere(made: Made, random: Random) -> str:
    """Put something into cells near the table, or far from it."""
    sheet = pick(random, made.checked_sheets)
    rows = pick(random, [range(1, 5), range(1, 40), [1048576, 1048575], range(900, 999)])
    letters = pick(random, ["ABCD", ["AG", "AH", "AI", "AZ"], ["XFD", "XFC"], "BCDEFGHIJKLMNOPQ"])
    names = sorted(
        {f"{pick(random, letters)}{pick(random, rows)}" for _ in range(pick(random, [1, 5]))}
    )
    made.broken += [target for target in made.host.targets
                    if target.sheet == sheet and target.cell in names]  # fmt: skip
    said = []
    with editing_sheet(made, sheet) as root:
        said.extend(f"{name} {_content(cell_of(root, name), random)}" for name in names)
    return f"cells of {sheet}: {'; '.join(said)[:200]}"


@damage("cells", Level.ELSEWHERE)
def on_another_sheet(made: Made, random: Random) -> str:
    sheet = pick(random, made.host.others)
    made.changed_formulas.add(sheet)
    said = []
    with editing_sheet(made, sheet) as root:
        for _ in range(5):
            name = f"{pick(random, 'ABCDEFGH')}{random.randrange(1, 60)}"
            said.append(f"{name} {_content(cell_of(root, name), random)}")
    return f"cells of {sheet}: {'; '.join(said)[:200]}"


@damage("cells", Level.SAME)
def data_typed_as_formulas(made: Made, random: Random) -> str:
    """Type =0.5 for 0.5."""
    sheet = pick(random, made.host.data)
    said = []
    with editing_sheet(made, sheet) as root:
        for name in made.host.data[sheet]:
            cell = cell_of(root, name)
            value = child(cell, "v")
            is_number = cell.get("t", "n") == "n" and value is not None
            if is_number and child(cell, "f") is None and random.random() < 0.3:
                set_cell(cell, value.text, value.text, "n")
                said.append(name)
    return f"typed as formulas: {', '.join(said)[:100]}"


@damage("cells", Level.ANY)
def all_values_gone(made: Made, random: Random) -> str:
    """Leave the formulas without values, as some programs write them; or some of them."""
    share = pick(random, [1.0, 0.5])
    for name in made.checked_sheets:
        with editing_sheet(made, name) as root:
            for cell in root.iter("{*}c"):
                value = child(cell, "v")
                if child(cell, "f") is not None and value is not None and random.random() < share:
                    cell.remove(value)
    return f"{share:.0%} of the values gone"


@damage("cells", Level.ANY)
def values_replaced(made: Made, random: Random) -> str:
    """Let the file carry other values than its formulas have."""
    sheet = pick(random, made.checked_sheets)
    count = 0
    with editing_sheet(made, sheet) as root:
        for cell in root.iter("{*}c"):
            value = child(cell, "v")
            if child(cell, "f") is not None and value is not None and random.random() < 0.1:
                value.text = pick(random, [*NUMBERS, "#REF!", "0.5"])
                cell.set("t", pick(random, ["n", "n", "str", "e", "b", "s"]))
                count += 1
    return f"{sheet}: {count} stored values replaced"
