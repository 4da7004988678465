"""Activations and loss are read from the formulas, where nothing is said about them."""

from pathlib import Path

import openpyxl
import pytest
from checks import check
from handmade import FORMULAS, HandMade

from workbook_tools.checking.verify import verify
from workbook_tools.writing.workbook import build

pytestmark = pytest.mark.slow

SPEC = """
title = "x"
[network]
layers = [2, 3, 3]
activation = ["{hidden}", "{output}"]
loss = "{loss}"
gradients = "delta"
[data]
inputs = [0.3, 0.8]
targets = [0.25, 0.5, 0.25]
[start]
draw = "xavier"
seed = 3
[training]
learning_rates = [0.3]
iterations = 5
"""
HIDDEN = ["sigmoid", "tanh", "relu", "leaky-relu", "elu", "softplus", "linear"]
OUTPUTS = [
    ("linear", "half-squared-error"),
    ("tanh", "mean-squared-error"),
    ("sigmoid", "half-squared-error"),
    ("sigmoid", "binary-cross-entropy"),
]


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("output", "loss"), OUTPUTS)
def test_the_words_above_a_table_are_not_needed(
    tmp_path: Path, hidden: str, output: str, loss: str
) -> None:
    spec = tmp_path / "x.toml"
    spec.write_text(SPEC.format(hidden=hidden, output=output, loss=loss), encoding="utf-8")
    build(spec, tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    for cell in book["LR 0.3"][30]:
        if cell.value in ("activation:", "loss:", "optimizer:"):
            cell.value = cell.offset(column=1).value = None
    report = check(book, tmp_path)
    read = report.tables[0].understood
    assert (read.activations, read.loss) == ([hidden, output], loss)
    assert set(read.known.values()) == {"by the formulas", "assumed: nothing says so"}
    assert (report.verdict, report.faults) == ("pass", [])


def test_softmax_in_one_formula_is_understood(tmp_path: Path) -> None:
    shares = {f"a_o{k}": f"=EXP({z}6)/(EXP(R6)+EXP(T6))" for k, z in ((1, "R"), (2, "T"))}
    entropy = {"E1": "=-B6*LN(S6)", "E2": "=-C6*LN(U6)"}
    delta = {1: "(S6-B6)", 2: "(U6-C6)"}
    own = {
        "∂E/∂w5": f"={delta[1]}*K6", "∂E/∂w6": f"={delta[1]}*M6",
        "∂E/∂w7": f"={delta[2]}*K6", "∂E/∂w8": f"={delta[2]}*M6",
        "∂E/∂w1": f"=({delta[1]}*N6+{delta[2]}*P6)*K6*(1-K6)*D6",
        "∂E/∂w2": f"=({delta[1]}*N6+{delta[2]}*P6)*K6*(1-K6)*E6",
        "∂E/∂w3": f"=({delta[1]}*O6+{delta[2]}*Q6)*M6*(1-M6)*D6",
        "∂E/∂w4": f"=({delta[1]}*O6+{delta[2]}*Q6)*M6*(1-M6)*E6",
    }  # fmt: skip
    made = HandMade({**FORMULAS, **shares, **entropy, **own})
    report = verify(made.save(tmp_path / "made.xlsx"))
    read = report.tables[0].understood
    assert (read.activations[-1], read.loss) == ("softmax", "categorical-cross-entropy")
    assert (report.verdict, report.faults) == ("pass", [])


def test_one_wrong_activation_does_not_change_that_of_its_layer(tmp_path: Path) -> None:
    made = HandMade({**FORMULAS, "a_h2": "=TANH(L6)"})
    [finding] = verify(made.save(tmp_path / "made.xlsx")).faults
    assert (finding.kind, finding.quantity) == ("wrong-formula", "a_h2")
