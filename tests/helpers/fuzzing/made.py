"""One case: a sound workbook, perhaps a mistake in it, and what is done to the file."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import IntEnum
from random import Random
from typing import Any

from fuzzing.book import Book, NotApplicableError
from fuzzing.hosts import Host, Target
from fuzzing.mistakes import Mistake


class Level(IntEnum):
    """What a damage can change of a report."""

    SAME = 0  # nothing: programs must read this
    ELSEWHERE = 1  # nothing about any table; but the file may be refused
    ANY = 2  # anything


@dataclass
class Made:
    """A workbook in the making."""

    host: Host
    book: Book
    mistakes: list[Mistake] = field(default_factory=list)
    level: Level = Level.SAME
    did: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # what sheets are called now
    broken: list[Target] = field(
        default_factory=list
    )  # formula cells that were made something else
    changed_formulas: set[str] = field(default_factory=set)  # other sheets, that got some

    def sheet(self, name: str) -> str:
        """Return what a sheet of the host is called now."""
        return self.names.get(name, name)

    def part(self, name: str) -> str:
        """Return the part of a sheet of the host."""
        try:
            return self.book.sheets()[self.sheet(name)]
        except (KeyError, ValueError, TypeError, SyntaxError) as error:
            raise NotApplicableError from error

    @property
    def checked_sheets(self) -> list[str]:
        """The sheets that hold what is checked, by the host's names."""
        return sorted({target.sheet for target in self.host.targets})


Damage = Callable[[Made, Random], str]
DAMAGES: dict[str, list[tuple[Level, Damage]]] = {}


def damage(kind: str, level: Level) -> Callable[[Damage], Damage]:
    """Register a damage; it returns what it did, or raises ``NotApplicableError``."""

    def register(function: Damage) -> Damage:
        DAMAGES.setdefault(kind, []).append((level, function))
        return function

    return register


def editing_sheet(made: Made, name: str) -> AbstractContextManager[Any]:
    """Yield the XML of a sheet of the host, to be edited."""
    return made.book.editing(made.part(name))


def pick(random: Random, things: Any) -> Any:
    """Draw one; not applicable if there is none."""
    things = list(things)
    if not things:
        raise NotApplicableError
    return random.choice(things)
