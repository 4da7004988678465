"""The functions of one value or of many, by name; each is written where its subject is."""

from workbook_tools.evaluator.functions import (
    aggregates,
    arithmetic,
    conditional,
    distributions,
    financial,
    logic,
    lookup,
    matrices,
    rounding,
    texts,
)
from workbook_tools.evaluator.functions.function import Function

_SUBJECTS = (
    *(aggregates, arithmetic, conditional, distributions, financial, logic),
    *(lookup, matrices, rounding, texts),
)
FUNCTIONS: dict[str, Function] = {
    name: function for subject in _SUBJECTS for name, function in subject.FUNCTIONS.items()
}
