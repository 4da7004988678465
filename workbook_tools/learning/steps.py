"""Finds the cells by which formulas find others, or count: they make sense as whole numbers."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.evaluator.compiler import plain_name
from workbook_tools.formulas.tree import Call, Reference, SyntaxProblemError, Tree, children, parse
from workbook_tools.program.graph import Node
from workbook_tools.program.lanes import Batch
from workbook_tools.program.memory import Memory

_FINDING = frozenset(
    {"INDEX", "CHOOSE", "VLOOKUP", "HLOOKUP", "XLOOKUP", "LOOKUP", "MATCH", "OFFSET"}
)
_BY_FIRST = frozenset({"CHOOSE", "VLOOKUP", "HLOOKUP", "XLOOKUP", "LOOKUP", "MATCH"})
_STEPPING = frozenset({"MOD", "INT", "TRUNC", "QUOTIENT", "ROUND", "ROUNDUP", "ROUNDDOWN", "ROW"})


def steered_by(nodes: Sequence[Node], memory: Memory) -> NDArray[np.bool_]:
    """Tell by place which cells say what INDEX picks, or are counted by MOD, for example."""
    found = np.zeros(len(memory.kinds), dtype=bool)
    shapes: dict[str, list[Node]] = {}
    for node in nodes:
        if node.shape.is_complete:
            shapes.setdefault(node.shape.text, []).append(node)
    for own in shapes.values():
        try:
            tree = parse(own[0].run.formula.at(own[0].run.first_row))
        except SyntaxProblemError:
            continue
        steering = [*_steering(tree, False)]
        if not any(steering) or len(steering) != len(own[0].shape.slots):
            continue
        batch = Batch(own, memory)
        for k in np.flatnonzero(steering).tolist():
            found[batch.places_read(k, slice(0, len(batch.places)))] = True
    return found


def _steering(tree: Tree, is_inside: bool) -> Iterator[bool]:
    """Yield for each reference, from left to right, whether it steers what is picked or counted."""
    if isinstance(tree, Reference):
        yield is_inside
    name = plain_name(tree.function) if isinstance(tree, Call) else ""
    for k, part in enumerate(children(tree)):
        steers = name in _STEPPING or (name in _FINDING and (k > 0) != (name in _BY_FIRST))
        yield from _steering(part, is_inside or steers)
