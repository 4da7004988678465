"""The update rules of the optimizers on arrays, as PyTorch defines them.

Each function does one step, for an array of parameters of any shape (documentation of
``torch.optim`` 2.x: SGD with ``momentum`` and ``nesterov``, RMSprop, Adam, AdamW). With weight
decay λ, λ w is added to the gradient; AdamW shrinks the parameters by a factor 1 − η λ instead.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from workbook_tools.mathematics.rounding import Numbers
from workbook_tools.notation.vocabulary import Optimizer, Schedule


@dataclass(frozen=True)
class Rule:
    """An update rule: the optimizer, its settings, and the schedule of its learning rate."""

    optimizer: Optimizer = Optimizer.GRADIENT_DESCENT
    rate: float = float("nan")  # η
    momentum: float = 0.9  # μ
    smoothing: float = 0.99  # α of RMSprop
    first: float = 0.9  # β1 of Adam
    second: float = 0.999  # β2 of Adam
    smallest: float = 1e-8  # ε
    decay: float = 0.0  # λ
    schedule: Schedule = Schedule.CONSTANT
    factor: float = 1.0  # γ of a step or exponential schedule
    span: float = 1  # iterations: between steps, or of the cosine

    def of_axes(self, axes: int) -> "Rule":
        """Return the rule for arrays of so many axes, the first of which is the draws.

        Its numbers may be arrays (draws,).
        """
        drawn = {name: along(value, axes) for name, value in vars(self).items() if np.ndim(value)}
        return replace(self, **drawn)

    def rates(self, iterations: Numbers) -> Numbers:
        """Return η in each of some iterations, counted from 1: (draws, iterations)."""
        return along(self.rate, 2) * self.of_axes(2).multiplier(iterations)

    def multiplier(self, iteration: Numbers) -> Numbers:
        """Return the schedule's factor of η in each iteration, counted from 1."""
        before = iteration - 1.0
        if self.schedule is Schedule.STEP:
            return self.factor ** np.floor(before / self.span)
        if self.schedule is Schedule.EXPONENTIAL:
            return self.factor**before
        if self.schedule is Schedule.COSINE:
            return (1.0 + np.cos(np.pi * before / self.span)) / 2.0
        return np.ones_like(before)


def along(values: Numbers, axes: int) -> Numbers:
    """Return numbers (draws,) with so many axes, to multiply arrays with them; others as is."""
    return np.reshape(values, (-1,) + (1,) * (axes - 1)) if np.ndim(values) else values


State: TypeAlias = dict[str, Numbers]  # by the letter of its columns: "m", "v"

KEEPS = {
    Optimizer.GRADIENT_DESCENT: (),
    Optimizer.MOMENTUM: ("m",),
    Optimizer.NESTEROV: ("m",),
    Optimizer.RMSPROP: ("v",),
    Optimizer.ADAM: ("m", "v"),
    Optimizer.ADAMW: ("m", "v"),
}


def decayed(rule: Rule, parameters: Numbers, gradients: Numbers) -> Numbers:
    """Return the gradients that the step uses: with λ w added, except for AdamW."""
    is_zero = isinstance(rule.decay, float) and not rule.decay
    if rule.optimizer is Optimizer.ADAMW or is_zero:
        return gradients
    return gradients + rule.decay * parameters


def next_state(rule: Rule, before: State, parameters: Numbers, gradients: Numbers) -> State:
    """Return the state after an iteration's gradients; ``before`` the first one it is 0."""
    if not KEEPS[rule.optimizer]:
        return {}
    g = decayed(rule, parameters, gradients)
    match rule.optimizer:
        case Optimizer.MOMENTUM | Optimizer.NESTEROV:
            return {"m": rule.momentum * before["m"] + g}
        case Optimizer.RMSPROP:
            smooth = rule.smoothing
            return {"v": smooth * before["v"] + (1.0 - smooth) * g * g}
    return {
        "m": rule.first * before["m"] + (1.0 - rule.first) * g,
        "v": rule.second * before["v"] + (1.0 - rule.second) * g * g,
    }


def step(
    rule: Rule,
    rate: Numbers,
    iteration: Numbers,
    parameters: Numbers,
    gradients: Numbers,
    state: State,
) -> Numbers:
    """Return the next iteration's parameters, from the ``state`` after this one's gradients."""
    g = decayed(rule, parameters, gradients)
    match rule.optimizer:
        case Optimizer.GRADIENT_DESCENT:
            return parameters - rate * g
        case Optimizer.MOMENTUM:
            return parameters - rate * state["m"]
        case Optimizer.NESTEROV:
            return parameters - rate * (g + rule.momentum * state["m"])
        case Optimizer.RMSPROP:
            return parameters - rate * g / (np.sqrt(state["v"]) + rule.smallest)
    mean = state["m"] / (1.0 - rule.first**iteration)
    square = state["v"] / (1.0 - rule.second**iteration)
    if rule.optimizer is Optimizer.ADAMW:
        parameters = parameters - rate * rule.decay * parameters
    return parameters - rate * mean / (np.sqrt(square) + rule.smallest)
