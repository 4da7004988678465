"""The derivatives of a cell by others, printed on a terminal and as JSON."""

from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from workbook_tools.differentiation.asked import Derivative, Gradient, Shown, Update
from workbook_tools.notation.addresses import Cell
from workbook_tools.reporting.cells import as_json_place, named

_MOST_SHOWN = 3  # cells that show one derivative


def print_derivatives(found: Gradient, console: Console) -> None:
    """Print a line for each cell by which was differentiated."""
    console.print(Text(f"{found.workbook}  ({found.engine})", style="bold"), soft_wrap=True)
    console.print(Text(f"\n{named(found.of)} = {found.value:.10g}\n"), soft_wrap=True)
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("by", no_wrap=True)
    for heading in ("its value", "derivative"):
        grid.add_column(heading, justify="right", no_wrap=True)
    if found.is_drawn:
        grid.add_column("shown by", overflow="fold")
        grid.add_column("updated in", overflow="fold")
    for part in found.parts:
        row = [named(part.by, found.of), f"{part.at:.4g}", f"{part.value:.10g}"]
        if found.is_drawn:
            row += [_shown(part, found.of), _updates(part, found.of)]
        grid.add_row(*map(Text, row))
    console.print(grid)
    if not found.is_drawn:
        said = (
            "\nWhich cells show these derivatives is not known: on other numbers, "
            "the workbook gives errors."
        )
        console.print(Text(said), soft_wrap=True)


def _shown(part: Derivative, of: Cell) -> str:
    """Return the cells that show a derivative; those with a factor of 1 come first."""

    def rank(one: Shown) -> tuple[bool, bool]:
        return one.factor != 1.0, one.cell[0] != of[0]

    every = sorted(part.shown, key=rank)
    cells = [
        named(one.cell, of) + (f" (× {one.factor:g})" if one.factor != 1.0 else "")
        for one in every[:_MOST_SHOWN]
    ]
    more = len(every) - len(cells)
    return ", ".join([*cells, f"{more:,} more"] if more else cells) or "–"


def _updates(part: Derivative, of: Cell) -> str:
    """Return the cells that update a parameter, and what they add to it."""
    return ", ".join(_said(update, of) for update in part.updates[:_MOST_SHOWN]) or "–"


def _said(update: Update, of: Cell) -> str:
    """Say what a cell adds to a parameter: ``K6: −H8·derivative``."""
    if update.factor is None:
        return f"{named(update.cell, of)}: adds something else"
    size = abs(update.factor)
    factors = [f"{size:g}"] if size != 1.0 or update.rate is None else []
    factors += [named(update.rate, of)] if update.rate else []
    sign = "−" if update.factor < 0 else "+"
    return f"{named(update.cell, of)}: {sign}{'·'.join([*factors, 'derivative'])}"


def as_json(found: Gradient) -> dict[str, Any]:
    """Return the derivatives as a JSON document."""
    return {
        "schema": 1,
        "workbook": found.workbook,
        "engine": found.engine,
        "of": {**as_json_place(found.of), "value": found.value},
        "derivatives": [
            {
                **as_json_place(part.by),
                "value": part.at,
                "derivative": part.value,
                "shown_by": [
                    {**as_json_place(one.cell), "factor": one.factor} for one in part.shown
                ]
                if found.is_drawn
                else None,
                "updated_in": [
                    {
                        **as_json_place(one.cell),
                        "factor": one.factor,
                        "rate": as_json_place(one.rate) if one.rate else None,
                    }
                    for one in part.updates
                ]
                if found.is_drawn
                else None,
            }
            for part in found.parts
        ],
    }
