"""Labels and differentiation say the same of a table: two ways to prove its gradients."""

from pathlib import Path

import numpy as np
import pytest
from derivatives import opened
from handmade import FORMULAS, HandMade
from references import tables

from workbook_tools.checking.verify import verify
from workbook_tools.mathematics.reference import Reference
from workbook_tools.notation.quantities import gradient_symbol
from workbook_tools.reading.table import Table


def off(path: Path, table: Table, reference: Reference) -> dict[str, np.ndarray]:
    """Return how far each gradient column is from the derivatives of the losses, (rows,)."""
    sheet, own = table.sheet.name, [s for s in reference.trained if s in table.columns]
    rows = table.rows[:: table.block].tolist()
    parameters = [(sheet, row, table.columns[symbol]) for symbol in own for row in rows]
    derivatives = opened(path, parameters)
    losses = [(sheet, row, table.columns[table.loss]) for row in rows]
    found = derivatives.adjoints(losses, derivatives.memory)[:, 0]
    places = [[derivatives.place((sheet, row, table.columns[s])) for row in rows] for s in own]
    return {
        symbol: np.abs(found[at] - table.values[gradient_symbol(symbol)][:: table.block])
        for symbol, at in zip(own, places, strict=True)
    }


@pytest.mark.parametrize(
    "name", ["Back_Propogation", "mazur", "xor", "optimizers", "iris", "deep", "tiny_cnn"]
)
def test_every_gradient_of_a_shipped_workbook_is_the_derivative_of_its_loss(
    workbooks: Path, name: str
) -> None:
    path = workbooks / f"{name}.xlsx"
    [*read] = tables(path)
    for table, reference in read[:2]:
        largest = {symbol: own.max() for symbol, own in off(path, table, reference).items()}
        assert largest
        assert max(largest.values()) < 1e-12


@pytest.mark.parametrize("symbol", [s for s in FORMULAS if s[0] == "∂"])
def test_a_wrong_gradient_is_not_the_derivative_and_only_that_one(
    symbol: str, tmp_path: Path
) -> None:
    wrong = (
        FORMULAS[symbol].replace("K6", "M6")
        if "K6" in FORMULAS[symbol]
        else FORMULAS[symbol].replace("M6", "K6")
    )
    path = HandMade({**FORMULAS, symbol: wrong}).save(tmp_path / "made.xlsx")
    named = {fault.quantity for fault in verify(path).faults}
    [(table, reference)] = tables(path, "embedded")
    far = {gradient_symbol(s) for s, own in off(path, table, reference).items() if own.max() > 1e-9}
    assert far == named == {symbol}
