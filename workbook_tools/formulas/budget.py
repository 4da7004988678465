"""How much of one kind of work is done for a workbook, however large it is."""


class Budget:
    """Work that is left to be done, in units of about the same time."""

    def __init__(self, units: int) -> None:
        self._left = units
        self.refused = 0  # how often work was asked for that nothing was left for

    def begins(self) -> bool:
        """Tell whether there is anything left, for one more piece of work; count it if not."""
        if self._left > 0:
            return True
        self.refused += 1
        return False

    def spend(self, units: int = 1) -> None:
        """Take what was done off."""
        self._left -= units
