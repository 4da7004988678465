"""Finds which units each weight connects, and which unit has which bias.

Some authors number weights by the unit that they lead to, others by the one that they come from;
both are right. So the formulas of the pre-activations decide. With one weight 1 and the others 0, a
pre-activation is the source that this weight multiplies; with all weights 0 it is the bias.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.quantities import Naming
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.region import Region
from workbook_tools.reading.trial import helper_formulas, try_formulas

_MOST_SOURCES = 200  # of a unit; wider layers are assumed to be numbered as usual
_MOST_BIASES = 50  # more powers of 2 than that have no exact sum

Wiring = list[list[str]]  # [unit][source]: a weight


@dataclass
class _Joined:
    """What a unit's formula adds up: sources times weights, and a bias."""

    sources: dict[str, str] = field(default_factory=dict)
    bias: str | None = None  # empty if there is none; None if it is not just one, or unknown
    read: list[str] = field(default_factory=list)  # the weights that it reads


def wired(naming: Naming, region: Region, calculation: Calculation) -> list[Naming]:
    """Return the network with its weights and biases where the formulas have them.

    A unit's formula may be mistaken, such as by using the same weight twice. So each layer gets the
    numbering with which most of its products agree. Layers on images are numbered as usual. Where
    layers have no formulas, there may be several such networks, the most usual one first.
    """
    if naming.on_images:
        return [naming]
    symbols = {*region.columns, *region.single}
    biases = sorted((s for s in symbols if s[0] == "b" and s[1:].isdigit()), key=_number)
    found = {
        unit: _joined(naming, layer, unit, biases, region, calculation)
        for layer in naming.layers
        for unit in naming.pre_activations(layer)
    }

    def has_formulas(layer: int) -> bool:
        return any(region.usual_formula(unit) for unit in naming.pre_activations(layer))

    by_formulas = [_of_layer(naming, layer, found) for layer in naming.layers]
    by_source = [
        own if has_formulas(layer) else _by_source(naming, layer)
        for layer, own in zip(naming.layers, by_formulas, strict=True)
    ]
    own_biases = _biases(naming, biases, found)
    if all(map(has_formulas, naming.layers)):
        own_biases = own_biases[:1]
    usual = tuple(tuple(naming.biases(layer)) for layer in naming.layers)
    likely = []
    for wiring, own in product([by_formulas, by_source], own_biases):
        order = [weight for layer in wiring for row in layer for weight in row]
        likely.append(
            replace(
                naming,
                order=() if order == naming.all_weights else tuple(order),
                own_biases=() if own == usual else own,
            )
        )
    return [*dict.fromkeys(likely)]


def _number(symbol: str) -> int:
    return int(symbol[1:])


def _of_layer(naming: Naming, layer: int, found: Mapping[str, _Joined]) -> Wiring:
    units, sources = naming.pre_activations(layer), naming.activations(layer - 1)
    usual = naming.weights(layer)
    flat = sorted((weight for row in usual for weight in row), key=_number)
    completed = _completed(units, sources, flat, found)

    def agreeing(wiring: Wiring) -> int:
        return sum(
            found[unit].sources.get(weight) == source
            for unit, row in zip(units, wiring, strict=True)
            for weight, source in zip(row, sources, strict=True)
        )

    return max(usual, _by_source(naming, layer), completed, key=agreeing)  # the first of equals


def _by_source(naming: Naming, layer: int) -> Wiring:
    """Return a layer's weights if they are numbered source by source, not unit by unit."""
    usual = naming.weights(layer)
    flat = sorted((weight for row in usual for weight in row), key=_number)
    return [flat[k :: len(usual)] for k in range(len(usual))]


def _completed(
    units: list[str], sources: list[str], weights: list[str], found: Mapping[str, _Joined]
) -> Wiring:
    """Return the weights where the formulas have them; the others fill the places that are left."""
    placed: dict[tuple[str, str], str] = {}
    for unit in units:
        for weight, source in found[unit].sources.items():
            if weight in weights and weight not in placed.values():
                placed.setdefault((unit, source), weight)
    for unit in units:
        own = [w for w in found[unit].read if w in weights and w not in placed.values()]
        places = [(unit, source) for source in sources if (unit, source) not in placed]
        placed |= dict(zip(places, own, strict=False))
    rest = iter([weight for weight in weights if weight not in placed.values()])
    every = ((unit, source) for unit in units for source in sources)
    placed |= {place: next(rest) for place in every if place not in placed}
    return [[placed[unit, source] for source in sources] for unit in units]


