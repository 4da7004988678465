"""What was read of a sheet's rows without parsing them: their values, by columns."""

from array import array
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Texts = list[str]
_OF_NUMBERS = b"0123456789.eE+-"


class Place(NamedTuple):
    """A column that has a value in a row."""

    column: int
    kind: str  # of its value, as in StoredCell
    is_formula: bool


# The places, the columns with formulas, and the last column.
Key = tuple[tuple[Place, ...], tuple[int, ...], int]


class Layout:
    """Rows that have values and formulas in the same columns, and what is in them."""

    def __init__(
        self, places: tuple[Place, ...], formula_columns: tuple[int, ...], last_column: int
    ) -> None:
        self.rows = array("q")
        self.last_column = last_column
        self.formulas: list[tuple[int, ...]] = []  # one number a formula column
        self._places = places
        self.formula_columns = formula_columns
        self._which = array("q")  # of the formulas, for each row
        self._numbers = array("d")  # row by row
        self._texts: Texts = []  # row by row
        kinds = list(enumerate(place.kind for place in places))
        self._shared = [k for k, kind in kinds if kind == "s"]
        self._of_texts = [k for k, kind in kinds if kind not in ("n", "s")]
        self._of_numbers = [k for k, kind in kinds if kind in ("n", "s")]

    @property
    def key(self) -> Key:
        """What tells it from other layouts of a sheet."""
        return self._places, self.formula_columns, self.last_column

    def emptied(self) -> "Layout":
        """Return the same layout without rows."""
        return Layout(*self.key)

    def which(self, formulas: Sequence[int]) -> int:
        """Return the number of these formulas, one for each formula column, among the layout's."""
        self.formulas.append(tuple(formulas))
        return len(self.formulas) - 1

    def add(self, row: int, which: int, values: list[bytes], strings: int) -> bool:
        """Add the values of a row, unless one of them is left to the parser: then return False.

        Shared texts are added by their numbers; there are ``strings`` of them.
        """
        if len(values) != len(self._places):
            return False
        texts = []
        for k in self._of_texts:
            text = values[k]
            if b"&" in text or b">" in text:
                return False
            texts.append(text.decode())
            if not texts[-1].isprintable():
                return False
        for k in self._shared:
            if not values[k].isdigit() or len(values[k]) > 10 or int(values[k]) >= strings:
                return False
        own = [values[k] for k in self._of_numbers] if self._of_texts else values
        if b"".join(own).translate(None, _OF_NUMBERS):
            return False
        try:
            numbers = list(map(float, own))
        except ValueError:
            return False
        if not isfinite(sum(numbers)):
            return False
        self.rows.append(row)
        self._numbers.fromlist(numbers)
        self._texts += texts
        self._which.append(which)
        return True

    def values(self, strings: Sequence[str]) -> Iterator[tuple[Place, NDArray[np.float64] | Texts]]:
        """Yield the values of each place, for all rows: numbers, or texts of another kind."""
        numbers = iter(np.frombuffer(self._numbers).reshape(len(self.rows), -1).T)
        texts = (self._texts[k :: len(self._of_texts)] for k in range(len(self._of_texts)))
        for place in self._places:
            if place.kind == "s":
                yield place, [strings[int(number)] for number in next(numbers).tolist()]
            else:
                yield place, next(numbers) if place.kind == "n" else next(texts)

    def formulas_of_columns(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the columns with formulas, and the number of the formula for each row."""
        numbers = np.array(self.formulas, dtype=np.int64)[np.frombuffer(self._which, np.int64)]
        return zip(self.formula_columns, numbers.T, strict=True)
