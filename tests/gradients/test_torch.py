"""Derivatives that are written, against PyTorch in double precision."""

from pathlib import Path
from typing import Any

import pytest
from differentiated_copies import copy_of, derivatives_in
from small_models import DATA, EXAMPLES, ROWS, WEIGHTS, saved

from workbook_tools.notation.addresses import cell_name

pytestmark = pytest.mark.torch
NAMES = ["A10", "B10", "C10", "A11", "B11", "C11"]


def _losses(torch: Any, name: str, x: Any, w: Any) -> Any:
    """Return the loss of an example, from the data (4, 2) and the weights (2, 3)."""
    functional = torch.nn.functional
    z = x @ w[:, :2].T + w[:, 2]
    if name == "relu":
        a = functional.relu(z)
        return functional.mse_loss(a[:, 0], x[:, 0]) + (a[:, 1] ** 2).sum()
    if name == "sigmoid":
        return functional.mse_loss(torch.sigmoid(z[:, 0]), x[:, 0])
    if name in ("softmax", "softmax at once"):
        every = -(x * functional.log_softmax(z, dim=1)).sum(1)
        return every.mean() if name == "softmax" else every.sum()
    if name == "labels":
        return functional.cross_entropy(z, torch.tensor([row % 2 for row in ROWS]))
    if name == "matrix":
        return ((x @ w[:, :2]) ** 2).sum()
    if name == "pool":
        pooled = functional.max_pool2d(x.reshape(1, 1, 4, 2), 2).reshape(2)
        return (pooled[0] * w[0, 0]) ** 2 - pooled[1] * w[0, 1]
    h, every = torch.tensor(0.2, dtype=torch.float64), []
    for number in x[:, 0]:
        h = torch.tanh(w[0, 0] * number + w[0, 1] * h)
        every.append(h)
    return h**2 + sum(every[:-1])


@pytest.mark.parametrize(
    "name",
    ["relu", "sigmoid", "softmax", "softmax at once", "labels", "matrix", "pool", "recurrent"],
)
@pytest.mark.parametrize("are_equal", [False, True])
def test_pytorch_gives_the_same(name: str, are_equal: bool, tmp_path: Path) -> None:
    """With equal data the largest is not the only one; PyTorch takes the first in reading order."""
    torch = pytest.importorskip("torch")
    cells = EXAMPLES[name] | (dict.fromkeys(DATA, 0.5) if are_equal else {})
    data = [[cells[f"{letter}{row}"] for letter in "AB"] for row in ROWS]
    x = torch.tensor(data, dtype=torch.float64, requires_grad=True)
    w = torch.tensor([WEIGHTS[own] for own in NAMES], dtype=torch.float64).reshape(2, 3)
    w.requires_grad_()
    _losses(torch, name, x, w).backward()
    summary = copy_of(saved(cells, tmp_path / "a.xlsx"), "I2", ["A10:C11", "A2:B5"])
    found = {
        cell_name(row, column): own for (_, row, column), own in derivatives_in(summary).items()
    }
    expected = dict(zip(NAMES, w.grad.flatten().tolist(), strict=True))
    expected |= {f"{'AB'[k]}{row}": x.grad[row - 2, k].item() for row in ROWS for k in (0, 1)}
    assert {own: found[own] for own in expected} == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_cross_entropy_that_does_not_overflow_is_smooth_at_0(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    cells: dict[str, object] = {"A1": 0, "A2": 1, "A3": 0.3, "B1": "=A1*A3+A1"}
    cells["B2"] = "=MAX(B1,0)-A2*B1+LN(1+EXP(-ABS(B1)))"
    found = derivatives_in(copy_of(saved(cells, tmp_path / "a.xlsx"), "B2", ["A1", "A3"]))
    a, weight = (torch.tensor(own, dtype=torch.float64, requires_grad=True) for own in (0.0, 0.3))
    one = torch.tensor(1.0, dtype=torch.float64)
    torch.nn.functional.binary_cross_entropy_with_logits(a * weight + a, one).backward()
    assert found["Sheet", 1, 1] == pytest.approx(float(a.grad), rel=1e-15)
    assert found["Sheet", 3, 1] == float(weight.grad)
