"""Groups the parts of a formula in other ways.

A pair of parentheses is added or removed, or an operator is replaced by one of other precedence.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

from workbook_tools.formulas.tree import BINDS

_MOST_PARENTHESES = 60  # places where one may be put; of a longer formula, none is added


def regrouped(text: str) -> Iterator[str]:
    """Yield a formula with its parts grouped in other ways, each once."""
    tried = {text}
    for other in [*_without_a_pair(text), *_with_a_pair(text), *_with_an_operator(text)]:
        if other not in tried:
            tried.add(other)
            yield other


def _with_an_operator(text: str) -> Iterator[str]:
    """Yield the formula with each operator replaced by those of other precedence."""
    for place, letter in enumerate(text):
        if letter in "+-*/^" and place and (text[place - 1].isalnum() or text[place - 1] == ")"):
            for other in "+-*/^":
                if BINDS[other] != BINDS[letter]:
                    yield text[:place] + other + text[place + 1 :]


def _without_a_pair(text: str) -> Iterator[str]:
    """Yield the formula without each of its pairs of parentheses."""
    opened: list[int] = []
    for place, letter in enumerate(text):
        if letter == "(":
            opened.append(place)
        elif letter == ")" and opened:
            begin = opened.pop()
            if not begin or not text[begin - 1].isalnum():  # not a function call
                yield text[:begin] + text[begin + 1 : place] + text[place + 1 :]


def _with_a_pair(text: str) -> Iterator[str]:
    """Yield the formula with parentheses around each part where they change the value."""
    operators = [k for k, letter in enumerate(text) if letter in "+-*/^," and k]
    begins = [0, *(k + 1 for k in operators), *(k + 1 for k, c in enumerate(text) if c == "(")]
    ends = [*operators, *(k for k, c in enumerate(text) if c == ")"), len(text)]
    if len(begins) > _MOST_PARENTHESES:
        return
    for begin in sorted(begins):
        for end in sorted(ends):
            inner = text[begin:end]
            if _is_balanced(inner) and _matter(text[:begin], inner, text[end:]):
                yield f"{text[:begin]}({inner}){text[end:]}"


def _matter(before: str, inner: str, after: str) -> bool:
    """Tell whether parentheses change the order of evaluation."""
    loosest, depth = math.inf, 0
    for previous, letter in pairwise(inner):
        depth += (previous == "(") - (letter == ")")
        if not depth and letter in "+-*/^" and previous not in "+-*/^":
            loosest = min(loosest, BINDS[letter])
    left, right = BINDS.get(before[-1:], 0), BINDS.get(after[:1], 0)
    return loosest < right or loosest < left or (loosest == left and before[-1:] in "-/^")


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return not depth
