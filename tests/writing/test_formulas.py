from itertools import pairwise
from pathlib import Path

import pytest

from workbook_tools.notation.quantities import Naming
from workbook_tools.spec.data import DataTable
from workbook_tools.spec.experiment import Experiment
from workbook_tools.spec.load import load_experiment
from workbook_tools.spec.network import Network
from workbook_tools.spec.start import Start
from workbook_tools.spec.training import Training
from workbook_tools.writing.equations import equation_blocks
from workbook_tools.writing.formulas import quantities
from workbook_tools.writing.layout import FIRST_ROW, Book, Layout, ParameterLayout

CLASSIC_HEADER = (
    "t1 t2 i1 i2 w1 w2 w3 w4 h1 a_h1 h2 a_h2 w5 w6 w7 w8 o1 a_o1 o2 a_o2 E1 E2 E_tot "
    "∂E/∂w1 ∂E/∂w2 ∂E/∂w3 ∂E/∂w4 ∂E/∂w5 ∂E/∂w6 ∂E/∂w7 ∂E/∂w8"
).split()


def experiment(sizes: list[int], biases: str = "none", bias_count: int = 0) -> Experiment:
    weights = sum(m * n for m, n in pairwise(sizes))
    return Experiment(
        title="test",
        network=Network(layers=sizes, biases=biases),  # type: ignore[arg-type]
        data=DataTable(inputs=[0.1] * sizes[0], targets=[0.5] * sizes[-1]),
        start=Start(weights=[0.1] * weights, biases=[0.1] * bias_count),
        training=Training(learning_rates=[1.0], iterations=3),
    )


@pytest.fixture(scope="module")
def classic(workbooks: Path) -> Layout:
    return Book(load_experiment(workbooks / "Back_Propogation.toml")).sheets[0]


def test_the_classic_table_has_the_columns_people_know(classic: Layout) -> None:
    assert list(classic.columns) == CLASSIC_HEADER
    assert (FIRST_ROW, classic.last_row) == (32, 99)


@pytest.mark.parametrize(
    ("symbol", "row", "formula"),
    [
        ("t1", 33, "=A32"),
        ("i2", 33, "=D32"),
        ("w1", 33, "=E32-$G$30*X32"),
        ("w8", 33, "=P32-$G$30*AE32"),
        ("h1", 32, "=E32*C32+F32*D32"),
        ("h2", 32, "=G32*C32+H32*D32"),
        ("a_h1", 32, "=1/(1+EXP(-I32))"),
        ("o2", 32, "=O32*J32+P32*L32"),
        ("E1", 32, "=0.5*(A32-R32)^2"),
        ("E_tot", 32, "=U32+V32"),
        (
            "∂E/∂w1",
            32,
            "=((R32-A32)*R32*(1-R32)*M32+(T32-B32)*T32*(1-T32)*O32)*J32*(1-J32)*C32",
        ),
        (
            "∂E/∂w3",
            32,
            "=((R32-A32)*R32*(1-R32)*N32+(T32-B32)*T32*(1-T32)*P32)*L32*(1-L32)*C32",
        ),
        ("∂E/∂w6", 32, "=(R32-A32)*R32*(1-R32)*L32"),
    ],
)
def test_formulas_read_as_a_person_would_write_them(
    classic: Layout, symbol: str, row: int, formula: str
) -> None:
    quantity = next(q for q in classic.quantities if q.symbol == symbol)
    assert classic.formula(quantity, row) == formula


def test_the_first_iteration_reads_the_input_cells(classic: Layout) -> None:
    w1 = next(q for q in classic.quantities if q.symbol == "w1")
    assert classic.formula(w1, 32) == "=Overview!$C$19"
    assert ParameterLayout(classic.experiment).cells["w1"] == (19, 3)


def test_a_bias_is_added_to_the_weighted_sum_of_every_unit_that_shares_it() -> None:
    formulas = {q.symbol: q.formula for q in quantities(experiment([2, 2, 2], "fixed", 2))}
    assert formulas["h1"] == "w1*i1+w2*i2+b1"
    assert formulas["h2"] == "w3*i1+w4*i2+b1"
    assert formulas["b1"] == "b1[-1]"
    assert "∂E/∂b1" not in formulas


def test_a_shared_trained_bias_gathers_the_errors_of_its_units() -> None:
    formulas = {q.symbol: q.formula for q in quantities(experiment([1, 1, 2], "trained", 2))}
    assert formulas["b2"] == "b2[-1]-η*∂E/∂b2[-1]"
    assert formulas["∂E/∂b2"] == "(a_o1-t1)*a_o1*(1-a_o1)+(a_o2-t2)*a_o2*(1-a_o2)"


def test_a_deep_network_has_delta_columns_and_no_formula_grows_with_depth() -> None:
    shallow = {q.symbol: q.formula for q in quantities(experiment([2, 2, 2, 2]))}
    deep = {q.symbol: q.formula for q in quantities(experiment([2, 2, 2, 2, 2, 2]))}
    assert shallow["δ_h1_1"] == "(δ_h2_1*w5+δ_h2_2*w7)*a_h1_1*(1-a_h1_1)"
    assert shallow["∂E/∂w1"] == "δ_h1_1*i1"
    assert deep["∂E/∂w1"] == shallow["∂E/∂w1"]
    assert max(f.count("*") for f in deep.values()) == max(f.count("*") for f in shallow.values())


@pytest.mark.parametrize(
    ("sizes", "biases", "count"),
    [([1, 1], "none", 0), ([3, 2], "trained", 2), ([2, 3, 1], "fixed", 4), ([2] * 5, "trained", 8)],
)
def test_every_symbol_in_a_formula_is_a_column(sizes: list[int], biases: str, count: int) -> None:
    layout = Book(experiment(sizes, biases, count)).sheets[0]
    for quantity in layout.quantities:
        assert layout.formula(quantity, 33).startswith("=")
    assert Naming.from_symbols(layout.columns) == layout.experiment.naming


def test_the_equations_stand_in_six_numbered_blocks(classic: Layout) -> None:
    blocks = equation_blocks(classic.experiment)
    assert [block.title for block in blocks] == [
        "Forward pass and loss",
        "The chain rule, for ∂E/∂w5",
        "Gradients of the output layer",
        "What arrives at the hidden units",
        "The chain rule, for the hidden layer",
        "Gradients of the hidden layer, written out",
    ]
    assert "E1 = ½(t1 − a_o1)²" in blocks[0].lines
    assert blocks[1].lines[0] == "∂E_tot/∂w5 = ∂E_tot/∂a_o1 · ∂a_o1/∂o1 · ∂o1/∂w5"
    assert "∂E/∂w5 = (a_o1 − t1)·a_o1·(1 − a_o1)·a_h1" in blocks[2].lines
    assert blocks[4].lines[0] == "∂E/∂w1 = ∂E/∂a_h1 · ∂a_h1/∂h1 · ∂h1/∂w1"
    assert len(blocks[5].lines) == 4
