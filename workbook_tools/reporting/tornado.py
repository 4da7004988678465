"""A tornado chart as an SVG picture: how far a result moves if one number at a time changes.

The largest bars come first. Lengths are in percent of the width, and texts in pixels: so the chart
fills a wide page as well as a phone, and its labels stay readable.
"""

from collections.abc import Iterator, Sequence
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

    cell: str
    label: str
    down: float | None
    up: float | None


def draw_tornado(bars: Sequence[Bar], title: str, unchanged: str) -> str:
    """Return the picture; ``unchanged`` is the result where nothing changes, in words.

    Its colours are set by the CSS classes ``down``, ``up``, ``zero`` and ``soft``.
    """
    changes = [change for bar in bars for change in (bar.down, bar.up) if change]
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
        label = E.text({"x": "0", "y": f"{top + 13}", "class": "name"})
        label.append(E.tspan(f"{bar.cell} ", {"class": "soft"}))
        label.append(E.tspan(_printable(shortened(bar.label, _LONGEST - len(bar.cell)))))
        svg.append(label)
        svg.extend(_drawn(scale, bar, top + _BAR_BEGINS))
    return str(etree.tostring(svg, encoding="unicode"))


def _drawn(scale: "_Scale", bar: Bar, y: int) -> Iterator[etree._Element]:
    """Yield the two bars of a number, with the changes at their ends."""
    both = [(name, own) for name, own in (("down", bar.down), ("up", bar.up)) if own]
    # If both go to one side, one stands below the other, and their changes beside the longer one.
    is_one_sided = len({own > 0 for _, own in both}) < len(both)
    height = _BAR // 2 if is_one_sided else _BAR
    for k, (name, change) in enumerate(both):
        begin, end = sorted((scale.x(0.0), scale.x(change)))
        box = {"x": f"{begin:.2f}%", "width": f"{end - begin:.2f}%", "height": f"{height}"}
        yield E.rect({**box, "y": f"{y + k * height * is_one_sided}", "class": name})
    ends = [(own, plain(own, 3, sign="+")) for _, own in both]
    if is_one_sided:
        longest, _ = max(ends, key=lambda end: abs(end[0]))
        ends = [(longest, " / ".join(text for _, text in ends))]
    for change, text in ends:
        side, anchor = (1, "start") if change > 0 else (-1, "end")
        at = {"x": f"{scale.x(change):.2f}%", "y": f"{y + _BAR // 2}", "dy": ".35em"}
        yield E.text(text, {**at, "dx": f"{6 * side}", "text-anchor": anchor, "class": "number"})


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
