"""Whole trainings against pandas, which finds every number by its label instead of its place."""

from pathlib import Path

import numpy as np
import pandas as pd
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from references import networks, one_sample, tables, trained

from workbook_tools.mathematics.reference import Reference
from workbook_tools.notation.quantities import TOTAL_LOSS, gradient_symbol


def trained_in_pandas(
    reference: Reference, now: pd.Series, rate: float, iterations: int
) -> pd.DataFrame:
    """Train sigmoid units by gradient descent from data, weights and biases by symbol."""
    naming, rows = reference.naming, []
    names = {
        layer: pd.DataFrame(
            naming.weights(layer), naming.units(layer), naming.activations(layer - 1)
        )
        for layer in naming.layers
    }
    biases = {
        layer: pd.Series(naming.biases(layer), naming.units(layer), dtype=str)
        for layer in naming.layers
        if naming.biases(layer)
    }
    for _ in range(iterations):
        row = now.copy()
        for layer in naming.layers:
            z = names[layer].map(row.get) @ row[naming.activations(layer - 1)]
            if layer in biases:
                z += biases[layer].map(row)
            a = 1 / (1 + np.exp(-z))
            row = pd.concat([row, z, a.set_axis(naming.activations(layer))])
        targets = row[naming.targets].set_axis(a.index)
        row[TOTAL_LOSS] = ((targets - a) ** 2).sum() / 2
        delta = (a - targets) * a * (1 - a)
        slopes = []
        for layer in reversed(naming.layers):
            before = row[naming.activations(layer - 1)]
            of_weights = pd.concat({unit: d * before for unit, d in delta.items()}).sort_index()
            slopes.append(of_weights.set_axis(names[layer].stack().sort_index()))
            if layer in biases:
                slopes.append(delta.groupby(biases[layer]).sum())
            delta = (names[layer].map(row.get).T @ delta) * before * (1 - before)
            delta.index = naming.units(layer - 1) if layer > 1 else naming.inputs
        slope = pd.concat(slopes)[reference.trained]
        rows.append(pd.concat([row, slope.rename(gradient_symbol)]))
        now = now.sub(rate * slope, fill_value=0)
    return pd.DataFrame(rows)


def assert_same(ours: pd.DataFrame, right: pd.DataFrame) -> None:
    own = [symbol for symbol in right if symbol in ours]
    assert len(own) > 3
    pd.testing.assert_frame_equal(ours[own].reset_index(drop=True), right[own], rtol=1e-9)


@cases(50)
@given(networks(), st.floats(0.1, 2.0))
def test_a_run_is_what_pandas_makes_of_its_start(
    network: tuple[Reference, dict[str, float]], rate: float
) -> None:
    reference, values = network
    run = pd.DataFrame(trained(reference, values, one_sample(reference, values), rate, 5))
    right = trained_in_pandas(reference, pd.Series(values), rate, 5)
    assert set(right) <= set(run)
    assert_same(run, right)


def test_a_whole_sheet_is_what_pandas_makes_of_its_first_row(workbooks: Path) -> None:
    for table, reference in tables(workbooks / "Back_Propogation.xlsx"):
        frame = table.frame()
        start = frame.iloc[0][[*reference.data, *reference.start]]
        assert_same(frame, trained_in_pandas(reference, start, table.rate, table.iterations))
