"""Functions that evaluate only what they choose: IF and its kin."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from workbook_tools.evaluator.functions.function import each
from workbook_tools.evaluator.lazy.call import Lazy, checked
from workbook_tools.evaluator.place import At, Found, Step
from workbook_tools.evaluator.values import (
    NA,
    VALUE,
    FailedError,
    Grid,
    UnknownFunctionError,
    logical,
    number,
)
from workbook_tools.formulas.tree import Call, Missing, Name, Number, Tree
from workbook_tools.package.cell_values import CellError, CellValue

if TYPE_CHECKING:
    from workbook_tools.evaluator.compiler import Compiler


_Chosen = TypeVar("_Chosen")


def _if(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    # In an argument that is an array, the condition of IF is still that of one cell, unless the
    # whole formula is an array formula.
    condition = compiler.step(arguments[0], lifts and compiler.is_array)
    then = _branch(compiler, arguments[1], lifts)
    otherwise = _branch(compiler, arguments[2], lifts) if len(arguments) > 2 else lambda at: False

    def chosen(at: At) -> Found:
        found = condition(at)
        found = at.values(found) if lifts and compiler.is_array else at.cut(found)
        if isinstance(found, Grid):
            return each(
                [found, at.values(then(at)), at.values(otherwise(at))],
                lambda test, one, other: _selected(test, lambda is_so: one if is_so else other),
            )
        return _selected(found, lambda is_so: (then if is_so else otherwise)(at))

    return chosen


def _selected(test: CellValue, choose: Callable[[bool], _Chosen]) -> _Chosen | CellError:
    try:
        is_so = logical(test)
    except FailedError as error:
        return error.value
    return choose(is_so)


def _branch(compiler: "Compiler", tree: Tree, lifts: bool) -> Step:
    return compiler.step(Number("0") if isinstance(tree, Missing) else tree, lifts)


def _ifs(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    if len(arguments) % 2:
        raise UnknownFunctionError("IFS with an odd number of arguments")
    tree: Tree = Name(NA.code)
    for k in range(len(arguments) - 2, -1, -2):
        tree = Call("IF", (arguments[k], arguments[k + 1], tree))
    return compiler.step(tree, lifts)


def _switch(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    wanted, *cases = arguments
    tree: Tree = cases.pop() if len(cases) % 2 else Name(NA.code)
    for k in range(len(cases) - 2, -1, -2):
        test = Call("EQ", (wanted, cases[k]))
        tree = Call("IF", (test, cases[k + 1], tree))
    return compiler.step(tree, lifts)


def _if_error(is_caught: Callable[[CellValue], bool]) -> Lazy:
    def compiled(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
        tried, otherwise = (_branch(compiler, part, lifts) for part in arguments)

        def found(at: At) -> Found:
            own = tried(at)
            value = at.values(own) if lifts else at.cut(own)
            if isinstance(value, Grid):
                return each(
                    [value, at.values(otherwise(at))],
                    lambda one, other: other if is_caught(one) else one,
                )
            return otherwise(at) if is_caught(value) else value

        return found

    return compiled


def _choose(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    index = compiler.step(arguments[0], lifts)
    branches = [_branch(compiler, part, lifts) for part in arguments[1:]]

    def chosen(at: At) -> Found:
        found = at.values(index(at)) if lifts else at.cut(index(at))
        if isinstance(found, Grid):
            values = [at.values(branch(at)) for branch in branches]
            return each([found, *values], lambda k, *own: _picked(k, own))
        branch = _picked(found, branches)
        return branch(at) if callable(branch) else branch

    return chosen


def _picked(index: CellValue, choices: Sequence[_Chosen]) -> _Chosen | CellError:
    try:
        k = math.trunc(number(index)) - 1
    except FailedError as error:
        return error.value
    return choices[k] if 0 <= k < len(choices) else VALUE


CALLS: dict[str, Lazy] = {
    "CHOOSE": checked(2, 255, _choose),
    "IF": checked(2, 3, _if),
    "IFERROR": checked(2, 2, _if_error(lambda value: isinstance(value, CellError))),
    "IFNA": checked(2, 2, _if_error(lambda value: value == NA)),
    "IFS": checked(2, 255, _ifs),
    "SWITCH": checked(3, 255, _switch),
}
