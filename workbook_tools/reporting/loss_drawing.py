"""The loss over the iterations as an SVG picture: the curve as built, and as it should be."""

import math
import sys
from itertools import groupby

from lxml import etree
from lxml.builder import E

from workbook_tools.judging.report import LossCurve

_WIDTH, _HEIGHT = 480, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 34, 40
_MOST_POINTS = 400  # of a curve; a longer one is drawn by the lowest and highest of every few
_SMALLEST = 1e-300  # difference that is drawn: near the smallest double digits are lost
_LOG_FROM = 7.0  # ratio of largest to smallest: then at least two of 1, 2, 5, 10 are on the axis


def draw_losses(losses: LossCurve) -> str | None:
    """Return the picture; None if there are no numbers to draw.

    Its colours are set by the CSS classes ``axis``, ``grid``, ``built`` and ``right``.
    """
    curves = [losses.built, losses.right]
    values = [value for curve in curves for value in curve if math.isfinite(value)]
    count = max(map(len, curves))
    if not values or count < 2:
        return None
    scale = _Scale(min(values), max(values))
    svg = E.svg(
        E.title("The loss over the iterations, as built and as it should be"),
        {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "class": "losses"},
    )
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in scale.ticks:
        y = f"{scale.y(tick):.1f}"
        svg.append(E.line({"x1": f"{_LEFT}", "x2": f"{right}", "y1": y, "y2": y, "class": "grid"}))
        label = {"x": f"{_LEFT - 7}", "y": y, "dy": ".35em", "text-anchor": "end"}
        svg.append(E.text(f"{tick:.10g}", label))
    for iteration in dict.fromkeys((1, (1 + count) // 2, count)):
        at = {"x": f"{_x(iteration - 1, count):.1f}", "y": f"{bottom + 17}"}
        svg.append(E.text(f"{iteration:,}", {**at, "text-anchor": "middle"}))
    middle = {"x": f"{(_LEFT + right) / 2}", "text-anchor": "middle", "class": "axis"}
    svg.append(E.text("iteration", {**middle, "y": f"{_HEIGHT - 6}"}))
    kind = "loss, logarithmic" if scale.is_log else "loss"
    svg.append(E.text(kind, {"x": "2", "y": "14", "class": "axis"}))
    for number, (name, words) in enumerate((("built", "as built"), ("right", "as it should be"))):
        if not any(map(math.isfinite, curves[number])):
            continue
        x = _WIDTH - 245 + 95 * number
        line = {"x1": f"{x}", "x2": f"{x + 26}", "y1": "10", "y2": "10", "class": name}
        svg.extend([E.line(line), E.text(words, {"x": f"{x + 32}", "y": "14"})])
        svg.append(E.path({"d": _path(curves[number], count, scale), "class": name}))
    return str(etree.tostring(svg, encoding="unicode"))


class _Scale:
    """The axis of losses: logarithmic if all are positive and far apart."""

    def __init__(self, low: float, high: float) -> None:
        is_level = high / 2 - low / 2 < _SMALLEST
        self.is_log = low > 0 and not is_level and high / low >= _LOG_FROM
        if is_level:  # a flat curve gets room above and below
            room = (max(abs(low), abs(high)) if abs(high) > _SMALLEST else 1.0) / 2
            low = max(low - room, -sys.float_info.max)
            high = min(high + room, sys.float_info.max)
        self._low, self._high = self._place(low), self._place(high)
        self.ticks = _decades(low, high) if self.is_log else _round_numbers(low, high)

    def _place(self, value: float) -> float:
        return math.log10(value) if self.is_log else value

    def y(self, value: float) -> float:
        # In halves, so that the largest doubles do not overflow.
        part = self._place(value) / 2 - self._low / 2
        part /= self._high / 2 - self._low / 2
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _decades(low: float, high: float) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    if len(exponents) > 4:
        exponents = exponents[:: len(exponents) // 5 + 1]
        found = [float(f"1e{exponent}") for exponent in exponents]
    else:
        found = [float(f"{digit}e{k}") for k in exponents for digit in (1, 2, 5)]
    return [tick for tick in found if low <= tick <= high]


def _round_numbers(low: float, high: float) -> list[float]:
    rough = high / 4 - low / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * digit for digit in (1, 2, 5, 10) if size * digit >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [k * step for k in range(first, last + 1)]


def _x(position: int, count: int) -> float:
    return _LEFT + position / (count - 1) * (_WIDTH - _LEFT - _RIGHT)


def _path(losses: list[float], count: int, scale: _Scale) -> str:
    """Return a curve as an SVG path, with gaps where there is no number."""
    pieces = []
    for finite, part in groupby(_positions(losses), lambda k: math.isfinite(losses[k])):
        if finite:
            points = [f"{_x(k, count):.1f},{scale.y(losses[k]):.2f}" for k in part]
            pieces.append("M" + "L".join(points if len(points) > 1 else points * 2))
    return "".join(pieces)


def _positions(losses: list[float]) -> list[int]:
    """Return which iterations are drawn; outliers are kept."""
    if len(losses) <= _MOST_POINTS:
        return list(range(len(losses)))
    step = 2 * len(losses) // _MOST_POINTS
    chosen = {0, len(losses) - 1}
    for begin in range(0, len(losses), step):
        part = range(begin, min(begin + step, len(losses)))
        chosen |= {min(part, key=losses.__getitem__), max(part, key=losses.__getitem__)}
    return sorted(chosen)
