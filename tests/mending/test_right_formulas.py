"""Formulas written from scratch are right on random numbers, whatever the network."""

from pathlib import Path

import numpy as np
import pytest

from workbook_tools.engines import recalculate
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.probe import Place, Trials
from workbook_tools.mending.right_formulas import RightFormulas
from workbook_tools.package.columns import Calculation
from workbook_tools.package.workbook import open_package
from workbook_tools.reading.described import reference_for
from workbook_tools.reading.reader import read_tables
from workbook_tools.reading.samples import read_samples
from workbook_tools.reading.stated import read_parameters

pytestmark = pytest.mark.slow


def grounds_of(path: Path) -> tuple[list[Grounds], Calculation]:
    calculation = recalculate(path, "embedded")
    with open_package(path) as package:
        sheets, _ = read_sheets(package)
    tables, _ = read_tables(sheets, calculation)
    stated = read_parameters(sheets, tables, calculation)
    found = []
    for table in tables:
        sizes = table.naming.sizes
        samples = read_samples(sheets, sizes[0], sizes[-1], calculation)
        reference = reference_for(table, calculation)
        found.append(Grounds.of(table, stated, samples, calculation, reference))
    return found, calculation


@pytest.mark.parametrize("name", ["Back_Propogation", "mazur", "xor", "iris", "optimizers", "deep"])
def test_every_formula_can_be_written_from_scratch(
    workbooks: Path, shorter: dict[str, Path], name: str
) -> None:
    every, calculation = grounds_of(shorter.get(name, workbooks / f"{name}.xlsx"))
    for grounds in every:
        table, right = grounds.table, RightFormulas(grounds)
        expected = grounds.expected(table.values, table.rate, calculation)
        within = sorted({0, 1 % table.block, table.block - 1})
        begins = range(table.first_row, table.last_row + 1, table.block)[:3]
        places = [
            Place(symbol, row, right.at(symbol, row) or f"no formula of {symbol} in row {row}")
            for symbol in table.columns
            for row in [begin + k for begin in begins for k in within]
            if not np.isnan(expected.values[symbol][table.position_of(row)])
        ]
        assert len(places) > 20
        judged = Trials(grounds, calculation, {}).right(places)
        wrong = [place for place, is_right in zip(places, judged, strict=True) if not is_right]
        assert wrong == []
