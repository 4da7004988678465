"""Findings: mistakes as their authors made them, each with the faults that are its places.

A wrong reference that was copied to two columns on six sheets is one finding with twelve places.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from workbook_tools.judging.faults import Fault, Key, Kind
from workbook_tools.notation.addresses import cell_name
from workbook_tools.texts import counted, shortened, shortened_inside, told_apart

_SAME = 1e-12  # relative; a loss that changes by less stays as it is
_HARMLESS = 1e-4  # relative; a rounding by which the loss changes more is a mistake
_MOST_QUANTITIES, _MOST_SHEETS = 4, 3  # that are named
_LONGEST, _LONGEST_NAME = 60, 60  # characters of ranges, and of a sheet's name or a quantity
_ORDER = {kind: number for number, kind in enumerate(Kind)}


class Effect(NamedTuple):
    """What a finding does to the last loss of one training table."""

    sheet: str
    last_loss: float | None  # on the sheet
    without: float | None  # if all places of the finding were right

    @property
    def change(self) -> float:
        """By how much the loss changes; infinite if only one of the two is a number."""
        if self.last_loss is None or self.without is None:
            return 0.0 if self.last_loss == self.without else math.inf
        return abs(self.last_loss - self.without)

    @property
    def size(self) -> float:
        """The relative change."""
        largest = max(abs(self.last_loss or 0.0), abs(self.without or 0.0))
        return self.change / largest if largest else self.change

    @property
    def is_any(self) -> bool:
        """Whether the loss changes at all."""
        return self.size > _SAME


@dataclass(frozen=True)
class Finding:
    """One mistake, wherever it was copied to."""

    places: tuple[Fault, ...]
    effects: tuple[Effect, ...] = ()  # on each table that it is in; empty if unknown

    @cached_property
    def kind(self) -> Kind:
        """The gravest kind of its places."""
        return min((place.kind for place in self.places), key=_ORDER.__getitem__)

    @cached_property
    def leading(self) -> Fault:
        """The place that is shown as an example: the first of the gravest kind."""
        return next(place for place in self.places if place.kind is self.kind)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The quantities that it is in."""
        return tuple(dict.fromkeys(place.quantity for place in self.places))

    @property
    def sheets(self) -> tuple[str, ...]:
        """The sheets that it is on."""
        return tuple(dict.fromkeys(place.sheet for place in self.places))

    @property
    def count(self) -> int:
        """How many cells it is in."""
        return sum(place.count for place in self.places)

    @property
    def is_harmless(self) -> bool:
        """Whether every value is right, so that it does not fail a workbook by itself.

        A rounded formula is harmless if the last loss changes by no more than the rounding, and
        keeps its first digits.
        """
        if self.kind is Kind.ROUNDED:
            allowed = max(place.rounding for place in self.places)
            return bool(self.effects) and all(
                effect.size <= _HARMLESS and effect.change <= allowed for effect in self.effects
            )
        return self.kind is Kind.BROKEN_PATTERN

    @property
    def is_mild(self) -> bool:
        """Whether it is harmless, or may be intended."""
        return self.is_harmless or self.kind.is_warning

    @property
    def effect(self) -> Effect | None:
        """The largest effect; None if it has none, or if that is unknown."""
        largest = max(self.effects, key=lambda effect: effect.size, default=None)
        return largest if largest and largest.is_any else None

    @property
    def variants(self) -> list[Fault]:
        """The places that another change mends than the leading one."""
        keys = _keys(self.leading)
        return [place for place in self.places if _keys(place).isdisjoint(keys)] if keys else []


