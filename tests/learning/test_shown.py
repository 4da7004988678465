"""Gradients that are shown, but from which no formula updates a parameter."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from any_layout import called_wrong, checked
from hypothesis import given
from hypothesis import strategies as st
from learning_score import Unlabelled, without_updates
from openpyxl.utils.cell import coordinate_to_tuple

from workbook_tools.checking.verify import verify
from workbook_tools.notation.addresses import Cell, cell_name

WILD = Path(__file__).parents[3] / "shared" / "wild"
needs_wild = pytest.mark.skipif(not WILD.is_dir(), reason="the sample is not beside the project")
SLOPES = {
    "1/(1+EXP(-{z}))": "{y}*(1-{y})",
    "TANH({z})": "(1-{y}^2)",
    "MAX({z},0)": "IF({z}>0,1,0)",
}


class Shape(NamedTuple):
    """A network with one hidden layer, and how its gradients lie."""

    inputs: int
    hidden: int
    outputs: int
    activation: str
    is_softmax: bool
    is_transposed: bool
    seed: int


shapes = st.builds(
    Shape, st.integers(2, 3), st.integers(2, 3), st.integers(2, 3),
    st.sampled_from([*SLOPES]), st.booleans(), st.booleans(), st.integers(0, 1_000),
)  # fmt: skip


def matrix(shape: Shape, gradients: Sequence[Sequence[str]], top: int, left: int) -> dict[str, str]:
    """Return gradients as they lie: in a block like that of the parameters, or transposed."""
    found = {}
    for i, row in enumerate(gradients):
        for j, formula in enumerate(row):
            down, right = (j, i) if shape.is_transposed else (i, j)
            found[cell_name(top + down, left + right)] = f"={formula}"
    return found


def network(shape: Shape) -> tuple[dict[str, object], list[str]]:
    """Return the cells of a network with its gradients, and which cells these are."""
    chance = np.random.default_rng(shape.seed)
    n, m, k = shape.inputs, shape.hidden, shape.outputs
    cells: dict[str, object] = {}
    first = [[cell_name(2 + j, 2 + i) for i in range(n + 1)] for j in range(m)]  # with biases
    second = [[cell_name(8 + j, 2 + i) for i in range(m + 1)] for j in range(k)]
    for name in (name for block in (first, second) for row in block for name in row):
        cells[name] = round(float(chance.uniform(0.1, 0.9)), 2)
    x, t = [f"H{2 + i}" for i in range(n)], [f"M{8 + j}" for j in range(k)]
    cells |= {name: round(float(chance.uniform(0.2, 0.9)), 2) for name in x}
    cells |= {name: float(name == t[0]) if shape.is_softmax else 0.3 for name in t}
    h, z = [f"J{2 + j}" for j in range(m)], [f"I{2 + j}" for j in range(m)]
    o, s = [f"J{8 + j}" for j in range(k)], [f"I{8 + j}" for j in range(k)]
    for j, own in enumerate(first):
        products = "+".join(f"{w}*{value}" for w, value in zip(own, x, strict=False))
        cells[z[j]] = f"={products}+{own[-1]}"
        cells[h[j]] = f"={shape.activation.format(z=z[j])}"
    total = "+".join(f"EXP({own})" for own in s)
    for j, own in enumerate(second):
        products = "+".join(f"{w}*{value}" for w, value in zip(own, h, strict=False))
        cells[s[j]] = f"={products}+{own[-1]}"
        cells[o[j]] = f"=EXP({s[j]})/({total})" if shape.is_softmax else f"=1/(1+EXP(-{s[j]}))"
    d, e = [f"N{8 + j}" for j in range(k)], [f"N{2 + j}" for j in range(m)]
    for j in range(k):
        slope = "" if shape.is_softmax else f"*{o[j]}*(1-{o[j]})"
        cells[d[j]] = f"=({o[j]}-{t[j]}){slope}"
    for i in range(m):
        back = "+".join(f"{d[j]}*{second[j][i]}" for j in range(k))
        cells[e[i]] = f"=({back})*{SLOPES[shape.activation].format(y=h[i], z=z[i])}"
    blocks = [
        matrix(shape, [[*(f"{e[j]}*{own}" for own in x), e[j]] for j in range(m)], 2, 17),
        matrix(shape, [[*(f"{d[j]}*{own}" for own in h), d[j]] for j in range(k)], 8, 17),
    ]
    shown = [name for block in blocks for name in block]
    return cells | blocks[0] | blocks[1], shown


@given(shapes)
def test_gradients_beside_a_network_are_right(
    tmp_path_factory: pytest.TempPathFactory, shape: Shape
) -> None:
    cells, shown = network(shape)
    report = checked(cells, tmp_path_factory.mktemp("shown") / "right.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])
    [model] = report.models
    weights = len(shown) - shape.hidden - shape.outputs
    assert model.count("right")[0] >= weights
    assert model.updates == []


@given(shapes, st.randoms(use_true_random=False))
def test_a_changed_gradient_is_found_at_its_cell(
    tmp_path_factory: pytest.TempPathFactory, shape: Shape, chance: random.Random
) -> None:
    cells, shown = network(shape)
    weights = [name for name in shown if "*" in str(cells[name])]
    name = chance.choice(weights)
    error, _, value = str(cells[name])[1:].partition("*")
    others = [f"H{2 + i}" for i in range(shape.inputs)]
    others += [f"J{2 + i}" for i in range(shape.hidden)]
    other = chance.choice([own for own in others if own != value])
    cells[name] = chance.choice([f"={error}*{other}", f"=-{error}*{value}", f"={error}+{value}"])
    report = checked(cells, tmp_path_factory.mktemp("shown") / "changed.xlsx")
    assert report.verdict == "fail"
    assert called_wrong(report) == {name}


def regression(seed: int) -> tuple[dict[str, object], list[str]]:
    """Return the cells of a regression, a sample in each row, and its gradients by weights.

    There are one or two outputs, linear or logistic, or with a softmax. Errors have a column of
    their own or not, gradients any sign and factor, and their totals are sums or averages.
    """
    chance = random.Random(seed)
    n, k, m = chance.choice([1, 2, 3]), chance.choice([1, 2]), chance.choice([3, 5])
    kind = chance.choice(["linear", "logistic", *["softmax"] * (k - 1)])
    factor, total = chance.choice(["", "2*", "-0.5*"]), chance.choice(["SUM", "AVERAGE"])
    shows_errors = chance.random() < 0.5
    names = iter(cell_name(1, column)[:-1] for column in range(1, 50))
    x, t, z, p, e = ([next(names) for _ in range(count)] for count in (n, k, k, k, k))
    own = [[next(names) for _ in range(n + 1)] for _ in range(k)]  # gradients, of the bias last
    weights = [[cell_name(1 + j, 1 + i, absolute=True) for i in range(n + 1)] for j in range(k)]
    cells: dict[str, object] = {
        name.replace("$", ""): round(chance.uniform(-0.9, 0.9), 2)
        for row in weights
        for name in row
    }
    for row in range(6, 6 + m):
        hot = chance.randrange(k)
        cells |= {f"{column}{row}": round(chance.uniform(0.1, 0.9), 2) for column in x}
        exps = "+".join(f"EXP({column}{row})" for column in z)
        for j in range(k):
            share, label = round(chance.random(), 2), chance.choice([0, 1])
            value = {"linear": share, "logistic": label, "softmax": int(j == hot)}[kind]
            products = [f"{w}*{column}{row}" for w, column in zip(weights[j], x, strict=False)]
            own_z = f"{z[j]}{row}"
            cells[f"{t[j]}{row}"] = value
            cells[own_z] = f"={'+'.join([*products, weights[j][-1]])}"
            cells[f"{p[j]}{row}"] = {
                "linear": f"={own_z}",
                "logistic": f"=1/(1+EXP(-{own_z}))",
                "softmax": f"=EXP({own_z})/({exps})",
            }[kind]
            error = f"({p[j]}{row}-{t[j]}{row})"
            if shows_errors:
                cells[f"{e[j]}{row}"] = f"={error}"
                error = f"{e[j]}{row}"
            for column, by in zip(own[j], [*(f"*{c}{row}" for c in x), ""], strict=True):
                cells[f"{column}{row}"] = f"={factor}{error}{by}"
    totals = [f"{column}{6 + m}" for row in own for column in row]
    cells |= {
        name: f"={total}({name[: -len(str(6 + m))]}6:{name[: -len(str(6 + m))]}{5 + m})"
        for name in totals
    }
    return cells, [
        f"{column}{row}" for part in own for column in part[:-1] for row in range(6, 6 + m)
    ]


@given(st.integers(0, 10_000))
def test_gradients_of_a_sample_in_each_row_are_right(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    cells, _ = regression(seed)
    report = checked(cells, tmp_path_factory.mktemp("shown") / "right.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])
    assert sum(model.count("right")[0] for model in report.models) >= 1


@given(st.integers(0, 10_000), st.sampled_from(["={of}*0.5", "=-{of}", "={of}^2"]))
def test_a_changed_gradient_of_one_sample_is_found_at_its_cell(
    tmp_path_factory: pytest.TempPathFactory, seed: int, change: str
) -> None:
    cells, shown = regression(seed)
    name = shown[seed % len(shown)]
    cells[name] = change.format(of=f"({str(cells[name])[1:]})")
    report = checked(cells, tmp_path_factory.mktemp("shown") / "changed.xlsx")
    assert called_wrong(report) == {name}


def test_a_changed_gradient_of_a_training_without_updates_is_found_and_mended(
    workbooks: Path, tmp_path: Path
) -> None:
    book = Unlabelled(without_updates(workbooks / "mazur.xlsx", tmp_path))
    cell: Cell = ("LR 0.5", *coordinate_to_tuple("AA50"))
    assert book.found({}) == (set(), {})
    old = book.formula(cell)
    new = old.replace("K50*(1-K50)", "M50*(1-M50)")
    assert new != old
    assert book.found({cell: new}) == ({cell}, {cell: old})


@needs_wild
def test_a_mask_that_is_left_out_is_found_where_it_belongs() -> None:
    report = verify(WILD / "016.xlsx")
    assert called_wrong(report) == {"P15", "P16", "P17", "P18"}
    [finding] = report.findings
    suggestion = finding.places[0].suggestion
    assert suggestion is not None
    assert {cell_name(*cell[1:]): own for cell, own in suggestion.helpers.items()} == {
        "P20": "=IF(M24>0,J30,0)",
        "P21": "=IF(N24>0,J31,0)",
    }


@needs_wild
def test_gradients_that_a_macro_uses_are_right() -> None:
    report = verify(WILD / "035.xlsm")
    assert (report.verdict, report.findings) == ("pass", [])
    assert sum(model.count("right")[0] for model in report.models) == 22
    assert [model.assumed_loss for model in report.models] == [None]


def passed_on(hidden: str) -> dict[str, object]:
    """Return a delta rule in which inputs pass weights of 1; gradients are shown by sample."""
    cells: dict[str, object] = {"D1": 1, "E1": 1, "F1": 0.4, "G1": -0.3, "H1": 0.7, "I1": 0.2}
    for row, (x, y, t) in enumerate([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)], start=3):
        cells |= {
            f"A{row}": x, f"B{row}": y, f"C{row}": t,
            f"D{row}": f"=$D$1*A{row}", f"E{row}": f"=$E$1*B{row}",
            f"P{row}": f"=$F$1*D{row}+$G$1*E{row}-$H$1", f"F{row}": f"=1/(1+EXP(-P{row}))",
            f"G{row}": f"=1/(1+EXP(-($I$1*F{row})))",
            f"H{row}": f"=C{row}-G{row}",
            f"J{row}": f"=H{row}*G{row}*(1-G{row})",
            f"K{row}": f"=J{row}*$I$1*F{row}*(1-F{row})",
            f"L{row}": f"=K{row}*{hidden[0]}{row}", f"M{row}": f"=K{row}*{hidden[1]}{row}",
            f"N{row}": f"=-K{row}", f"O{row}": f"=J{row}*F{row}",
        }  # fmt: skip
    return cells | {"H8": "=SUMSQ(H3:H6)"}


def test_gradients_that_are_right_only_with_these_numbers_are_latent(tmp_path: Path) -> None:
    right = checked(passed_on("DE"), tmp_path / "right.xlsx")
    assert (right.verdict, right.findings) == ("pass", [])
    assert sum(model.count("right")[0] for model in right.models) >= 12
    latent = checked(passed_on("AB"), tmp_path / "latent.xlsx")
    assert called_wrong(latent) == {f"{letter}{row}" for letter in "LM" for row in range(3, 7)}
    [finding] = latent.findings
    assert finding.kind.value == "latent"
    assert finding.places[0].put_right["Sheet", 4, 12] == "=K4*D4"
    claims = {one.cells: one.verdict for model in latent.models for one in model.claims}
    assert claims["L3:M6"] == "latent"


@needs_wild
def test_gradients_that_follow_from_a_mistake_count_as_wrong() -> None:
    report = verify(WILD / "016.xlsx")
    [model] = report.models
    assert ("Backprop", "D15:H17, H24:K27, J34:N36") in model.parameters
    wrong = {one.cells: one.why for one in model.claims if one.verdict == "wrong"}
    assert [*wrong] == ["P15:P18", "M5:O9"]
    assert wrong["M5:O9"] == "it is calculated from what is wrong"
    assert [place.ranges for one in report.findings for place in one.places] == ["P15:P18"]
