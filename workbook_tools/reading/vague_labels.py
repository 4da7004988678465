"""Decides what vague labels of a header mean, from the labels beside them.

``Output 1`` is the pre-activation if there is a label for the activation, and the other way round;
``t`` is the target of a single output; ``ω1`` is a weight where none is called w; ``b_h`` and
``b_o`` are b1 and b2. A label that cannot be decided names no quantity.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from workbook_tools.notation.quantities import gradient_symbol
from workbook_tools.reading.labels import ACTUAL, ALONE, HIDDEN, OUTPUT, VAGUE

_ANOTHER_OUTPUT = re.compile(r"(?:o|a_o|δ_o|t|E)(?:[2-9]|\d{2,})")
_UNIT_OR_LAYER = re.compile(r"(?P<letter>[ho])(?:(?P<layer>\d+)_)?(?P<unit>\d*)")
_HIDDEN_UNIT = re.compile(r"(?P<kind>a_|δ_)?h(?P<number>\d+)")


def resolved(columns: Mapping[str, int]) -> dict[str, int]:
    """Return the columns by quantity, from the left.

    ``columns`` are the columns by what ``labels.parse_label`` returned.
    """
    columns = _with_weights(columns)
    found = {s: column for s, column in columns.items() if s[0] not in (VAGUE, "x", "y")}
    vague = {s: column for s, column in columns.items() if s not in found}
    # Later steps build on what earlier ones found.
    for step in (_parameters, _plain, _units, _alone, _biases, _letters, _actual):
        for token, symbol in step([*vague], {**found}):
            found.setdefault(symbol, vague[token])
    return dict(sorted(_by_layer(found).items(), key=lambda item: item[1]))


_Decided = Iterator[tuple[str, str]]  # a token, and the quantity it means


def _with_weights(columns: Mapping[str, int]) -> dict[str, int]:
    """Take ω or θ for weights if only one of the two is used, and no w."""
    letters = {m[1] for s in columns if (m := re.fullmatch(r"\??([wωθ])\d+", s))}
    if len(letters) != 1:
        return dict(columns)
    letter = letters.pop()
    found: dict[str, int] = {}
    for symbol, column in columns.items():
        found.setdefault(re.sub(rf"{letter}(?=\d+$)", "w", symbol), column)
    return found


def _parameters(tokens: list[str], _: Mapping[str, int]) -> _Decided:
    return ((token, token[1:]) for token in tokens if re.fullmatch(r"\?[wb]\d+", token))


def _plain(tokens: list[str], found: Mapping[str, int]) -> _Decided:
    """Take a label for what it says, unless it is the gradient of a parameter without a label."""
    for token in tokens:
        symbol = token.removeprefix(VAGUE)
        if symbol == token or " " in symbol or re.search(r"b_|[ωθ]|^[xy]", symbol):
            continue
        parameter = symbol.removeprefix(gradient_symbol(""))
        if parameter == symbol or parameter in found:
            yield token, symbol


def _units(tokens: list[str], found: Mapping[str, int]) -> _Decided:
    """Take the bare name of a unit for whichever of pre-activation and activation has no label."""
    for token in tokens:
        for prefix, letter in ((HIDDEN, "h"), (OUTPUT, "o")):
            number = token.removeprefix(prefix)
            if number == token:
                continue
            sides = [f"{letter}{number}", f"a_{letter}{number}"]
            lacking = [side for side in sides if side not in found]
            if len(lacking) == 1:
                yield token, lacking[0]


def _alone(tokens: list[str], found: Mapping[str, int]) -> _Decided:
    """Take labels without a number for those of output 1, if there is no other output."""
    if any(_ANOTHER_OUTPUT.fullmatch(symbol) for symbol in found):
        return
    known = {symbol for token in tokens if (symbol := token.removeprefix(ALONE)) != token}
    for token in tokens:
        symbol = token.removeprefix(ALONE)
        if symbol in (token, "y1"):
            continue
        if symbol.startswith("output"):
            lacking = [side for side in ("o1", "a_o1") if side not in {*found, *known}]
            if len(lacking) == 1:
                yield token, lacking[0]
        else:
            yield token, symbol


def _biases(tokens: list[str], found: Mapping[str, int]) -> _Decided:
    """Give numbers to biases named after units or layers (``b_h``, ``b_o2``), in their order."""
    own = {m[1]: token for token in tokens if (m := re.fullmatch(r"\?b_(.+)", token))}
    if any(re.fullmatch(r"b\d+", symbol) for symbol in found):
        return
    for number, name in enumerate(sorted(own, key=_place), start=1):
        yield own[name], f"b{number}"
        token = VAGUE + gradient_symbol(f"b_{name}")
        if token in tokens:
            yield token, gradient_symbol(f"b{number}")


def _place(name: str) -> tuple[bool, int, int]:
    match = _UNIT_OR_LAYER.fullmatch(name)
    if not match:
        return True, 0, 0
    return match["letter"] == "o", int(match["layer"] or 0), int(match["unit"] or 0)


def _letters(tokens: list[str], found: Mapping[str, int]) -> _Decided:
    """Take x for inputs, and y for targets or else outputs, where these have no labels."""
    several = any(_ANOTHER_OUTPUT.fullmatch(symbol) for symbol in found)
    for letter, other in (("x", "i"), ("y", "t" if "t1" not in found else "a_o")):
        if f"{other}1" in found:
            continue
        for token in tokens:
            match = re.fullmatch(rf"(?:{re.escape(VAGUE)}|{re.escape(ALONE)})?{letter}(\d+)", token)
            if match and not (token.startswith(ALONE) and several):
                yield token, f"{other}{match[1]}"


def _actual(tokens: list[str], found: Mapping[str, int]) -> _Decided:
    """Take actual outputs for activations, where targets and pre-activations have labels."""
    for token in tokens:
        number = token.removeprefix(ACTUAL)
        if number != token and {f"t{number}", f"o{number}"} <= found.keys():
            yield token, f"a_o{number}"


def _by_layer(columns: dict[str, int]) -> dict[str, int]:
    """Rename hidden units whose layer is not in the name, or in it without a separator."""
    numbers = {m["number"] for s in columns if (m := _HIDDEN_UNIT.fullmatch(s))}
    places = _of_two_digits(numbers) or _of_running_numbers(numbers, columns)
    found: dict[str, int] = {}
    for symbol, column in columns.items():
        match = _HIDDEN_UNIT.fullmatch(symbol)
        name = places.get(match["number"]) if match else None
        found[f"{match['kind'] or ''}h{name}" if match and name else symbol] = column
    return found


def _named(sizes: list[int], layer: int, unit: int) -> str:
    return f"{layer}_{unit}" if len(sizes) > 1 else str(unit)


def _of_two_digits(numbers: set[str]) -> dict[str, str]:
    """Read 11 12 21 22 as layer and unit, if all numbers are like that and none is missing."""
    if not numbers or any(len(number) != 2 for number in numbers):
        return {}
    layers = sorted({int(number[0]) for number in numbers})
    sizes = [sum(number[0] == str(layer) for number in numbers) for layer in layers]
    every = {f"{k}{u}" for k, size in enumerate(sizes, 1) for u in range(1, size + 1)}
    if every != numbers:
        return {}
    return {number: _named(sizes, int(number[0]), int(number[1])) for number in numbers}


def _of_running_numbers(numbers: set[str], columns: Mapping[str, int]) -> dict[str, str]:
    """Divide units that are numbered through all layers into layers, by the number of weights.

    Nothing is returned if they fit into one layer, or if there is not exactly one way.
    """
    count = len(numbers)
    weights = {int(m[1]) for s in columns if (m := re.fullmatch(r"w(\d+)", s))}
    first, last = (sum(bool(re.fullmatch(rf"{x}\d+", s)) for s in columns) for x in "io")
    whole = numbers == {str(k) for k in range(1, count + 1)}
    if not whole or weights != set(range(1, len(weights) + 1)) or not first or not last:
        return {}

    def fits(sizes: Iterable[int]) -> bool:
        return sum(m * n for m, n in pairwise([first, *sizes, last])) == len(weights)

    if fits([count]):
        return {}
    ways = [[k, count - k] for k in range(1, count) if fits([k, count - k])]
    if len(ways) != 1:
        return {}
    [sizes] = ways
    every = [(layer, unit) for layer, size in enumerate(sizes, 1) for unit in range(1, size + 1)]
    return {str(k): _named(sizes, *place) for k, place in enumerate(every, start=1)}
