"""What arrays say of their own rounding, against arithmetic of more digits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook_tools.mathematics.functions import activated, hidden_delta, losses, output_delta
from workbook_tools.mathematics.optimizers import KEEPS, Rule, next_state, step
from workbook_tools.mathematics.rounding import Rounded
from workbook_tools.notation.vocabulary import Activation, Loss, Optimizer

UNIT = 2.0**-52
Calculation = Callable[[list[Any]], Any]


def probabilities(loss: Loss) -> Activation:
    return {
        Loss.BINARY_CROSS_ENTROPY: Activation.SIGMOID,
        Loss.CATEGORICAL_CROSS_ENTROPY: Activation.SOFTMAX,
    }.get(loss, Activation.TANH)


def loss_of(loss: Loss) -> Calculation:
    return lambda x: losses(loss, x[0], x[1], activated(probabilities(loss), x[1]))


def delta_of(loss: Loss) -> Calculation:
    kind = probabilities(loss)
    return lambda x: output_delta(loss, kind, x[0], x[1], activated(kind, x[1]))


def step_of(optimizer: Optimizer) -> Calculation:
    rule = Rule(optimizer, decay=0.01, smallest=1e-3)

    def calculation(x: list[Any]) -> Any:
        before = dict.fromkeys(KEEPS[optimizer], x[2] * x[2])
        state = next_state(rule, before, x[0], x[1])
        return step(rule, 0.1, np.array(3.0), x[0], x[1], state)

    return calculation


CALCULATIONS: dict[str, Calculation] = {
    **{f"{a}": lambda x, a=a: activated(a, x[0]) for a in Activation},
    **{
        f"{a} slope": lambda x, a=a: hidden_delta(a, x[1] @ x[2][0], x[0], activated(a, x[0]))
        for a in Activation
        if a is not Activation.SOFTMAX
    },
    **{f"{loss}": loss_of(loss) for loss in Loss},
    **{f"{loss} delta": delta_of(loss) for loss in Loss},
    **{f"{optimizer}": step_of(optimizer) for optimizer in Optimizer},
    "sum": lambda x: (x[0] - x[1]).sum(axis=-1),
    "row above": lambda x: x[0].row_above(0.0) - x[1] if isinstance(x[0], Rounded) else (
        np.concatenate([np.zeros_like(x[0][:1]), x[0][:-1]]) - x[1]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALCULATIONS)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), size=st.sampled_from([1e-3, 1.0, 30.0]))
def test_errors_stay_within_what_is_said_of_them(name: str, seed: int, size: float) -> None:
    calculation = CALCULATIONS[name]
    chance = np.random.default_rng(seed)
    given_values = [chance.normal(0, size, (3, 3, 3)) for _ in range(3)]
    found = calculation([Rounded.read(values, 1e-9) for values in given_values])
    exact = calculation([values.astype(np.longdouble) for values in given_values])
    assert found.values == pytest.approx(calculation(given_values), rel=0, abs=0)

    error = np.abs(found.values - exact).astype(float)
    largest = np.maximum(found.terms, np.abs(found.values))
    assert (error <= 40 * UNIT * largest + 1e-300).all()

    nudges = [1 + 1e-9 * chance.uniform(-1, 1, (3, 3, 3)) for _ in range(3)]
    moved = calculation(
        [v.astype(np.longdouble) * n for v, n in zip(given_values, nudges, strict=True)]
    )
    change = np.abs(moved - exact).astype(float)
    assert (change <= 1.001 * found.radius + 1e-15 * largest).all()


def test_a_sum_that_cancels_is_as_rough_as_its_terms() -> None:
    values = Rounded.read(np.array([[1e6 / 3, -1e6 / 3 + 1e-6]]))
    product = values * 1.1
    assert product.sum(axis=-1).terms == pytest.approx(2 * 1.1e6 / 3)
    assert abs(product.sum(axis=-1).values[0]) < 1e-5


def test_a_number_is_as_exact_as_it_was_read() -> None:
    numbers = np.array([0.1, -2.0])
    assert Rounded.read(numbers).terms.tolist() == [0.0, 0.0]
    assert Rounded.read(numbers).radius.tolist() == [0.0, 0.0]
    assert Rounded.read(numbers, 0.5, np.array([0.25, 0.0])).radius.tolist() == [0.3, 1.0]


@pytest.mark.parametrize("name", CALCULATIONS)
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([0.1, 1.0, 30.0]),
    decimals=st.integers(0, 4),
)
def test_a_rounded_number_gives_what_the_exact_one_may_give(
    name: str, seed: int, size: float, decimals: int
) -> None:
    calculation, chance = CALCULATIONS[name], np.random.default_rng(seed)
    exact = [chance.normal(0, size, (3, 3, 3)) for _ in range(3)]
    half = 0.5 * 10.0**-decimals
    with np.errstate(all="ignore"):
        found = calculation([Rounded.read(values.round(decimals), halves=half) for values in exact])
        difference = np.abs(calculation(exact) - found.values)
    assert not (difference > found.radius * (1 + 1e-9) + 1e-13 * (1 + found.terms)).any()
    assert np.isfinite(difference).mean() > 0.9
