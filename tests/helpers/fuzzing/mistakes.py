"""Mistakes that are known to be some, in formula cells of training tables."""

import re
from dataclasses import dataclass, field
from random import Random

from fuzzing.book import Book, cell_of, child, set_cell
from fuzzing.hosts import Host, Target

_RELATIVE = re.compile(r"(?<![\w$'!.])([A-Z]{1,2})(\d+)(?![\w(!])")


@dataclass(frozen=True)
class Mistake:
    """Cells that hold something else than they should."""

    what: str
    targets: tuple[Target, ...]
    formulas: tuple[str | None, ...]  # without "="; None where a number is typed
    keeps_values: bool  # whether the file goes on carrying the values of the right formulas
    numbers: tuple[float, ...] = field(default=())

    @property
    def cells(self) -> set[tuple[str, str]]:
        """Where it is."""
        return {(target.sheet, target.cell) for target in self.targets}

    def plant(self, book: Book) -> None:
        """Put it into a workbook; the values are those of before."""
        sheets = book.sheets()
        for sheet in {target.sheet for target in self.targets}:
            root = book.root(sheets[sheet])
            for k, (target, formula) in enumerate(zip(self.targets, self.formulas, strict=True)):
                if target.sheet != sheet:
                    continue
                cell = cell_of(root, target.cell)
                if formula is None:
                    set_cell(cell, value=self.numbers[k])
                    continue
                value = child(cell, "v")
                old = None if value is None else value.text
                set_cell(cell, formula, old, "n")
            book.put(sheets[sheet], root)


def draw_mistake(host: Host, random: Random) -> Mistake:
    """Draw a mistake in one cell, or in a whole column of gradients."""
    stale = random.random() < 0.5
    gradients = sorted({(t.sheet, t.header, t.symbol) for t in host.targets if t.symbol[:1] == "∂"},
                       key=str)  # fmt: skip
    if len(gradients) > 2 and random.random() < 0.2:
        sheet, header, symbol = random.choice(gradients)
        column = [t for t in host.targets if (t.sheet, t.header) == (sheet, header)]
        form = random.choice(["-({})", "({})*1.5"])
        formulas = tuple(form.format(target.formula) for target in column)
        return Mistake(f"{form} in all of {symbol}", tuple(column), formulas, stale)
    target = random.choice(host.targets)
    what, formula, number = _changed(host, target, random)
    return Mistake(f"{what} in {target.symbol}", (target,), (formula,), stale, (number,))


def _changed(host: Host, target: Target, random: Random) -> tuple[str, str | None, float]:
    formula = target.formula
    kinds = ["scaled", "shifted", "negative", "typed"]
    references = list(_RELATIVE.finditer(formula))
    if references and target.symbol:
        kinds += ["next row", "other column"]
    if "$" in formula and re.search(r"\$[A-Z]+\$\d+", formula):
        kinds.append("drifted")
    kind = random.choice(kinds)
    if kind == "scaled":
        return kind, f"({formula})*{random.choice(['1.01', '2', '0.5'])}", 0.0
    if kind == "shifted":
        return kind, f"({formula}){random.choice(['+0.01', '-1', '+1E-3'])}", 0.0
    if kind == "negative":
        return kind, f"0.25-({formula})", 0.0
    if kind == "typed":
        return kind, None, random.choice([0.123456, -3.0, 41.5])
    if kind == "drifted":
        match = random.choice(list(re.finditer(r"\$([A-Z]+)\$(\d+)", formula)))
        other = f"${match[1]}${int(match[2]) + random.choice([1, 5])}"
        return kind, formula[: match.start()] + other + formula[match.end() :], 0.0
    match = random.choice(references)
    column, row = match.groups()
    if kind == "next row":
        other = f"{column}{int(row) + random.choice([-1, 1, 1])}"
    else:
        columns = {t.cell.rstrip("0123456789") for t in host.targets if t.sheet == target.sheet}
        other = f"{random.choice(sorted(columns - {column}))}{row}"
    return f"{match[0]} → {other}", formula[: match.start()] + other + formula[match.end() :], 0.0
