"""Why a formula has no derivative, or cannot be differentiated in several cells at once."""


class NoDerivativeError(Exception):
    """Something in a formula has no derivative, or one that is not known."""


class UnevenError(Exception):
    """A formula reads ranges of different sizes in its cells, so they go one by one."""
