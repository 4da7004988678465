"""A limit on how much work of one kind is done for a workbook, however large it is."""


class Budget:
    """The work that may still be done, in units that take about the same time."""

    def __init__(self, units: int) -> None:
        self._left = units
        self.refused = 0  # how often work was refused because nothing was left

    def begins(self) -> bool:
        """Tell whether another piece of work may begin; count it as refused if not."""
        if self._left > 0:
            return True
        self.refused += 1
        return False

    def spend(self, units: int = 1) -> None:
        """Subtract work that was done."""
        self._left -= units
