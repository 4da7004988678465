"""Reads headers that are the right side of an equation, and finds which quantity that computes.

``w1*i1 + w2*i2`` is a pre-activation, ``1/(1+exp(-h1))`` an activation, ``½(t1 − a_o1)²`` a part of
the loss, ``(a_o1-t1)*a_o1*(1-a_o1)*a_h1`` the gradient of the weight between h1 and o1. What is
computed follows from the quantities that the equation names. Units are numbered in the order of the
weights that lead to them.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from workbook_tools.formulas.references import MAX_FORMULA_LENGTH
from workbook_tools.notation.quantities import TOTAL_LOSS, delta_symbol, gradient_symbol
from workbook_tools.reading.labels import parse_symbol

_NAME = re.compile(r"(?<![^\W\d])[^\W\d]++\{?\d+(?:[_,]\d+)?\}?")
_OPERATOR = re.compile(r"[-+*/^·×∙•−–²½(]")
_PRODUCT = re.compile(r"\s*+[*·×∙•]?\s*")
_SQUARED = re.compile(r"\)\s*(\^\s*2|²)|\bln\b|\blog\b|\bpower\b", re.IGNORECASE)


class _Equation(NamedTuple):
    """The right side of an equation: its text, and the symbols in it, in order."""

    text: str
    symbols: tuple[str, ...]

    def of(self, letters: str) -> list[str]:
        """Return the symbols that are one of these letters and a number, each once."""
        own = (s for s in self.symbols if re.fullmatch(rf"[{letters}]\d+", s))
        return list(dict.fromkeys(own))

    @property
    def units(self) -> dict[tuple[int, int], None]:
        """The inputs and units in it, by layer and number; the layer of outputs is ``_LAST``."""
        return dict.fromkeys(place for s in self.symbols if (place := _place(s)))


_LAST = 1_000  # the layer of outputs: more layers than any table has


def _place(symbol: str) -> tuple[int, int] | None:
    """Return the layer and number of an input or a unit; None for anything else."""
    match = re.fullmatch(r"(?:a_|δ_)?(?:(i|o)|h(?:(\d+)_)?)(\d+)", symbol)
    if not match:
        return None
    layer = {"i": 0, "o": _LAST}.get(match[1] or "", int(match[2] or 1))
    return layer, int(match[3])


def read_equations(labels: Mapping[int, str], known: Collection[str]) -> dict[int, str]:
    """Return the symbols of labels that are the right side of an equation, by column.

    ``known`` are the symbols of the other labels beside them.
    """
    equations = {column: eq for column, label in labels.items() if (eq := _parsed(label))}
    named = {symbol for eq in equations.values() for symbol in eq.symbols} | set(known)
    found: dict[int, str] = {}
    joins: dict[tuple[str, str], str] = {}  # source and unit -> weight; "" and unit -> bias
    sums = {column: eq for column, eq in equations.items() if _is_weighted_sum(eq)}
    hidden, output = _free("h", known), _free("o", known)
    for column, eq in sorted(sums.items(), key=lambda one: min(map(_number, one[1].of("w")))):
        is_output = not eq.of("i") or not any(s.startswith(("h", "a_h")) for s in named)
        found[column] = unit = next(output if is_output else hidden)
        joins |= {(source, unit): weight for source, weight in _products(eq)}
        joins["", unit] = next(iter(eq.of("b")), "")
    for column, eq in equations.items():
        symbol = None if column in sums else _quantity(eq, joins)
        if symbol and symbol not in known:
            found[column] = symbol
    return found


def may_be_equation(label: str) -> bool:
    """Tell whether a label may be the right side of an equation."""
    return _parsed(label) is not None


@lru_cache(maxsize=1_000)
def _parsed(label: str) -> _Equation | None:
    if len(label) > MAX_FORMULA_LENGTH:
        return None
    text = label.strip().removeprefix("=")
    if "=" in text or not (_OPERATOR.search(text) or label.strip().startswith("=")):
        return None
    symbols = [parse_symbol(match[0]) for match in _NAME.finditer(text)]
    if not symbols or None in symbols:
        return None
    return _Equation(text, tuple(symbol for symbol in symbols if symbol))


def _number(symbol: str) -> int:
    return int(re.findall(r"\d+", symbol)[-1])


def _is_weighted_sum(eq: _Equation) -> bool:
    sources = [s for s in eq.symbols if re.fullmatch(r"i\d+|a_h\d+", s)]
    others = set(eq.symbols) - set(sources) - set(eq.of("wb"))
    return bool(eq.of("w") and sources) and not others


def _free(letter: str, known: Collection[str]) -> Iterator[str]:
    """Yield the units that have no column of their own yet, in order."""
    return (unit for k in count(1) if (unit := f"{letter}{k}") not in known)


def _products(eq: _Equation) -> list[tuple[str, str]]:
    """Return the pairs of a source and a weight that are multiplied."""
    names = list(_NAME.finditer(eq.text))
    pairs = []
    for k in range(len(names) - 1):
        between = eq.text[names[k].end() : names[k + 1].start()]
        one, other = eq.symbols[k], eq.symbols[k + 1]
        if _PRODUCT.fullmatch(between) and (one[0] == "w") != (other[0] == "w"):
            pairs.append((other, one) if one[0] == "w" else (one, other))
    return pairs


def _quantity(eq: _Equation, joins: Mapping[tuple[str, str], str]) -> str | None:
    """Return what an equation computes that is not a weighted sum."""
    layers = sorted({layer for layer, _ in eq.units})
    places = {layer: [n for at, n in eq.units if at == layer] for layer in layers}
    names = set(eq.symbols)
    if names == set(eq.of("E")):
        return TOTAL_LOSS
    if len(layers) == 1 and not any(s.startswith(("a_", "δ_", "i", "t")) for s in names):
        return f"a_{eq.symbols[0]}"
    if not eq.of("t") and not any(symbol.startswith("δ_") for symbol in names):
        return None
    if layers == [_LAST] and _SQUARED.search(eq.text + _repeated(eq)):
        outputs = places[_LAST]
        return TOTAL_LOSS if len(outputs) > 1 else f"E{outputs[0]}"
    if not layers:
        return None
    lowest = [_unit(layers[0], number) for number in places[layers[0]]]
    following = [_unit(layers[1], number) for number in places[layers[1]]] if layers[1:] else []
    if len(lowest) == len(following) == 1:
        source = lowest[0] if layers[0] == 0 else f"a_{lowest[0]}"
        weight = joins.get((source, following[0]))
        if weight and weight not in names:
            return gradient_symbol(weight)
    biases = {joins.get(("", unit)) for unit in lowest}
    if len(biases) == 1 and (bias := biases.pop()):
        return gradient_symbol(bias)
    return delta_symbol(lowest[0]) if layers[0] and len(lowest) == 1 else None


def _unit(layer: int, number: int) -> str:
    """Return a unit's name, or an input's."""
    letter = {0: "i", _LAST: "o"}.get(layer, "h")
    return f"{letter}{number}"


def _repeated(eq: _Equation) -> str:
    """Return ``²`` if a difference is multiplied by itself, else nothing."""
    plain = re.sub(r"[\s*·×]", "", eq.text)
    return "²" if re.search(r"(\([^()]*\))\1", plain) else ""
