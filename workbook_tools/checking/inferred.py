"""Infers activations and loss from the formulas, where nothing is said of them above a table.

Each formula is evaluated on random numbers and compared with every function that it may be. What
most units of a layer have is taken; the others are mistakes then.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from workbook_tools.checking.cells import Cell
from workbook_tools.checking.functions import ELEMENTWISE, Softmax, losses
from workbook_tools.checking.rounding import Array
from workbook_tools.checking.table import Table
from workbook_tools.engines.embedded import evaluate
from workbook_tools.references import MAX_COLUMNS
from workbook_tools.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation, Loss

_DRAWS = 4
_CLOSE = 1e-9


def inferred_activation(table: Table, layer: int) -> Activation | None:
    """Return the activation that most formulas of a layer compute; None if it is no known one."""
    naming = table.naming
    units = naming.pre_activations(layer)
    z = np.random.default_rng(layer).uniform(-2.0, 2.0, (_DRAWS, len(units)))
    known = {activation: function.value(z) for activation, function in ELEMENTWISE.items()}
    if layer == naming.layers[-1] and len(units) > 1:
        known[Activation.SOFTMAX] = Softmax.of(z).shares
    found = _values(table, naming.activations(layer), _numbers(units, z))
    votes = [
        activation
        for k in range(len(units))
        for activation, values in known.items()
        if np.allclose(found[:, k], values[:, k], rtol=_CLOSE, atol=0.0)
    ]
    return Counter(votes).most_common(1)[0][0] if votes else None


def inferred_loss(table: Table, output: Activation) -> Loss | None:
    """Return the loss that most formulas compute; None if it is no known one."""
    naming = table.naming
    last = naming.layers[-1]
    units = naming.pre_activations(last)
    generator = np.random.default_rng(0)
    z, t = generator.uniform(-2.0, 2.0, (2, _DRAWS, len(units)))
    t = np.abs(t) / np.abs(t).sum(axis=1, keepdims=True) * 0.9
    a = Softmax.of(z).shares if output is Activation.SOFTMAX else ELEMENTWISE[output].value(z)
    given = {**_numbers(units, z), **_numbers(naming.activations(last), a)}
    found = _values(table, naming.losses, {**given, **_numbers(naming.targets, t)})
    votes = [
        loss
        for loss in Loss
        if CROSS_ENTROPY_OUTPUTS.get(loss, output) is output
        for k, values in enumerate(np.asarray(losses(loss, t, z, a)).T)
        if np.allclose(found[:, k], values, rtol=_CLOSE, atol=0.0)
    ]
    return Counter(votes).most_common(1)[0][0] if votes else None


def _numbers(symbols: Sequence[str], columns: Array) -> dict[str, Array]:
    return dict(zip(symbols, columns.T, strict=True))


def _values(table: Table, symbols: list[str], given: dict[str, Array]) -> Array:
    """Return what the formulas of these symbols give, (draws, symbols); NaN where there is none."""
    found = np.full((_DRAWS, len(symbols)), np.nan)
    places: dict[Cell, str] = {}
    number: dict[Cell, int] = {}
    cells: list[dict[Cell, float]] = [{} for _ in range(_DRAWS)]
    for k, symbol in enumerate(symbols):
        if symbol not in table.columns:
            continue
        column = table.columns[symbol]
        usual = table.sheet.usual_formula(column, table.first_row, table.last_row)
        if not usual:
            continue
        row, formula = usual
        place = (table.sheet.name, k + 1, MAX_COLUMNS)
        places[place], number[place] = formula, k
        for draw, planted in enumerate(cells):
            for name, values in given.items():
                if name in table.columns:
                    cell = (table.sheet.name, row, table.columns[name])
                    planted[cell] = float(values[draw])
    for draw, given_back in enumerate(evaluate(places, cells)):
        for place, value in given_back.items():
            if isinstance(value, float):
                found[draw, number[place]] = value
    return found
