"""The web page about which numbers move a result: a chart, a table, and how to read them."""

import math
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from workbook_tools import __version__
from workbook_tools.package.files import printable, write_text
from workbook_tools.reporting.cells import named
from workbook_tools.reporting.pages import render
from workbook_tools.reporting.sensitivity import numbers, remarks, signed
from workbook_tools.reporting.tornado import Bar, draw_tornado
from workbook_tools.sensitivity.asked import Sensitivity
from workbook_tools.sensitivity.influence import PERCENTS, Influence
from workbook_tools.texts import counted, plain, shortened

TEMPLATE = "sensitivity.html.j2"
_MOST_BARS = 15
_MOST_ROWS = 200
_LONGEST = 60  # characters of a label
_DOWN, _UP = -10, 10  # percent, in the chart


def write_page(found: Sensitivity, path: Path) -> None:
    """Write the page; raises ``InputError`` if it cannot be written."""
    write_text(path, to_html(found))


def to_html(found: Sensitivity) -> str:
    """Return the page."""
    felt = [one for one in found.influences if one.is_felt]
    bars = [_bar(one, found) for one in felt if 0 < one.reach < math.inf][:_MOST_BARS]
    title = f"Changes of {_called(found)} if one number changes by 10 %"
    unchanged = plain(found.value, 6)
    return render(
        TEMPLATE,
        name=_called(found),
        value=unchanged,
        cell=named(found.of),
        workbook=Path(printable(found.workbook)).name,
        summary=_summary(felt, found),
        chart=Markup(draw_tornado(bars, title, f"now {unchanged}")) if bars else None,
        bars=len(bars),
        headings=[*map(signed, PERCENTS)],
        rows=[
            (named(one.cell, found.of), shortened(one.label or "", _LONGEST), numbers(one))
            for one in felt[:_MOST_ROWS]
        ],
        more=max(0, len(felt) - _MOST_ROWS),
        remarks=remarks(found),
        version=__version__,
    )


def _called(found: Sensitivity) -> str:
    return shortened(found.label, _LONGEST) if found.label else named(found.of)


def _bar(one: Influence, found: Sensitivity) -> Bar:
    cell, label = named(one.cell, found.of), one.label or ""
    return Bar(cell, label, one.effects[_DOWN].change, one.effects[_UP].change)


def _summary(felt: Sequence[Influence], found: Sensitivity) -> str:
    """Return in a sentence which number moves the result most."""
    if not felt:
        return "None of the numbers moves it, each changed alone."
    count = counted(len(felt), "typed number")
    begin = f"{count} {'moves' if len(felt) == 1 else 'move'} this result."
    first = next((one for one in felt if 0 < one.reach < math.inf), None)
    change = first.effects[_UP].change if first else None
    if first is None or change is None:
        return begin
    share = f", or {100 * change / abs(found.value):+.2g} %" if found.value else ""
    said = (
        f"{begin} The strongest is {_labelled(first, found)}: with 10 % more of it, the result "
        f"changes by {plain(change, sign='+')}{share}."
    )
    return said.replace(" %", "\u00a0%")  # no line ends between them


def _labelled(one: Influence, found: Sensitivity) -> str:
    cell = named(one.cell, found.of)
    return f"{shortened(one.label, _LONGEST)} ({cell})" if one.label else cell
