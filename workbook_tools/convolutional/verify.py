"""Checks a convolutional network's workbook: every cell, with every digit and random numbers."""

from collections.abc import Callable, Mapping
from pathlib import Path

from workbook_tools.convolutional.book import read_book
from workbook_tools.convolutional.judging import Judgement
from workbook_tools.convolutional.moments import moments
from workbook_tools.convolutional.state import State
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.report import Report
from workbook_tools.package.columns import Calculation
from workbook_tools.package.stored_values import CachedValues
from workbook_tools.program.graph import Graph


def verify_network(
    path: Path,
    graph: Graph,
    sheets: list[Sheet],
    defined: Mapping[str, str],
    calculation: Calculation,
    stored: CachedValues,
    tolerance: float,
    on_step: Callable[[str], None],
) -> Report:
    """Check a network's workbook, with the values of ``calculation`` and its cached ones.

    ``graph`` has the formulas of the ``sheets``.
    ``on_step`` is called with the progress in words. Raises ``InputError`` if headings and labels
    do not describe a network.
    """
    book = read_book(path, sheets, defined)
    judgement = Judgement(book, tolerance)
    now = State.read(book, [calculation])
    judgement.look(now, "as it is")
    for batch in moments(book, now, calculation, graph, sheets, stored):
        judgement.look(batch.state, batch.kind)
        on_step(f"checking, {batch.kind}: {batch.last} of {batch.total}")
    on_step("differentiating the loss")
    judgement.look_back(sheets, stored)
    judgement.compare_stored(State.read(book, [stored]), stored.tolerance + stored.storage)
    return judgement.report(calculation.engine)
