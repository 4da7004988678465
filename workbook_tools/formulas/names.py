"""Names of a workbook, which are replaced in formulas by what they stand for.

If LR names the cell G30, ``=E32-LR*X32`` is read as ``=E32-$G$30*X32``; if it names a number, as
``=E32-0.5*X32``. Names of anything else, such as formulas, are not replaced. Tables and their
columns are names, too (``tables``).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Self

from workbook_tools.formulas.references import FilledFormula, is_too_long
from workbook_tools.formulas.tables import Tables
from workbook_tools.notation.addresses import Cell, sheet_prefix
from workbook_tools.package.workbook import WorkbookPackage

_CELLS = re.compile(
    r"(?P<sheet>'(?:[^']|'')+'|[^\W\d][\w.]*)!(?P<cells>\$[A-Z]{1,3}\$\d+(?::\$[A-Z]{1,3}\$\d+)?)"
)
_LONGEST = 300  # characters; a path, a sheet and two cells have no more
_NOWHERE: Cell = ("", 0, 0)  # the cell of a definition, which is on no sheet
_PROGRAMS_OWN = "_xlnm."  # print areas and the like
_NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d+)?%?")
_LIKE_A_NAME = re.compile(r"[^\W\d][\w.\\?]*+")
# Texts, sheets, functions and columns of tables are no names; neither is what follows a sheet.
_WORD = re.compile(
    r"\"[^\"]*+\"|'(?!')(?:[^']|''){0,300}+'!|\[[^\[\]]*+\]"
    r"|(?<![\w.$!\\?])(?P<word>[^\W\d][\w.\\?]*+)(?![\w.(!\[])"
)


@dataclass(frozen=True)
class Names:
    """What a workbook's names stand for, by name in lower case."""

    everywhere: dict[str, str] = field(default_factory=dict)
    of_sheets: dict[str, dict[str, str]] = field(default_factory=dict)  # by sheet; take precedence
    tables: Tables = field(default_factory=Tables)

    @classmethod
    def read(cls, package: WorkbookPackage) -> Self:
        """Read the names of single cells, of ranges, of numbers, and of tables."""
        return cls._of(package.defined_names(), Tables.read(package))

    @classmethod
    def _of(cls, names: Iterable[tuple[str, str | None, str]], tables: Tables) -> Self:
        found = cls(tables=tables)
        for name, sheet, text in names:
            if name.startswith(_PROGRAMS_OWN):
                continue
            own = found.of_sheets.setdefault(sheet, {}) if sheet else found.everywhere
            plain = tables.put_into(text.strip().removeprefix("=").strip(), _NOWHERE)
            own[name.casefold()] = plain
        for name, text in tables.names().items():
            found.everywhere.setdefault(name.casefold(), text)
        return found

    @property
    def any(self) -> bool:
        """Whether there are names."""
        return bool(self.everywhere or self.of_sheets or self.tables)

    @cached_property
    def are_apart(self) -> bool:
        """Whether no name could also be a cell, so that it would have its meaning in one row only.

        No program accepts such names, but a file may have them.
        """
        names = [*self.everywhere, *chain.from_iterable(self.of_sheets.values())]
        return not any(FilledFormula.parse(name, 1).offsets for name in names)

    def put_into(self, formula: str, cell: Cell) -> str:
        """Return the formula of a cell with its names replaced by what they stand for."""
        formula, sheet = self.tables.put_into(formula, cell), cell[0]
        names = self.of_sheets.get(sheet, {})
        if is_too_long(formula) or not (self.everywhere or names):
            return formula
        words = {word.casefold() for word in _LIKE_A_NAME.findall(formula)}
        if words.isdisjoint(names) and words.isdisjoint(self.everywhere):
            return formula

        def meant(match: re.Match[str]) -> str:
            word = (match["word"] or "").casefold()
            text = names.get(word, self.everywhere.get(word, ""))
            if len(text) > _LONGEST:
                return match[0]
            if cells := _CELLS.fullmatch(text):
                on = cells["sheet"].removeprefix("'").removesuffix("'").replace("''", "'")
                return cells["cells"] if on == sheet else sheet_prefix(on) + cells["cells"]
            if _NUMBER.fullmatch(text):
                return text if text[0] not in "+-" else f"({text})"
            return match[0]

        return _WORD.sub(meant, formula)
