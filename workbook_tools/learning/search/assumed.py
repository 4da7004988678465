"""The losses that a workbook may mean but does not show: of the differences that it works with.

A gradient is mostly calculated from errors: targets minus predictions, or the other way round. Half
of their squares is a loss, and so is a cross-entropy of target and prediction. They are written as
formulas on a sheet of their own, which is then differentiated like the others.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import count
from typing import NamedTuple

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.replacing import bare, operation
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Call,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    SyntaxProblemError,
    Tree,
    parse,
    parts,
)
from workbook_tools.learning.moved import on_any_sheet
from workbook_tools.learning.usual import usual_in
from workbook_tools.program.graph import Node

SHEET = "assumed losses"
_MOST = 2_000  # formulas

SQUARED = "half of the squared error"
LOGISTIC = "binary cross-entropy"
CATEGORICAL = "cross-entropy"


class Assumed(NamedTuple):
    """A sheet of losses that may be meant."""

    sheet: Sheet
    names: dict[int, str]  # by column: what the loss there is
    shapes: dict[int, str]  # by column: of the formulas that work with the error


def assumed_losses(
    nodes: Sequence[tuple[Node, int]], varies: Callable[[Node, str], bool | None]
) -> Assumed:
    """Return a sheet of losses for the errors in formulas.

    The errors are differences of a target, which does not vary with the parameters, and of what
    does.

    ``nodes`` are the formulas, each with a row in which it is looked at. ``varies`` tells whether
    what a formula reads there depends on the parameters; None if that is no number.
    """
    found = Assumed(sheet := Sheet(SHEET), {}, {})
    columns = count(1)
    known: dict[str, set[int]] = defaultdict(set)  # by loss: the rows in which it is written
    usual = _usual(node for node, _ in nodes)
    for node, row in nodes[:_MOST]:
        like, rows = usual.get((node.sheet, node.column), (node, node.run.rows))
        if len(node.run.rows) > 1 or not rows[0] < node.run.first_row < rows[-1]:
            like = node
        try:
            tree = parse(like.run.formula.at(row))
        except SyntaxProblemError:
            continue
        of_node = partial(varies, node)
        for error in _errors(tree, of_node):
            own = on_any_sheet(error, node.sheet)
            for name, loss in _losses(own, of_node):
                written = known[_key(name, own, loss, row)]
                left = [*_without(node.run.rows, written)]
                if not left:
                    continue
                written.update(node.run.rows)
                column = next(columns)
                found.names[column], found.shapes[column] = name, like.shape.text
                formula = FilledFormula.parse(f"={loss}", row)
                sheet.runs[column] = [Run(r[0], r[-1], formula, r.step) for r in left]
                sheet.last_row = max(sheet.last_row, left[-1][-1])
                sheet.last_column = column
    return found


def _without(rows: range, others: Set[int]) -> Iterator[range]:
    """Yield the rows that are not among others, those as far apart as all together."""
    first = None
    for row in (*rows, rows.stop):
        if row in others or row == rows.stop:
            if first is not None:
                yield range(first, row, rows.step)
            first = None
        elif first is None:
            first = row


def _usual(nodes: Iterable[Node]) -> dict[tuple[str, int], tuple[Node, Sequence[int]]]:
    """Return the formula of each column that is in most of its cells, with the rows of these.

    It tells what is meant in a single other cell between them, too.
    """
    every: dict[tuple[str, int], dict[str, list[Node]]] = defaultdict(lambda: defaultdict(list))
    for node in nodes:
        every[node.sheet, node.column][str(node.run.formula)].append(node)
    runs = [
        (line, formula, len(node.run.rows))
        for line, own in every.items()
        for formula, alike in own.items()
        for node in alike
    ]
    lines = [line for line, _, count in runs for _ in range(count)]
    formulas = [formula for _, formula, count in runs for _ in range(count)]
    found: dict[tuple[str, int], tuple[Node, Sequence[int]]] = {}
    for line, (formula, _) in usual_in(lines, formulas).items():
        alike = every[line][formula]
        found[line] = alike[0], sorted(row for node in alike for row in node.run.rows)
    return found


def _key(name: str, error: Tree, loss: Tree, row: int) -> str:
    """Return what tells a loss from others, in any row; the square of a − b is that of b − a."""
    parts_of = [loss]
    if name == SQUARED and isinstance(error, Operation) and error.operator == "-":
        parts_of = [error.left, error.right]
    return " ".join(sorted(str(FilledFormula.parse(f"={part}", row)) for part in parts_of))


def _errors(tree: Tree, varies: Callable[[str], bool | None]) -> Iterator[Tree]:
    """Yield the sums of a target and what varies with the parameters."""
    inside: set[tuple[int, ...]] = set()
    for route, part in parts(tree):
        if route in inside or not _is_sum(part):
            continue
        terms: list[Tree] = []
        own, at = part, route
        while _is_sum(own):
            assert isinstance(own, Operation)
            terms.append(own.right)
            at = (*at, 0)
            inside.add(at)
            own = own.left
        terms.append(own)
        is_target = [_is_target(term, varies) for term in terms]
        if any(is_target) and any(_varies(term, varies) for term in terms):
            yield part


def _is_sum(tree: Tree) -> bool:
    return isinstance(tree, Operation) and tree.operator in "+-"


def _is_target(tree: Tree, varies: Callable[[str], bool | None]) -> bool:
    tree = bare(tree)
    if isinstance(tree, Sign):
        tree = bare(tree.part)
    return isinstance(tree, Reference) and varies(tree.text) is False


def _varies(tree: Tree, varies: Callable[[str], bool | None]) -> bool:
    return any(isinstance(p, Reference) and varies(p.text) for _, p in parts(tree))


def _losses(error: Tree, varies: Callable[[str], bool | None]) -> Iterator[tuple[str, Tree]]:
    squared = operation("/", operation("^", Parentheses(error), Number("2")), Number("2"))
    yield SQUARED, squared
    if not isinstance(error, Operation):
        return
    one, other = bare(error.left), bare(error.right)
    if isinstance(one, Sign):  # -t+y
        one = bare(one.part)
    if not isinstance(one, Reference) or not isinstance(other, Reference):
        return
    target, prediction = (other, one) if varies(one.text) else (one, other)
    log = Call("LN", (prediction,))
    yield CATEGORICAL, Sign("-", operation("*", target, log))
    rest = Parentheses(Operation("-", Number("1"), target))
    log_of_rest = Call("LN", (Operation("-", Number("1"), prediction),))
    both = Operation("+", operation("*", target, log), operation("*", rest, log_of_rest))
    yield LOGISTIC, Sign("-", Parentheses(both))
