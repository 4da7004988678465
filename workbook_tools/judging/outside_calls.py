"""Finds formulas that a workbook cannot calculate alone.

They call functions that only an add-in or a macro knows, or read other workbooks. Or they name
functions in a language other than English, which no spreadsheet program understands in a file.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from workbook_tools.evaluator.formula import is_known
from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.other_languages import translated
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell

_MOST_RUNS = 20_000  # formulas, filled down or not
_MOST_LETTERS = 1_000_000  # of them together
# Functions of Excel that openpyxl does not list; files have them with a prefix, or without.
_NEWER = frozenset(
    "ANCHORARRAY BYCOL BYROW CHOOSECOLS CHOOSEROWS DROP EXPAND FILTER GROUPBY HSTACK ISOMITTED "
    "LAMBDA LET MAKEARRAY MAP PIVOTBY RANDARRAY REDUCE SCAN SEQUENCE SINGLE SORT SORTBY TAKE "
    "TEXTAFTER TEXTBEFORE TEXTSPLIT TOCOL TOROW UNIQUE VSTACK WRAPCOLS WRAPROWS XLOOKUP "
    "XMATCH".split()
)
# Words are matched as a whole, and the name of a sheet has a limited length.
_WORD = re.compile(
    r"""
      "[^"]*+"?                                            # a text
    | _xll\.(?P<add_in>[\\\w.]++)
    | \[\d{1,6}\]!(?P<linked>[\\\w.]++)\(                  # a function of another file
    | (?P<link>\[\d{1,6}\][^\[\]!"]{0,99}![\w.$:]*+)
    | (?P<function>[^\W\d][\w.]*+)\(
    | [\w.]++
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass
class Some:
    """Formulas that have something in common."""

    count: int = 0  # of their cells
    first: Cell = ("", 0, 0)
    names: dict[str, None] = field(default_factory=dict)  # of what they have in common

    def add(self, name: str, sheet: str, column: int, run: Run) -> None:
        """Add a formula filled down."""
        cell = sheet, run.first_row, column
        if not self.count or (sheet == self.first[0] and cell < self.first):
            self.first = cell
        self.count += len(run.rows)
        self.names[name] = None


@dataclass
class OutsideCalls:
    """What the formulas of a workbook call for that is not in it."""

    other_languages: Some = field(default_factory=Some)
    add_ins: Some = field(default_factory=Some)
    other_workbooks: Some = field(default_factory=Some)


def outside_calls(sheets: Sequence[Sheet]) -> OutsideCalls:
    """Return the formulas that call for something outside; each counts once."""
    found = OutsideCalls()
    letters = Budget(_MOST_LETTERS)
    for sheet, column, run in islice(_runs(sheets), _MOST_RUNS):
        if not letters.begins():
            break
        formula = run.formula.at(run.first_row)
        letters.spend(len(formula))
        for match in _WORD.finditer(formula):
            if translated(match["function"] or ""):
                found.other_languages.add(match["function"], sheet, column, run)
            elif name := match["add_in"] or match["linked"] or _of_no_program(match["function"]):
                found.add_ins.add(name, sheet, column, run)
            elif match["link"]:
                found.other_workbooks.add(match["link"].replace("'", ""), sheet, column, run)
            else:
                continue
            break
    return found


def _runs(sheets: Sequence[Sheet]) -> Iterator[tuple[str, int, Run]]:
    for sheet in sheets:
        for column, runs in sheet.runs.items():
            for run in runs:
                yield sheet.name, column, run


def _of_no_program(function: str | None) -> str | None:
    """Return the name of a function that no spreadsheet program has; None for others."""
    from openpyxl.utils import FORMULAE  # here, because few workbooks need it and it loads slowly

    if not function or function.lower().startswith("_xl") or is_known(function):
        return None
    return None if function.upper() in FORMULAE | _NEWER else function
