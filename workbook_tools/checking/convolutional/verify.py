"""Checks a network's workbook: every cell, with every digit, and with numbers drawn at random."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from workbook_tools.checking.findings import Report
from workbook_tools.checking.sheets import Sheet
from workbook_tools.engines import Calculation
from workbook_tools.engines.embedded import Rerun
from workbook_tools.errors import InputError


def verify_network(
    path: Path,
    sheets: list[Sheet],
    defined: Mapping[str, str],
    calculation: Calculation,
    stored: Calculation,
    tolerance: float,
    on_step: Callable[[str], None],
) -> Report:
    """Check a network's workbook, with the values of ``calculation`` and those it carries.

    Other digits and numbers drawn at random are calculated by the embedded engine. Raises
    ``InputError`` if PyTorch is missing, or headings and labels do not make a network.
    """
    if find_spec("torch") is None:
        raise InputError(
            f"{path}: a convolutional network's workbook is checked by PyTorch, which is not "
            "installed: pip install 'workbook-tools[cnn]'"
        )
    from workbook_tools.checking.convolutional import trials
    from workbook_tools.checking.convolutional.book import read_book
    from workbook_tools.checking.convolutional.judging import Judgement
    from workbook_tools.checking.convolutional.state import State

    book = read_book(path, sheets, defined)
    judgement = Judgement(book, tolerance)
    judgement.look(State(book, calculation), calculation.storage, "as it is")
    judgement.compare_stored(State(book, stored), stored.tolerance + stored.storage)
    rerun = Rerun(path)
    every = [*trials.digits(book), *trials.draws(book)]
    for number, trial in enumerate(every, start=1):
        on_step(f"{trial.kind}: {number} of {len(every)}")
        # Thousands of inputs are put in faster before anything is calculated.
        engine = rerun if len(trial.inputs) == 1 else Rerun(path)
        judgement.look(State(book, engine.with_inputs(trial.inputs)), 0.0, trial.kind)
    return judgement.report(calculation.engine)
