"""What an author did wrong, and which faults come from the same mistake.

Whoever makes a mistake fills it down, copies it to the next columns and to other sheets. So faults
are one finding if the same change mends them, relative to their own places or in symbols, and they
stand beside each other: in the same quantity, or in the same rows of a table.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.tree import Reference, SyntaxProblemError, Tree, parse
from workbook_tools.formulas.wording import change_in_words, changed_context, changed_parts, symbols
from workbook_tools.formulas.words import moved
from workbook_tools.judging.faults import Cause, Fault, Key, Kind
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.rounded import unrounded
from workbook_tools.mending.cells import named, symbol_at
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.texts import counted

_THERE = MAX_ROWS // 2, MAX_COLUMNS // 2  # formulas that are moved there are alike if relatively so
_LONGEST = 2_000  # characters of a formula that is moved
_MOST_NAMED = 3  # references that are replaced
_PARENTHESES = {  # by how the change begins
    "put parentheses": "lack{s} parentheses",
    "remove the parentheses": "put{s} parentheses where none belong",
    "move the parentheses": "put{s} parentheses in the wrong place",
}
# Changes of an operator, a function or a number: in quantities that are alike, the same slip.
_SMALL = ("change ", "replace the number ")
# Faults with such a key come from one mistake wherever they are.
_ANYWHERE = ("rate", "stale")
_TYPED = (Kind.TYPED_VALUE, Kind.ODD_START)


class _Read(NamedTuple):
    """A reference in place of another: what is read, and what belongs there."""

    kind: str  # "rate", "row" or "symbols"
    read: str | int = ""  # a symbol, or how far below the own row
    belongs: str | int = ""


def cause_of(fault: Fault, old: str | None, new: str, grounds: Grounds) -> Cause | None:
    """Return the cause that the change from one formula to another tells; None if it tells none."""
    try:
        before, after = parse(old or ""), parse(new)
    except SyntaxProblemError:
        return None
    stem, row = _stem(fault.quantity), fault.rows[0]
    if fault.kind is Kind.ROUNDED and (without := unrounded(old or "")):
        return Cause(frozenset([("rounded", without[1].words), ("rounded", fault.quantity)]))
    if elsewhere := _from_elsewhere(before, after):
        return Cause(frozenset([("row", elsewhere[0])]), _reading_elsewhere(fault, *elsewhere))
    pairs = [(str(one), str(other)) for one, other in changed_parts(before, after)]
    context = changed_context(before, after)
    shape = [symbols(part, lambda text: _stem(named(grounds, text, row))) for part in context]
    if not pairs or not all(_is_cell(text) for pair in pairs for text in pair):
        edit = change_in_words(old, new)
        words = next((own for begin, own in _PARENTHESES.items() if edit.startswith(begin)), "")
        own: set[Key] = {("shape", stem, *shape)}
        if edit.startswith(_SMALL):
            own.add(("edit", stem, edit.partition(":")[0]))
        return Cause(frozenset(own), words)
    found = dict.fromkeys(_read(*pair, fault, grounds) for pair in pairs)
    kinds = {one.kind for one in found}
    if kinds == {"rate"}:
        words = "read{s} the learning rate without $"
        if fault.kind is Kind.WRONG_REFERENCE_RATE:
            words += ", and so another cell further down"
        return Cause(frozenset([("rate",)]), words)
    words = ""
    if kinds == {"symbols"} and len(found) <= _MOST_NAMED:
        read, belongs = (", ".join(map(str, own)) for own in list(zip(*found, strict=True))[1:])
        words = f"use{{s}} {read} where {belongs} belong{'s' if len(found) == 1 else ''}"
    same = frozenset(found)
    keys: set[Key] = {
        ("symbols", fault.quantity, same),
        ("symbols", stem, same, *shape),
        ("relative", stem, _relative(fault, before), _relative(fault, after)),
    }
    return Cause(frozenset(keys), words)


def _from_elsewhere(before: Tree, after: Tree) -> tuple[int, set[int]] | None:
    """Return how far too far down a formula reads in all that it reads, and which rows these are.

    None if it is another formula, or reads only some of its cells in the wrong row.
    """
    old, new = f"={before}", f"={after}"
    pairs = [pair for pair in zip(areas(old), areas(new), strict=False) if pair[0] != pair[1]]
    shifts = {one.first_row - other.first_row for one, other in pairs}
    if len(shifts) != 1 or max(len(old), len(new)) > _LONGEST:
        return None
    [shift] = shifts
    if not shift or moved(new, shift, 0) != old:
        return None
    return shift, {one.first_row for one, _ in pairs}


def _reading_elsewhere(fault: Fault, shift: int, read: set[int]) -> str:
    """Say that formulas read other rows than they should; ``read`` are those of the first cell."""
    row = fault.rows[0]
    if fault.count > 1:
        return f"read{{s}} {counted(abs(shift), 'row')} too far {'down' if shift > 0 else 'up'}"
    if len(read) == 1 and (own := max(read)) - shift != row:
        return f"continue{{s}} row {own} where row {own - shift} belongs"
    return f"read{{s}} row {row + shift} where row {row} belongs"


def _stem(symbol: str) -> str:
    """Return a symbol without its number: the ``∂E/∂w`` of ∂E/∂w3."""
    return symbol.rstrip("0123456789_")


def _is_cell(text: str) -> bool:
    """Tell whether a part of a formula is a single cell."""
    found = areas(text) if isinstance(parse(f"={text}"), Reference) else ()
    return len(found) == 1 and found[0].cell_count == 1


def _read(old: str, new: str, fault: Fault, grounds: Grounds) -> _Read:
    """Return what a reference in place of another tells."""
    [[one], [other]] = areas(old), areas(new)
    sheet, row = fault.sheet, fault.rows[0]
    read, belongs = (
        (area.sheet or sheet, area.first_row, area.first_column) for area in (one, other)
    )
    is_column = read[0] == belongs[0] and read[2] == belongs[2]
    if is_column and symbol_at(grounds, belongs) == LEARNING_RATE and f"${read[1]}" not in old:
        return _Read("rate")
    if is_column and belongs[0] == grounds.table.sheet.name:
        return _Read("row", read[1] - row, belongs[1] - row)
    return _Read("symbols", named(grounds, old, row), named(grounds, new, row))


def _relative(fault: Fault, formula: Tree) -> str:
    """Return a formula as it reads far from the edges of a sheet: the same if relatively so."""
    text = f"={formula}"
    if len(text) > _LONGEST:
        return text
    return moved(text, _THERE[0] - fault.rows[0], _THERE[1] - fault.column)


def grouped(parts: Sequence[Sequence[Fault]]) -> list[list[tuple[int, Fault]]]:
    """Return faults in groups, one for each mistake; each with the number of its part.

    The ``parts`` are the faults of each table and of each summary of a workbook.
    """
    faults = [(part, fault) for part, own in enumerate(parts) for fault in own]
    leader = list(range(len(faults)))

    def first(k: int) -> int:
        while leader[k] != k:
            leader[k] = leader[leader[k]]
            k = leader[k]
        return k

    by_key: dict[Key, list[int]] = defaultdict(list)
    for k, (_, fault) in enumerate(faults):
        for key in _keys(fault):
            by_key[key].append(k)
    for key, own in by_key.items():
        for one, other in _beside(key, [(k, *faults[k]) for k in own]):
            one, other = sorted((first(one), first(other)))
            leader[other] = one
    groups: dict[int, list[tuple[int, Fault]]] = defaultdict(list)
    for k, own_fault in enumerate(faults):
        groups[first(k)].append(own_fault)
    return list(groups.values())


def _keys(fault: Fault) -> Iterator[Key]:
    """Yield what a fault may have in common with others of the same mistake."""
    if fault.kind is Kind.STALE_VALUE:
        yield ("stale",)
    elif fault.kind in _TYPED:
        yield "typed", fault.kind, fault.rows
    elif fault.kind is not Kind.WRONG_VALUE and fault.formula:
        is_rounded = fault.kind is Kind.ROUNDED
        if fault.suggestion and fault.suggestion.cause:
            yield from ((*key, is_rounded) for key in fault.suggestion.cause.keys)
        yield "text", is_rounded, fault.formula
        with suppress(SyntaxProblemError):
            yield "formula", is_rounded, _relative(fault, parse(fault.formula))


def _beside(key: Key, faults: Sequence[tuple[int, int, Fault]]) -> Iterator[tuple[int, int]]:
    """Yield pairs of faults, by number, with the same key that stand beside each other."""
    if key[0] in _ANYWHERE:
        yield from pairwise(k for k, _, _ in faults)
    else:
        last: dict[Hashable, int] = {}
        for k, part, fault in faults:
            for place in ((fault.quantity,), *((part, row) for row in fault.rows)):
                if place in last:
                    yield last[place], k
                last[place] = k
