"""Finds the row of labels that comes nearest to the header of a training table.

It is the row that names most kinds of what a network has: inputs, targets, weights, and the
pre-activations of hidden units and of outputs. How much of each kind it lacks is told as far as its
other labels say how large the network is.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.quantities import Naming
from workbook_tools.reading.header_rows import Header, row_of_labels
from workbook_tools.reading.labels import parse_label

_AND_SO_ON = "…"  # after the first symbols, if there are more, or nobody knows how many
_MOST_LACKING = 4  # symbols with the same letter
_MOST_LABELS = 20_000  # of the rows that are looked at, from the top of each sheet
_LEAST = 2  # labels of a network
_OF_A_NETWORK = re.compile(r"([itwho])(?:\d+_)?\d+")
_OF_AN_OUTPUT = re.compile(r"(?:(?:a_|δ_)?o|[tE])(\d+)")
_OF_A_HIDDEN_UNIT = re.compile(r"(?:a_|δ_)?((h(?:\d+_)?)\d+)")


@dataclass(frozen=True)
class NearestRow:
    """A row of labels, some of which name what a network has."""

    sheet: Sheet
    header: Header
    elsewhere: Collection[str] = ()  # symbols of what is known to stand elsewhere

    @cached_property
    def named(self) -> dict[str, list[str]]:
        """The labels of what a network has, by the letter of its symbol: i, t, w, h, o."""
        found: dict[str, list[str]] = {}
        for symbol, column in self.header.columns.items():
            if match := _OF_A_NETWORK.fullmatch(symbol):
                found.setdefault(match[1], []).append(self.header.labels[column])
        return found

    @property
    def not_understood(self) -> list[str]:
        """The other labels of the row that name no known quantity, from the left."""
        known = set(self.header.columns.values())
        others = (c for c in sorted(self.header.labels) if c not in known)
        return [self.header.labels[c] for c in others if not parse_label(self.header.labels[c])]

    @cached_property
    def lacking(self) -> dict[str, list[str]]:
        """The symbols of what a network would have besides, by letter; then … if there are more."""
        return _lacking(
            {self._from_1(symbol) for symbol in (*self.header.columns, *self.elsewhere)}
        )

    @property
    def is_whole(self) -> bool:
        """Tell whether it names a whole network."""
        return not self.lacking and Naming.from_symbols(self.header.columns) is not None

    @property
    def counts_from_0(self) -> bool:
        """Tell whether it numbers from 0, and not from 1, what a network has."""
        return bool(self._from_0)

    @cached_property
    def _from_0(self) -> set[str]:
        """The letters of symbols that are numbered from 0."""
        return {symbol[0] for symbol in self.header.columns if re.fullmatch("[itwho]0", symbol)}

    def _from_1(self, symbol: str) -> str:
        """Return a symbol as it would be if all were numbered from 1."""
        match = re.fullmatch(r"([itwho])(\d+)", symbol)
        return f"{match[1]}{int(match[2]) + 1}" if match and match[1] in self._from_0 else symbol


def nearest_row(sheets: Sequence[Sheet]) -> NearestRow | None:
    """Return the row that names most kinds, and most of them; None if no row names even two."""

    def nearness(row: NearestRow) -> tuple[int, int, int]:
        return len(row.named), _count(row), len(row.header.columns)

    return max(filter(lambda row: _count(row) >= _LEAST, _rows(sheets)), key=nearness, default=None)


def _count(row: NearestRow) -> int:
    return sum(map(len, row.named.values()))


def _rows(sheets: Sequence[Sheet]) -> Iterator[NearestRow]:
    """Yield the rows that may be; only the first of those that have the same labels."""
    for sheet in sheets:
        budget = Budget(_MOST_LABELS // len(sheets))
        seen = set()
        for row, labels in sorted(sheet.rows_of_texts.items()):
            texts = tuple(labels.values())
            if len(texts) < _LEAST or texts in seen:
                continue
            if not budget.begins():
                break
            budget.spend(len(texts))
            seen.add(texts)
            yield NearestRow(sheet, row_of_labels(sheet, row))


def _lacking(symbols: set[str]) -> dict[str, list[str]]:
    inputs = sum(bool(re.fullmatch(r"i\d+", symbol)) for symbol in symbols)
    outputs = len({m[1] for symbol in symbols if (m := _OF_AN_OUTPUT.fullmatch(symbol))})
    hidden = {m[1]: m[2] for symbol in symbols if (m := _OF_A_HIDDEN_UNIT.fullmatch(symbol))}
    layers = Counter(hidden.values())  # units, by what their symbols begin with
    weights = sum(bool(re.fullmatch(r"w\d+", symbol)) for symbol in symbols)
    sizes = [inputs, *(layers[layer] for layer in sorted(layers)), outputs]
    has_layers = bool(layers) or (weights > 0 and inputs * outputs == weights)
    expected: dict[str, Iterable[str]] = {
        "i": _numbered("i", inputs),
        "t": _numbered("t", outputs),
        "w": () if weights else _numbered("w", 0),
        "h": () if has_layers else _numbered("h", 0),
        "o": _numbered("o", outputs),
    }
    if has_layers:
        expected["h"] = (s for layer in sorted(layers) for s in _numbered(layer, layers[layer]))
        if all(sizes):
            expected["w"] = _numbered("w", sum(m * n for m, n in pairwise(sizes)))
    lacking = {}
    for letter, every in expected.items():
        first = list(islice((s for s in every if s not in symbols), _MOST_LACKING + 1))
        if first:
            rest = [_AND_SO_ON] if len(first) > _MOST_LACKING else []
            lacking[letter] = first[:_MOST_LACKING] + rest
    return lacking


def _numbered(stem: str, count: int) -> Iterator[str]:
    """Yield the symbols of so many quantities; of an unknown number if there are none yet."""
    yield f"{stem}1"
    if not count:
        yield _AND_SO_ON
    yield from (f"{stem}{k}" for k in range(2, count + 1))
