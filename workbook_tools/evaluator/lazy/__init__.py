"""Functions that do not need the values of all their arguments.

Each is given the parts of its call, and returns the function that evaluates it.
"""

from workbook_tools.evaluator.lazy import choices, references
from workbook_tools.evaluator.lazy.call import Lazy

LAZY: dict[str, Lazy] = {**choices.CALLS, **references.CALLS}
