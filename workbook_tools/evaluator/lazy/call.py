"""Calls that are compiled in a way of their own, not evaluated argument by argument."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from workbook_tools.evaluator.place import At, Step
from workbook_tools.evaluator.values import UnknownFunctionError, Value
from workbook_tools.formulas.tree import Tree

if TYPE_CHECKING:
    from workbook_tools.evaluator.compiler import Compiler


Lazy: TypeAlias = Callable[["Compiler", Sequence[Tree], bool], Step]


def checked(least: int, most: int, call: Lazy) -> Lazy:
    """Refuse a wrong number of arguments, which Excel does not let anybody enter."""

    def call_with(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
        if not least <= len(arguments) <= most:
            raise UnknownFunctionError(f"a function with {len(arguments)} arguments")
        return call(compiler, arguments, lifts)

    return call_with


def numbers(compiler: "Compiler", tree: Tree, lifts: bool) -> Callable[[At], Value]:
    """Return the function that evaluates an argument which is a number, or an array of them."""
    step = compiler.step(tree, lifts)
    return (lambda at: at.values(step(at))) if lifts else (lambda at: at.cut(step(at)))
