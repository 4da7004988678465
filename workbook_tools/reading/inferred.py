"""Infers activations and loss from the formulas, where nothing is said about them above a table.

Each formula is evaluated on random numbers and compared with every function that it may be. A layer
has the activation that most of its units have; the other units are then mistakes. The formulas of
the loss tell which loss it is. It may have a factor, such as a squared error that is not halved.
Its gradients must have the same factor, so the one that most formulas agree on is taken.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from workbook_tools.mathematics.functions import ELEMENTWISE, Softmax
from workbook_tools.mathematics.network import Samples
from workbook_tools.mathematics.reference import Reference
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.quantities import TOTAL_LOSS, delta_symbol, gradient_symbol
from workbook_tools.notation.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation, Loss
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.table import Table
from workbook_tools.reading.trial import usual_values

_DRAWS = 4
_CLOSE = 1e-9
_MOST_GRADIENTS = 30  # of a layer, that are compared to find the loss
_DIGITS = 9  # to which a factor is rounded


def inferred_activation(table: Table, layer: int, calculation: Calculation) -> Activation | None:
    """Return the activation that most formulas of a layer compute; None if none is known."""
    naming = table.naming
    units = naming.pre_activations(layer)
    z = np.random.default_rng(layer).uniform(-2.0, 2.0, (_DRAWS, len(units)))
    known = {activation: function.value(z) for activation, function in ELEMENTWISE.items()}
    if layer == naming.layers[-1] and len(units) > 1:
        known[Activation.SOFTMAX] = Softmax.of(z).shares
    draws = dict(zip(units, z.T, strict=True))
    found = usual_values(table, naming.activations(layer), draws, calculation)
    agreeing = {
        activation: np.isclose(found, values, rtol=_CLOSE, atol=0.0).all(axis=0)
        for activation, values in known.items()
    }
    votes = [a for k in range(len(units)) for a, of_units in agreeing.items() if of_units[k]]
    return Counter(votes).most_common(1)[0][0] if votes else None


class ScaledLoss(NamedTuple):
    """A loss with a factor for its parts (one for each output), and one for their sum."""

    loss: Loss
    scale: float = 1.0  # of each part
    share: float = 1.0  # of their sum, in E_tot

    @property
    def is_plain(self) -> bool:
        """Whether both factors are 1."""
        return self.scale == self.share == 1.0


def inferred_loss(
    table: Table, reference: Reference, calculation: Calculation
) -> ScaledLoss | None:
    """Return the loss that its formulas compute, with the factors that most formulas have.

    Where it has no formulas, its gradients tell which loss it is. None if it is unknown.
    ``reference`` is the mathematics, in which only the loss is not known yet.
    """
    output = reference.activations[-1]
    choices: list[_Choice] = []
    for loss in Loss:
        needed = CROSS_ENTROPY_OUTPUTS.get(loss)
        if needed is output or (needed is None and output is not Activation.SOFTMAX):
            choices += _choices(table, replace(reference, loss=loss), calculation)
        best = max(choices, key=lambda choice: choice.votes, default=None)
        if best and best.of_its_kind == len(reference.naming.losses) and best.loss.is_plain:
            break  # others can only be proportional to it
    if not any(choice.votes for choice in choices):
        return None
    own = max(choice.of_its_kind for choice in choices)
    choices = [choice for choice in choices if choice.of_its_kind == own]
    most = max(choice.votes for choice in choices)
    likely = [choice.loss for choice in choices if choice.votes == most]
    return min(likely, key=lambda loss: (loss.scale != 1.0) + (loss.share != 1.0))


class _Choice(NamedTuple):
    """A loss that a table may have."""

    of_its_kind: int  # how many parts of the loss compute it, whatever their factor
    votes: int  # how many formulas of the loss and of gradients agree with it
    loss: ScaledLoss


def _choices(table: Table, reference: Reference, calculation: Calculation) -> list[_Choice]:
    """Return a loss with each factor that it may have, and how many formulas agree with it."""
    naming = reference.naming
    drawn = _iterations(reference)
    layers = [[gradient_symbol(p) for p in naming.parameters(layer)] for layer in naming.layers]
    gradients = [symbol for own in layers if table.block == 1 for symbol in own[:_MOST_GRADIENTS]]
    given = [*reference.data, *reference.start]
    for layer in naming.layers:
        given += [*naming.pre_activations(layer), *naming.activations(layer)]
    asked = [*naming.losses, *gradients]
    parts = _factors(table, asked, given, drawn, calculation)
    [total] = _factors(table, [TOTAL_LOSS], [*given, *naming.losses], drawn, calculation)
    of_parts, of_gradients = parts[: len(naming.losses)], parts[len(naming.losses) :]
    adds_up = any(symbol in table.columns for symbol in naming.losses)
    shares = {1.0, total or 1.0} if adds_up else {1.0}
    if math.isnan(total):  # it is not a sum of the parts: take the factors that gradients have
        shares |= {gradient / part for gradient in of_gradients for part in of_parts if part}
    scales = {1.0, *of_parts, *(g / share for g in of_gradients for share in shares if share)}
    if not adds_up:
        scales.add(total)
    of_its_kind = sum(part > 0 for part in of_parts)
    found = []
    for scale in sorted(scale for scale in scales if 0 < scale < math.inf):
        for share in sorted(share for share in shares if 0 < share < math.inf):
            votes = _equal(of_parts, scale) + _equal(of_gradients, scale * share)
            votes += _equal([total], share if adds_up else scale)
            loss = ScaledLoss(reference.loss, scale, share)
            found.append(_Choice(of_its_kind, votes, loss))
    return found


def inferred_delta_sign(table: Table, reference: Reference, calculation: Calculation) -> float:
    """Return the sign of δ: −1 in the delta rule, else 1; 0 if no output's δ has a formula.

    In the delta rule, most outputs' δ are t − a, and gradients are −δ a. If gradients are δ a, the
    outputs' δ have the wrong sign.
    """
    naming = reference.naming
    units = naming.pre_activations(naming.layers[-1])
    asked = [delta_symbol(unit) for unit in units]
    given = [*naming.targets, *units, *naming.activations(naming.layers[-1])]
    if not any(table.usual_formula(symbol) for symbol in asked):
        return 0.0
    signs = _factors(table, asked, given, _iterations(reference), calculation)
    if 2 * sum(sign < 0 for sign in signs) <= len(signs):
        return 1.0
    return 1.0 if _sign_of_gradients(table, reference, calculation) > 0 else -1.0


def _sign_of_gradients(table: Table, reference: Reference, calculation: Calculation) -> float:
    """Return the sign with which most gradients of weights take δ a; 0 if there are none.

    They may be sums over samples, so it counts how they change with the numbers of the first one.
    """
    naming, drawn = reference.naming, _iterations(reference)
    if naming.on_images:
        return 0.0
    products: dict[str, Array] = {}
    for layer in naming.layers:
        units, rows = naming.pre_activations(layer), naming.weights(layer)
        for unit, weights, sources in zip(units, rows, naming.sources(layer), strict=True):
            for weight, source in zip(weights, sources, strict=True):
                own = drawn[delta_symbol(unit)] * drawn[source]
                products[gradient_symbol(weight)] = own - own[0]
    asked = [symbol for symbol in products if symbol in table.columns][:_MOST_GRADIENTS]
    read = [delta_symbol(z) for layer in naming.layers for z in naming.pre_activations(layer)]
    read += [a for layer in range(len(naming.sizes)) for a in naming.activations(layer)]
    found = usual_values(table, asked, {symbol: drawn[symbol] for symbol in read}, calculation)
    factors = [_factor(found[:, k] - found[0, k], products[s]) for k, s in enumerate(asked)]
    return float(np.sign(sum(np.sign(one) for one in factors if not math.isnan(one))))


def _equal(found: Iterable[float], factor: float) -> int:
    return sum(math.isclose(one, factor, rel_tol=10.0**-_DIGITS * 5) for one in found)


@lru_cache(maxsize=4)  # tables are often alike
def _iterations(reference: Reference) -> dict[str, Array]:
    """Return the first rows of random iterations, by symbol (draws,)."""
    generator = np.random.default_rng(0)
    sizes = reference.naming.sizes
    drawn = [
        (
            [generator.uniform(-1.0, 1.0) for _ in reference.start],
            generator.uniform(0.2, 1.0, (reference.block, sizes[0])),
            generator.uniform(0.1, 0.9, (reference.block, sizes[-1])),
        )
        for _ in range(_DRAWS)
    ]
    start, inputs, targets = (np.array(part) for part in zip(*drawn, strict=True))
    begun = dict(zip(reference.start, start.T, strict=True))
    found = reference.completed(
        reference.trained_from(begun, Samples(inputs, targets), rate=1.0, iterations=1)
    )
    return {symbol: column[:, 0] for symbol, column in found.items()}


def _factors(
    table: Table,
    asked: list[str],
    given: list[str],
    drawn: Mapping[str, Array],
    calculation: Calculation,
) -> list[float]:
    """Return the factor between each formula and the reference; NaN where there is none."""
    found = usual_values(table, asked, {symbol: drawn[symbol] for symbol in given}, calculation)
    nothing = np.full(_DRAWS, np.nan)
    return [_factor(found[:, k], drawn.get(symbol, nothing)) for k, symbol in enumerate(asked)]


def _factor(found: Array, right: Array) -> float:
    own = right != 0.0  # a unit that ReLU has turned off tells nothing
    if own.sum() < 2 or not np.isfinite(found[own]).all():
        return math.nan
    ratios = found[own] / right[own]
    if np.ptp(ratios) > _CLOSE * abs(ratios[0]):
        return math.nan
    return float(f"{ratios[0]:.{_DIGITS}g}")
