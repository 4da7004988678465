"""The mathematics of networks that are drawn, and of workbooks' training tables."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbook_tools.engines import recalculate
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.mathematics.network import Samples
from workbook_tools.mathematics.reference import Reference
from workbook_tools.notation.quantities import Naming
from workbook_tools.package.workbook import open_package
from workbook_tools.reading.described import reference_for
from workbook_tools.reading.reader import read_tables
from workbook_tools.reading.table import Table

numbers = st.floats(-2.0, 2.0, allow_nan=False)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Reference, dict[str, float]]:
    """Draw a layered network with its data, weights and biases."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=5)))
    naming = Naming(sizes, tuple(draw(st.sampled_from(sorted({0, 1, n}))) for n in sizes[1:]))
    trained = [
        bias
        for layer in naming.layers
        if draw(st.booleans())
        for bias in dict.fromkeys(naming.biases(layer))
    ]
    reference = Reference(naming, tuple(trained), draw(st.booleans()))
    symbols = reference.data + reference.start
    values = draw(st.lists(numbers, min_size=len(symbols), max_size=len(symbols)))
    return reference, dict(zip(symbols, values, strict=True))


def one_sample(reference: Reference, values: dict[str, float]) -> Samples:
    inputs, targets = reference.naming.inputs, reference.naming.targets
    return Samples(
        np.array([[values[s] for s in inputs]]), np.array([[values[s] for s in targets]])
    )


def trained(
    reference: Reference,
    values: dict[str, float],
    data: Samples,
    rate: float,
    iterations: int,
) -> dict[str, NDArray[np.float64]]:
    """Train once from weights and biases by symbol; return all quantities, (rows,)."""
    start = {symbol: np.array([values[symbol]]) for symbol in reference.start}
    run = reference.run(start, data, rate, iterations)
    return {symbol: column for symbol, [column] in run.items()}


def tables(path: Path, engine: str = "cached") -> list[tuple[Table, Reference]]:
    with open_package(path) as package:
        sheets, _ = read_sheets(package)
    calculation = recalculate(path, engine)
    found, _ = read_tables(sheets, calculation)
    return [(table, reference_for(table, calculation)) for table in found]