def _biases(
    naming: Naming, biases: list[str], found: Mapping[str, _Joined]
) -> list[tuple[tuple[str, ...], ...]]:
    """Return the bias of each unit, assigned in the ways that most formulas agree with."""
    read = tuple(
        tuple(found[unit].bias for unit in naming.pre_activations(layer)) for layer in naming.layers
    )
    choices = [tuple(tuple(naming.biases(layer)) for layer in naming.layers)]
    sizes = naming.sizes[1:]
    for counts in product(*(sorted({0, 1, size}) for size in sizes)):
        if sum(counts) == len(biases):
            rest = iter(biases)
            own = [[next(rest) for _ in range(count)] for count in counts]
            shares = zip(own, sizes, strict=True)
            choices.append(tuple(tuple(b * n if len(b) == 1 else b) for b, n in shares))
    unread = iter([bias for bias in biases if all(bias not in layer for layer in read)])
    known = tuple(
        tuple(bias or next(unread, "") for bias in layer) if any(layer) else () for layer in read
    )
    if len({bias for layer in known for bias in set(layer)}) == sum(len(set(o)) for o in known):
        choices.append(known)
    elif len(biases) == 1:
        choices.append(known)  # one that all layers share

    def agreeing(choice: tuple[tuple[str, ...], ...]) -> int:
        return sum(
            one == other
            for layer, own in zip(read, choice, strict=True)
            for one, other in zip(layer, own or ("",) * len(layer), strict=True)
        )

    used = [choice for choice in choices if {b for own in choice for b in own} == set(biases)]
    used = used or choices
    most = max(map(agreeing, used))
    return [choice for choice in used if agreeing(choice) == most]


def _joined(
    naming: Naming,
    layer: int,
    unit: str,
    biases: list[str],
    region: Region,
    calculation: Calculation,
) -> _Joined:
    """Return what the usual formula of a unit adds up."""
    usual = region.usual_formula(unit)
    if not usual:
        return _Joined()
    row, formula = usual

    def cells(symbols: list[str]) -> dict[str, Cell]:
        return {s: cell for s in symbols if (cell := region.cell(s, row))}

    sources, weights = cells(naming.activations(layer - 1)), cells(naming.all_weights)
    offsets = cells(biases)
    known = {*sources.values(), *weights.values(), *offsets.values()}
    helpers = helper_formulas(region.sheet, [formula], known)
    read = {
        (area.sheet or region.sheet.name, area.first_row, column)
        for text in (formula, *helpers.values())
        for area in areas(text)
        for column in range(area.first_column, area.last_column + 1)
    }
    own = [weight for weight, cell in weights.items() if cell in read]
    if len(own) > _MOST_SOURCES or len(biases) > _MOST_BIASES:
        return _Joined()
    # The first draw has biases 1, 2, 4, … and all else 0. Each of the others has one weight 1,
    # biases 0, and sources between 2 and 3: none is a sum or a product of others, or of the weight.
    alone, chance = np.arange(len(own) + 1) == 0, np.random.default_rng(0)
    planted = {cell: np.zeros(len(own) + 1) for cell in weights.values()}
    numbers = dict(zip(sources, chance.uniform(2.0, 3.0, len(sources)).tolist(), strict=True))
    planted |= {sources[source]: np.where(alone, 0.0, number) for source, number in numbers.items()}
    planted |= {cell: np.where(alone, 2.0**k, 0.0) for k, cell in enumerate(offsets.values())}
    for k, weight in enumerate(own, start=1):
        planted[weights[weight]][k] = 1.0
    values = try_formulas(region.sheet, [formula], planted, calculation)[:, 0]
    by_number = {number: source for source, number in numbers.items()}
    by_power = {0.0: "", **{2.0**k: bias for k, bias in enumerate(offsets)}}
    joined = {
        weight: by_number[value]
        for weight, value in zip(own, values[1:].tolist(), strict=True)
        if value in by_number
    }
    return _Joined(joined, by_power.get(float(values[0])), own)
