"""A tornado chart as an SVG picture: how far a result moves if one number at a time changes.

The largest bars come first. Lengths are in percent of the width, and texts in pixels: so the chart
fills a wide page as well as a phone, and its labels stay readable.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lxml import etree
from lxml.builder import E

from workbook_tools.texts import plain, shortened

_TOP, _ROW, _BAR = 24, 44, 16  # pixels: above the first row, of a row, of a bar
_BAR_BEGINS = 20  # below the top of its row, where the label stands
_MARGIN = 22.0  # percent of the width, left and right of all bars, for the numbers at their ends
_LONGEST = 42  # characters of a label, which fits on a phone


class Bar(NamedTuple):
    """A number, and the changes of the result if it is smaller and if it is larger.

    A change is None if the result is no number then.
    """

    label: str
    down: float | None
    up: float | None


def draw_tornado(bars: Sequence[Bar], title: str, unchanged: str) -> str:
    """Return the picture; ``unchanged`` is the result where nothing changes, in words.

    Its colours are set by the CSS classes ``down``, ``up``, ``zero`` and ``soft``.
    """
    changes = [change for bar in bars for change in bar[1:] if change is not None]
    scale = _Scale(min(0.0, *changes), max(0.0, *changes))
    height = _TOP + _ROW * len(bars) + 4
    zero = f"{scale.x(0.0):.2f}%"
    svg = E.svg(
        E.title(title),
        {"width": "100%", "height": f"{height}", "role": "img", "class": "tornado"},
    )
    anchor = "start" if scale.x(0.0) < 2 * _MARGIN else "end" if scale.x(0.0) > 56 else "middle"
    at = {"x": zero, "y": "12", "text-anchor": anchor, "class": "soft"}
    svg.append(E.text(unchanged, at))
    line = {"x1": zero, "x2": zero, "y1": f"{_TOP - 6}", "y2": f"{height}", "class": "zero"}
    svg.append(E.line(line))
    for k, bar in enumerate(bars):
        top = _TOP + _ROW * k
        svg.append(
            E.text(_printable(shortened(bar.label, _LONGEST)), {"x": "0", "y": f"{top + 13}"})
        )
        is_one_sided = bar.down is not None and bar.up is not None and bar.down * bar.up > 0
        for name, change in (("down", bar.down), ("up", bar.up)):
            if not change:
                continue
            begin, size = top + _BAR_BEGINS, _BAR
            if is_one_sided:  # one above the other, not one over the other
                size = _BAR // 2
                begin += size * (name == "up")
            svg.extend(_bar(scale, name, change, begin, size))
    return str(etree.tostring(svg, encoding="unicode"))


def _bar(scale: "_Scale", name: str, change: float, y: int, height: int) -> list[etree._Element]:
    """Return a bar, with its number at its end."""
    ends = sorted((scale.x(0.0), scale.x(change)))
    box = {
        "x": f"{ends[0]:.2f}%",
        "y": f"{y}",
        "width": f"{ends[1] - ends[0]:.2f}%",
        "height": f"{height}",
        "class": name,
    }
    side = 1 if change > 0 else -1
    at = {
        "x": f"{scale.x(change):.2f}%",
        "y": f"{y + height / 2:g}",
        "dx": f"{6 * side}",
        "dy": ".35em",
        "text-anchor": "start" if change > 0 else "end",
        "class": "number",
    }
    return [E.rect(box), E.text(plain(change, 3, sign="+"), at)]


class _Scale:
    """Where changes of the result are drawn, in percent of the width."""

    def __init__(self, low: float, high: float) -> None:
        # In halves, so that the largest doubles do not overflow.
        self._low, self._size = low / 2, high / 2 - low / 2

    def x(self, change: float) -> float:
        part = (change / 2 - self._low) / self._size if self._size else 0.5
        return _MARGIN + part * (100 - 2 * _MARGIN)


def _printable(text: str) -> str:
    """Return a text without characters that XML does not have."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
