"""Finds forward formulas that read the parameters of an earlier iteration.

A block that is copied down may keep an anchor: some of its rows go on reading the block before.
Then the gradient is worked out as it should be, but it is not that of the loss in the block.
"""

import re
from collections.abc import Iterator

import numpy as np

from workbook_tools.differentiation.adjoints import named_in
from workbook_tools.learning.judging.verdicts import Culprit, Judged
from workbook_tools.notation.addresses import Cell, column_letter


def reading_earlier(result: Judged, culprit: Culprit) -> dict[Cell, str]:
    """Return the formulas that should read a parameter, and read an earlier one instead.

    They are returned as they should be, by cell.
    """
    return dict(_misreading(result, culprit))


def _misreading(result: Judged, culprit: Culprit) -> Iterator[tuple[Cell, str]]:
    model, space = result.model, result.model.space
    parameter = culprit.parameter
    earlier = {*space.earlier(parameter)}
    down = space.flow.downstream(np.array([parameter]))
    used = space.flow.upstream(model.losses[down[model.losses]])
    pairs = space.reads.of(np.array(sorted(earlier), dtype=np.int64))
    for reader in np.unique(pairs.readers[used[pairs.readers]]).tolist():
        if space.is_parameter[reader]:
            continue
        _, row, _ = space.layout.cell(reader)
        node = space.whole.nodes[int(space.whole.node_at[reader])]
        for cell in named_in(node, row):
            place = space.layout.place_of(cell)
            origin = int(space.reads.origin[place])
            if origin in earlier:
                own = place if place != origin else reader  # a copy, or the reader itself
                formula = space.formula(own)
                new = _replaced(
                    formula or "", space.layout.cell(origin), space.layout.cell(parameter)
                )
                if formula and new != formula:
                    yield space.layout.cell(own), new


def _replaced(formula: str, old: Cell, new: Cell) -> str:
    """Return a formula with a cell in the place of another, as it is anchored there."""
    pattern = rf"(?<![\w.!$])(\$?){column_letter(old[2])}(\$?){old[1]}(?![\w.(])"
    return re.sub(pattern, rf"\g<1>{column_letter(new[2])}\g<2>{new[1]}", formula)
