"""The order of columns: the cells of most ranges are beside each other."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from workbook_tools.gradients.model import Model
from workbook_tools.training.flat import Key


class Order:
    """Puts cells in an order in which those of most ranges are beside each other."""

    def __init__(
        self, model: Model, read: Iterable[list[list[Key]]], stacked: Collection[str]
    ) -> None:
        """Take what is read together, and the sheets with data that are looked up in columns."""
        self._number = {sheet.name: k for k, sheet in enumerate(model.sheets)}
        down: Counter[tuple[str, bool]] = Counter()
        for rows in read:
            key = rows[0][0]
            if len(rows) > 1:
                down[key.cell[0], key.is_adjoint] += 1
            elif len(rows[0]) > 1:
                down[key.cell[0], key.is_adjoint] -= 1
        self._down, self._stacked = down, stacked

    def of(self, keys: Iterable[Key]) -> list[Key]:
        """Return cells in order: column by column, or row by row, on each sheet."""
        return sorted(keys, key=self._place)

    def _place(self, key: Key) -> tuple[int, int, int]:
        sheet, row, column = key.cell
        is_down = self._down[sheet, key.is_adjoint] >= 0 or sheet in self._stacked
        return self._number[sheet], *((column, row) if is_down else (row, column))


def runs(
    keys: Sequence[Key], where: Callable[[Key], tuple[str, int] | None]
) -> Iterator[list[Key]]:
    """Yield keys that are beside each other together; those that are nowhere alone."""
    run: list[Key] = []
    last: tuple[str, int] | None = None
    for key in keys:
        own = where(key)
        if run and (own is None or last is None or own != (last[0], last[1] + 1)):
            yield run
            run = []
        run.append(key)
        last = own
    if run:
        yield run
