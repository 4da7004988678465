"""The case of a seed and a number: always the same one."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from fuzzing import (
    damage_cells,
    damage_formulas,
    damage_labels,
    damage_names,
    damage_parts,
    damage_xml,
)
from fuzzing.book import NotApplicableError, cell_of, child, look
from fuzzing.hosts import HOSTS, host, store
from fuzzing.made import DAMAGES, Level, Made
from fuzzing.mistakes import Mistake, draw_mistake
from workbook_tools.engines import recalculate
from workbook_tools.notation.addresses import column_number

# In the order in which they are done: XML that is damaged cannot be edited any more.
_ORDER = ("cells", "formulas", "labels", "names", "xml", "parts")
_MODULES = (damage_cells, damage_formulas, damage_labels, damage_names, damage_xml, damage_parts)
_MISTAKES = 25  # of one host and seed; what each comes to by itself is worked out once
ENGINES = ["embedded"] * 8 + ["ironcalc", "cached"]


def random_of(seed: int, number: int) -> Random:
    """Return where a case's random numbers come from."""
    return Random(f"{seed}/{number}")


def host_name(random: Random) -> str:
    """Draw the host of a case; that is the first draw."""
    return random.choices(list(HOSTS), list(HOSTS.values()))[0]


def mistakes_of(folder: Path, name: str, seed: int) -> list[Mistake]:
    """Return the mistakes that may be planted into a host."""
    random = Random(f"{seed}/{name}")
    own = host(folder, name)
    return [draw_mistake(own, random) for _ in range(_MISTAKES)]


def make_case(folder: Path, seed: int, number: int) -> tuple[Made, str]:
    """Return the workbook of a case, and the engine that is to calculate it."""
    random = random_of(seed, number)
    name = host_name(random)
    own = host(folder, name)
    made = Made(own, own.book())
    if random.random() < 0.5:
        mistake = random.choice(mistakes_of(folder, name, seed))
        plant(made, mistake)
    engine = random.choice(ENGINES)
    kinds = random.choices(_ORDER, k=random.choice([1, 1, 1, 2, 2, 3]))
    highest = random.choice([Level.SAME, Level.ELSEWHERE, Level.ANY, Level.ANY])
    for kind in sorted(kinds, key=_ORDER.index):
        options = [one for one in DAMAGES[kind] if one[0] <= highest]
        for _ in range(3):  # tries
            level, damage = random.choice(options)
            try:
                said = damage(made, random)
            except (NotApplicableError, StopIteration):  # it is not there (any more)
                continue
            made.level = max(made.level, level)
            made.did.append(f"{kind}/{damage.__name__}: {said}")
            break
    return made, engine


def plant(made: Made, mistake: Mistake) -> None:
    """Put a mistake into a workbook, with the values that it leads to or with the old ones."""
    made.mistakes.append(mistake)
    mistake.plant(made.book)
    if mistake.keeps_values:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, "planted.xlsx")
        path.write_bytes(made.book.finished())
        calculation = recalculate(path, "embedded")
    for sheet in made.checked_sheets:
        part = made.part(sheet)
        root = made.book.root(part)
        for target in made.host.targets:
            cell = cell_of(root, target.cell) if target.sheet == sheet else None
            if cell is not None and child(cell, "f") is not None:
                letters = target.cell.rstrip("0123456789")
                row, column = int(target.cell[len(letters) :]), column_number(letters)
                [[value]] = calculation.block(sheet, row, column, row, column)
                store(cell, value)
        made.book.put(part, root)


def standing(made: Made, content: bytes) -> list[tuple[str, str]]:
    """Return the cells that are plain to see in the finished file and hold what they should not.

    That is what was planted, and formula cells that were made something else, below the label that
    they had. Where the file is damaged so that this cannot be seen, nothing is returned.
    """
    sheets, before = look(content), look(made.host.content.read_bytes())
    if sheets is None or before is None:
        return []
    wrong = [(t, f) for m in made.mistakes for t, f in zip(m.targets, m.formulas, strict=True)]
    found = []
    for target, formula in [*wrong, *((target, _ANYTHING) for target in made.broken)]:
        cells = sheets.get(made.sheet(target.sheet), {})
        seen = cells.get(target.cell)
        if seen is None:
            continue
        shown = None if seen.formula is None else seen.formula[0]
        if shown == target.formula if formula is _ANYTHING else shown != formula:
            continue
        if target.header is not None:
            label = before[target.sheet][target.header].text
            header = cells.get(target.header)
            if header is None or header.text is None or header.text.strip() != label:
                continue
        found.append((target.sheet, target.cell))
    return found


_ANYTHING = "(anything else)"