def _keys(place: Fault) -> frozenset[Key]:
    cause = place.suggestion.cause if place.suggestion else None
    return cause.keys if cause else frozenset()


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings, those with the largest effect first, then warnings, then harmless ones."""

    def rank(finding: Finding) -> tuple[bool, bool, float, int]:
        size = max((effect.size for effect in finding.effects), default=math.inf)
        return finding.is_harmless, finding.kind.is_warning, -size, _ORDER[finding.kind]

    return sorted(findings, key=rank)


def quantities_in_short(quantities: Sequence[str]) -> str:
    """Return quantities in few words: ``w1…w8, b1``."""
    shown: list[str] = []
    names_of = (shortened_inside(symbol, _LONGEST_NAME) for symbol in quantities)
    for stem, own in groupby(names_of, key=lambda symbol: symbol.rstrip("0123456789")):
        names = list(own)
        numbers = [name[len(stem) :] for name in names]
        runs = all(numbers) and [*range(int(numbers[0]), int(numbers[0]) + len(numbers))]
        if len(names) > 2 and runs == [int(number) for number in numbers]:
            shown.append(f"{names[0]}…{names[-1]}")
        else:
            shown += names
    if len(shown) > _MOST_QUANTITIES + 1:
        shown = [*shown[:_MOST_QUANTITIES], f"{len(shown) - _MOST_QUANTITIES:,} more"]
    return ", ".join(shown)


def where(finding: Finding) -> str:
    """Return where a finding is: ``rows 33–100 of six sheets (LR 0.1, LR 0.2, …): 816 cells``."""
    if len(finding.places) == 1:
        [place] = finding.places
        cells = place.ranges
        if len(cells) > _LONGEST:  # one cell in each iteration, for example
            ends = [cell_name(place.rows[k], place.column) for k in (0, -1)]
            cells = "…".join(ends)
        return f"{shortened(place.sheet, _LONGEST_NAME)}!{cells}: {counted(finding.count, 'cell')}"
    rows = {(place.rows[0], place.rows[-1]) for place in finding.places}
    first, last = min(first for first, _ in rows), max(last for _, last in rows)
    said = f"row {first}" if first == last else f"rows {first}–{last}"
    sheets = [shortened(sheet, _LONGEST_NAME) for sheet in finding.sheets]
    if len(sheets) == 1:
        on = sheets[0]
    else:
        named = ", ".join(sheets[:_MOST_SHEETS])
        on = f"{_number(len(sheets))} sheets ({named}{', …' if len(sheets) > _MOST_SHEETS else ''})"
    return f"{said} of {on}: {counted(finding.count, 'cell')}"


def _number(number: int) -> str:
    words = "two three four five six seven eight nine ten".split()
    return words[number - 2] if number - 2 < len(words) else f"{number:,}"


def said(finding: Finding) -> str:
    """Say a finding in one sentence, with the example of the leading place."""
    place, words = finding.leading, _words(finding)
    is_of_a_cell = place.message.startswith(f"{cell_name(place.rows[0], place.column)} ")
    if is_of_a_cell or finding.kind in (Kind.WRONG_GRADIENT, Kind.WRONG_UPDATE):
        return place.message
    if not words or finding.kind is Kind.ROUNDED:
        return place.message.replace(place.quantity, quantities_in_short(finding.quantities), 1)
    shown = {
        Kind.LATENT: "right at present, but only with these numbers",
        Kind.BROKEN_PATTERN: "right at present, but wrong when it is copied or filled down",
    }.get(finding.kind, place.shown)
    return f"{words}: {shown}." if shown else f"{words}."


def advice(finding: Finding) -> str | None:
    """Say in one sentence what to do: ``∂E/∂w3 uses a_h1·(1 − a_h1); it should be …``."""
    place = finding.leading
    suggestion = place.suggestion
    if suggestion is None:
        if finding.kind.is_warning or finding.kind is Kind.STALE_VALUE:
            return None
        return f"No formula is suggested: {place.why_none or 'what belongs here is not known'}."
    if suggestion.symbols is None or _words(finding):
        if len(finding.quantities) > 1 and not suggestion.helpers:
            return f"In {cell_name(place.rows[0], place.column)}, {suggestion.edit}."
        return f"{suggestion.edit[:1].upper()}{suggestion.edit[1:]}."
    uses, should = suggestion.symbols
    return f"{place.quantity} uses {uses}; it should be {should}: {suggestion.edit}."


def in_short(finding: Finding, most: int = 90) -> str:
    """Say a finding in a line without cells and numbers, with all quantities: what they use.

    A line of more than ``most`` characters only says which quantities, and the kind.
    """
    line, suggestion = _words(finding), finding.leading.suggestion
    if finding.kind is Kind.ROUNDED:
        line = said(finding).rstrip(".")
    elif not line and suggestion and suggestion.symbols and len(finding.quantities) == 1:
        uses, should = suggestion.symbols
        line = f"{finding.leading.quantity} uses {uses}; it should be {should}"
    elif not line and len(finding.quantities) > 1:
        for key in _keys(finding.leading):
            if key[0] == "shape":
                quantities = quantities_in_short(finding.quantities)
                line = f"{quantities} use {key[2]} where {key[3]} belongs"
    if line and len(line) <= most:
        return line
    return f"{quantities_in_short(finding.quantities)}: {finding.kind.in_words}"


def _words(finding: Finding) -> str:
    """Say what is wrong, if its cause tells: ``∂E/∂w3, ∂E/∂w4 use a_h1 where a_h2 belongs``."""
    suggestion = finding.leading.suggestion
    if suggestion is None or suggestion.cause is None or not suggestion.cause.words:
        return ""
    ending = "" if len(finding.quantities) > 1 else "s"
    # Not format: the words may have the name of a sheet in them, such as '{x}'.
    words = suggestion.cause.words.replace("{s}", ending)
    return f"{quantities_in_short(finding.quantities)} {words}"


def effect_in_words(finding: Finding) -> str:
    """Say what the last loss would be without a finding; empty if it would stay as it is."""
    effect = finding.effect
    if effect is None:
        return ""
    on = f" on {shortened(effect.sheet, _LONGEST_NAME)}" if len(finding.effects) > 1 else ""
    if effect.without is None:
        return f"Without it, there would be no last loss{on}."
    if effect.last_loss is None:
        return f"Without it, the last loss{on} would be {effect.without:.4g}; now it is no number."
    now, without = told_apart(effect.last_loss, effect.without)
    return f"Without it, the last loss{on} would be {without} instead of {now}."
