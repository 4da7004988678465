"""Infers the mathematics of a table from its numbers, where it has no formulas.

Each way in which they may have been worked out is tried on the numbers that it would read. The one
that contradicts the fewest numbers on the sheet is taken. The numbers may be rounded.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np

from workbook_tools.mathematics.functions import ELEMENTWISE, Softmax, losses
from workbook_tools.mathematics.local import expected_values
from workbook_tools.mathematics.reference import Reference, stacked
from workbook_tools.mathematics.rounding import Numbers, Rounded
from workbook_tools.notation.quantities import TOTAL_LOSS, Naming
from workbook_tools.notation.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation, Loss
from workbook_tools.reading.digits import halves_of
from workbook_tools.reading.inferred import ScaledLoss
from workbook_tools.reading.region import Region

_MOST_ROWS = 1_000  # that are looked at
_FACTORS = (1.0, 2.0, 0.5)  # with which people write a loss
_SAME, _TINY = 1e-9, 1e-12  # differences that tell nothing, relative and absolute

Choice = TypeVar("Choice")


class Fit:
    """The numbers of a table, to which the mathematics is fitted."""

    def __init__(self, region: Region, naming: Naming) -> None:
        """``naming`` has the network's quantities; its wiring need not be known."""
        self._region = region
        self._naming = naming

    @cached_property
    def _halves(self) -> Mapping[str, np.ndarray]:
        values = self._region.values
        bare = [symbol for symbol in values if not self._region.usual_formula(symbol)]
        pasted = {symbol: ~np.isnan(values[symbol]) for symbol in bare}
        return halves_of(values, pasted, [*self._naming.inputs, *self._naming.targets])

    def numbers(self, symbols: list[str]) -> Rounded | None:
        """Return the first numbers of quantities (rows, symbols); None if one has none."""
        values, rows = self._region.values, slice(None, _MOST_ROWS)
        if not all(symbol in values for symbol in symbols):
            return None
        exact = np.zeros(len(self._region.rows))
        halves = {symbol: self._halves.get(symbol, exact) for symbol in symbols}
        return Rounded.read(stacked(values, symbols)[rows], _SAME, stacked(halves, symbols)[rows])

    def activations(self, layer: int) -> list[Activation]:
        """Return what a layer's activation may be; nothing if it has formulas, or no numbers."""
        naming = self._naming
        z, shown = self.numbers(naming.units(layer)), self.numbers(naming.activations(layer))
        if z is None or shown is None or self._has_formulas(naming.activations(layer)):
            return []
        found: dict[Activation, Numbers] = {a: f.value(z) for a, f in ELEMENTWISE.items()}
        if layer == naming.layers[-1] and len(naming.units(layer)) > 1:
            found[Activation.SOFTMAX] = Softmax.of(z).shares
        return _fewest(found, shown)

    def losses(self, reference: Reference) -> list[ScaledLoss]:
        """Return what the loss may be; nothing if it has formulas, or no numbers.

        ``reference`` is the mathematics, in which only the loss is not known yet.
        """
        naming, output = self._naming, reference.activations[-1]
        last, values = naming.layers[-1], self._region.values
        asked = naming.losses if values.keys() >= {*naming.losses} else [TOTAL_LOSS]
        given = naming.targets, naming.units(last), naming.activations(last)
        shown, targets, z, outputs = map(self.numbers, (asked, *given))
        if shown is None or targets is None or z is None or outputs is None:
            return []
        if self._has_formulas(asked):
            return []
        found: dict[ScaledLoss, Numbers] = {}
        for loss in Loss:
            needed = CROSS_ENTROPY_OUTPUTS.get(loss)
            if needed is output or (needed is None and output is not Activation.SOFTMAX):
                parts = losses(loss, targets, z, outputs)
                own = parts if asked == naming.losses else parts.sum(axis=1, keepdims=True)
                found |= {ScaledLoss(loss, factor): factor * own for factor in _FACTORS}
        return _fewest(found, shown)

    def contradicted(self, reference: Reference, rate: float) -> int:
        """Count the numbers in place of formulas that are wrong, if this is the mathematics."""
        values = {symbol: column[:_MOST_ROWS] for symbol, column in self._region.values.items()}
        halves = {symbol: column[:_MOST_ROWS] for symbol, column in self._halves.items()}
        own = expected_values(reference, values, rate, {}, storage=_SAME, halves=halves)
        return sum(
            int((np.abs(values[symbol] - own.values[symbol]) > own.radius[symbol]).sum())
            for symbol in halves
        )

    def best(self, likely: Sequence[Reference], rate: float) -> Reference:
        """Return the mathematics that contradicts the fewest numbers, the first of equals."""
        if len(likely) == 1:
            return likely[0]
        return min(likely, key=lambda reference: self.contradicted(reference, rate))

    def _has_formulas(self, symbols: list[str]) -> bool:
        return any(self._region.usual_formula(symbol) for symbol in symbols)


def _fewest(found: Mapping[Choice, Numbers], shown: Rounded) -> list[Choice]:
    """Return the choices that contradict the fewest of the numbers ``shown``."""
    counts = {choice: _off(numbers, shown) for choice, numbers in found.items()}
    return [choice for choice, count in counts.items() if count == min(counts.values())]


def _off(found: Rounded, shown: Rounded) -> int:
    """Count the numbers that are not what was ``found``, whatever was rounded."""
    off = np.abs(found.values - shown.values)
    return int((off > found.radius + shown.radius + _TINY).sum())
