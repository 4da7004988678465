"""How far the numbers of a workbook and those of a reference agree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RELATIVE, ABSOLUTE = 1e-9, 1e-12  # a difference up to RELATIVE · size + ABSOLUTE agrees


@dataclass
class Comparison:
    """The result of all comparisons so far."""

    compared: int = 0
    off: int = 0  # numbers that do not agree
    absolute: float = 0.0  # the largest difference
    relative: float = 0.0  # of numbers that are not near 0

    def add(self, shown: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
        """Compare what cells show with what is expected, where that is a finite number."""
        known = np.isfinite(expected)
        size = np.abs(expected[known])
        off = np.abs(shown[known] - expected[known])
        self.compared += off.size
        self.off += int((~(off <= RELATIVE * size + ABSOLUTE)).sum())
        self.absolute = max(self.absolute, _largest(off))
        large = size > ABSOLUTE / RELATIVE
        self.relative = max(self.relative, _largest(off[large] / size[large]))

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"{self.off:,} off; largest difference {self.absolute:.1e} absolute, "
            f"{self.relative:.1e} relative"
        )


def _largest(numbers: NDArray[np.float64]) -> float:
    return float(numbers[np.isfinite(numbers)].max(initial=0.0))
