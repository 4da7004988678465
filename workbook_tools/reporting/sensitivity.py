"""How much typed numbers move a result: printed on a terminal, as JSON, and as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from workbook_tools.notation.addresses import Cell
from workbook_tools.reporting.cells import as_json_place, named
from workbook_tools.reporting.csv_file import write_csv
from workbook_tools.sensitivity.asked import Sensitivity
from workbook_tools.sensitivity.influence import PERCENTS, Influence
from workbook_tools.texts import counted, plain, shortened

_MOST_PRINTED = 20
_MOST_NAMED = 5  # cells that do not move the result
_LONGEST_LABEL, _SHORTEST_LABEL = 40, 12  # characters
_GAP = 2  # spaces between columns
NOTHING = "–"


def print_sensitivity(found: Sensitivity, console: Console) -> None:
    """Print a line for each number that moves the result, the first 20 of them."""
    console.print(Text(f"{found.workbook}  ({found.engine})", style="bold"), soft_wrap=True)
    called = f" {shortened(found.label, _LONGEST_LABEL)}" if found.label else ""
    console.print(Text(f"\n{named(found.of)}{called} = {found.value:.10g}\n"), soft_wrap=True)
    felt = [one for one in found.influences if one.is_felt]
    if felt:
        console.print(_grid(felt[:_MOST_PRINTED], found.of, console.width))
    for line in _notes(found, len(felt)):
        console.print(Text(f"\n{line}"), soft_wrap=True)


def _grid(influences: list[Influence], of: Cell, width: int) -> Grid:
    """Return the table; labels are as long as there is room beside the numbers.

    On a narrow terminal, the effects of ±1 % are left out.
    """
    labels = [one.label or NOTHING for one in influences]
    for percents in (PERCENTS, (PERCENTS[0], PERCENTS[-1])):
        headings = ("cell", "value", "derivative", "elasticity", *map(signed, percents), "straight")
        rows = [(named(one.cell, of), *numbers(one, percents)) for one in influences]
        taken = sum(max(map(len, own)) + _GAP for own in zip(headings, *rows, strict=True))
        room = min(width - taken, _LONGEST_LABEL)
        if room >= min(max(map(len, ["label", *labels])), _SHORTEST_LABEL):
            break
    grid = Grid(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    grid.add_column("cell", no_wrap=True)
    grid.add_column("label", no_wrap=True)
    for heading in headings[1:]:
        grid.add_column(heading, justify="right", no_wrap=True)
    for label, (cell, *own) in zip(labels, rows, strict=True):
        shown = shortened(label, max(_SHORTEST_LABEL, room))
        grid.add_row(*map(Text, (cell, shown, *own)))
    return grid


def numbers(one: Influence, percents: Sequence[int] = PERCENTS) -> list[str]:
    """Return what is shown of a number: value, derivative, elasticity, effects, straight up to."""
    return [
        plain(one.value),
        NOTHING if one.derivative is None else plain(one.derivative),
        NOTHING if one.elasticity is None else plain(one.elasticity, 3),
        *(_effect(one, own) for own in percents),
        straight(one.straight_up_to),
    ]


def _effect(one: Influence, percent: int) -> str:
    """Return by how much the result changes, or what it shows if it is no number any more."""
    if percent not in one.effects:
        return NOTHING
    effect = one.effects[percent]
    if effect.change is None:
        return effect.shows
    return plain(effect.change, 3, sign="+") if effect.change else "0"


def straight(percent: int | None) -> str:
    """Return up to which change a straight line holds: ``±20 %``."""
    if percent is None:
        return NOTHING
    return f"±{percent} %" if percent else "< ±1 %"


def signed(change: int) -> str:
    """Return a change in percent with its sign: ``−10 %``."""
    return f"{'−' if change < 0 else '+'}{abs(change)} %"


def _notes(found: Sensitivity, felt: int) -> list[str]:
    """Return what is said below the table."""
    lines = []
    if felt > _MOST_PRINTED:
        lines.append(
            f"And {counted(felt - _MOST_PRINTED, 'more number')} that "
            f"{'moves' if felt == _MOST_PRINTED + 1 else 'move'} it; --csv writes them all."
        )
    if felt:
        lines.append(
            "−10 % to +10 %: the change of the result if the cell alone changes by that.\n"
            "straight: up to this change of the cell, the derivative tells the change within 5 %."
        )
    return [*lines, *remarks(found)]


def remarks(found: Sensitivity) -> list[str]:
    """Return sentences about numbers that do not move the result, and missing derivatives."""
    lines = []
    still = [named(one.cell, found.of) for one in found.influences if not one.is_felt]
    if still:
        listed = ", ".join(still[:_MOST_NAMED])
        more = f" and {len(still) - _MOST_NAMED:,} more" if len(still) > _MOST_NAMED else ""
        said = "does not move it" if len(still) == 1 else "do not move it, each changed alone"
        lines.append(f"{listed}{more} {said}.")
    if found.gaps:
        more = f", and {counted(len(found.gaps) - 1, 'other formula')}" if found.gaps[1:] else ""
        lines.append(f"No derivative ({NOTHING}) by what is read in {found.gaps[0]}{more}.")
    return lines


def as_json(found: Sensitivity) -> dict[str, Any]:
    """Return the influence of all numbers as a JSON document."""
    return {
        "schema": 1,
        "workbook": found.workbook,
        "engine": found.engine,
        "of": {**as_json_place(found.of), "label": found.label, "value": found.value},
        "no_derivative_in": found.gaps,
        "cells": [
            {
                **as_json_place(one.cell),
                "label": one.label,
                "value": one.value,
                "derivative": one.derivative,
                "elasticity": one.elasticity,
                "effects": [
                    {"percent": percent, "change": effect.change, "shows": effect.shows or None}
                    for percent, effect in sorted(one.effects.items())
                ],
                "straight_up_to": one.straight_up_to,
            }
            for one in found.influences
        ],
    }


def write_table(found: Sensitivity, path: Path) -> None:
    """Write the table of all numbers as CSV, with all digits.

    Raises ``InputError`` if it cannot be written.
    """
    changes = [f"change at {percent:+d} %" for percent in PERCENTS]
    headings = ["sheet", "cell", "label", "value", "derivative", "elasticity", *changes]
    rows = (
        [
            *as_json_place(one.cell).values(),
            one.label,
            one.value,
            one.derivative,
            one.elasticity,
            *(_exact(one, percent) for percent in PERCENTS),
            one.straight_up_to,
        ]
        for one in found.influences
    )
    write_csv([*headings, "straight up to %"], rows, path)


def _exact(one: Influence, percent: int) -> float | str | None:
    effect = one.effects.get(percent)
    return None if effect is None else effect.shows if effect.change is None else effect.change
