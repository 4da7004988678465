"""Tells whether an update may be one of a known optimizer, by how it depends on its gradients.

If all gradients are multiplied by a number, and states begin with 0, what gradient descent and
momentum add is multiplied by it, too. What RMSProp, Adam and AdaGrad add stays the same, but for a
small constant that keeps them from dividing by 0. And all but gradient descent remember earlier
gradients.
"""

import numpy as np

from workbook_tools.differentiation.tape import Array

SCALE = 2.0  # by which gradients are multiplied
_DEGREES = (0, 1)
_CLEAR = 1e-3  # relative; the small constant matters less


def is_known(added: Array, of_scaled: Array) -> bool:
    """Tell whether what updates add, (updates, draws), is scaled with the gradients as is usual.

    ``of_scaled`` is what they add with gradients that are ``SCALE`` times as large.
    """
    with np.errstate(all="ignore"):
        ratios = of_scaled / added
    ratios = ratios[np.isfinite(ratios)]  # the first ones may divide 0 by 0
    if 2 * ratios.size <= added.size:
        return False
    return any((np.abs(ratios / SCALE**degree - 1) <= _CLEAR).all() for degree in _DEGREES)


def remembers(added: Array, of_others: Array) -> bool:
    """Tell whether what updates add is another if earlier gradients are, (updates, draws)."""
    return bool((np.abs(of_others - added) > _CLEAR * np.abs(added)).any())
