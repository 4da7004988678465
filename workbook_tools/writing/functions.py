"""Activations and losses as cell formulas, in symbols; each is written once, here.

None of them fails on a saturated unit: exponents that may be large are never positive, and the
argument of a logarithm is never below 1. (The classic spelling of the sigmoid is the exception.)
"""

from dataclasses import dataclass

from workbook_tools.notation.layers import Pooled
from workbook_tools.notation.quantities import LARGEST_OUTPUT, exponential_symbol
from workbook_tools.notation.vocabulary import LEAK, Activation, Loss

SAFE_SIGMOID = "EXP(MIN({z},0))/(1+EXP(-ABS({z})))"


@dataclass(frozen=True)
class ActivationFormula:
    """The formulas of a = f(z) and of da/dz, in z and a; the latter can be used as a factor."""

    value: str
    derivative: str

    def at(self, z: str) -> str:
        """Return the formula of the activation of ``z``."""
        return self.value.format(z=z)

    def slope(self, z: str, a: str) -> str:
        """Return the formula of the derivative."""
        return self.derivative.format(z=z, a=a)


ACTIVATIONS = {
    Activation.SIGMOID: ActivationFormula(SAFE_SIGMOID, "{a}*(1-{a})"),
    Activation.TANH: ActivationFormula("TANH({z})", "(1-{a}^2)"),
    Activation.RELU: ActivationFormula("MAX({z},0)", "IF({z}>0,1,0)"),
    Activation.LEAKY_RELU: ActivationFormula(f"MAX({{z}},{LEAK}*{{z}})", f"IF({{z}}>0,1,{LEAK})"),
    Activation.ELU: ActivationFormula("MAX({z},0)+EXP(MIN({z},0))-1", "EXP(MIN({z},0))"),
    Activation.SOFTPLUS: ActivationFormula("MAX({z},0)+LN(1+EXP(-ABS({z})))", SAFE_SIGMOID),
    Activation.LINEAR: ActivationFormula("{z}", "1"),
}
# The textbook spelling, as a person would type it; it gives an error value for z below −709.
CLASSIC_SIGMOID = ActivationFormula("1/(1+EXP(-{z}))", "{a}*(1-{a})")


def softmax(z: str, exponentials: list[str]) -> str:
    """Return a unit's exponential divided by the sum of the layer's exponentials."""
    return f"{exponential_symbol(z)}/SUM({','.join(exponentials)})"


def exponential(z: str) -> str:
    """Return e^(z − max z), which is at most 1."""
    return f"EXP({z}-{LARGEST_OUTPUT})"


def pooling(pooled: Pooled, window: list[str]) -> str:
    """Return the maximum or mean of a window."""
    return f"{'MAX' if pooled is Pooled.MAX else 'AVERAGE'}({','.join(window)})"


def unpooled(pooled: Pooled, error: str, window: list[str], a: str, kept: str) -> str:
    """Return ∂E/∂a of a unit of a window, from the ``error`` ∂E/∂(kept), the window's value.

    For a maximum it goes to the first largest unit in reading order, as in PyTorch.
    """
    if pooled is Pooled.AVERAGE:
        return f"{error}/{len(window)}"
    before = window[: window.index(a)]
    if not before:
        return f"{error}*IF({a}>={kept},1,0)"
    largest = f"MAX({','.join(before)})" if len(before) > 1 else before[0]
    return f"{error}*IF(AND({a}>={kept},{largest}<{kept}),1,0)"


def loss_part(loss: Loss, target: str, z: str, output: str, outputs: list[str]) -> str:
    """Return one output's part of the loss; ``outputs`` are all outputs' pre-activations."""
    mean = f"/{len(outputs)}" if len(outputs) > 1 else ""
    match loss:
        case Loss.HALF_SQUARED_ERROR:
            return f"0.5*({target}-{output})^2"
        case Loss.MEAN_SQUARED_ERROR:
            return f"({target}-{output})^2{mean}"
        case Loss.BINARY_CROSS_ENTROPY:
            part = f"MAX({z},0)-{target}*{z}+LN(1+EXP(-ABS({z})))"
            return f"({part}){mean}" if mean else part
    total = ",".join(map(exponential_symbol, outputs))
    return f"{target}*(LN(SUM({total}))-({z}-{LARGEST_OUTPUT}))"


def correct(activation: Activation, targets: list[str], outputs: list[str]) -> str:
    """Return a formula that is 1 if a sample is classified correctly, else 0.

    With softmax, the target's output must be the largest; with sigmoid outputs, each must be on
    the target's side of one half.
    """
    if activation is Activation.SOFTMAX:
        own = "+".join(f"{t}*{a}" for t, a in zip(targets, outputs, strict=True))
        return f"IF({own}>=MAX({','.join(outputs)}),1,0)"
    sides = ",".join(f"({t}-0.5)*({a}-0.5)" for t, a in zip(targets, outputs, strict=True))
    return f"IF(MIN({sides})>0,1,0)"


def loss_slope(loss: Loss, target: str, output: str, count: int) -> str:
    """Return ∂E/∂a of a squared error, ∂E/∂z of a cross-entropy, for one of ``count`` outputs."""
    error = f"({output}-{target})"
    if loss is Loss.MEAN_SQUARED_ERROR:
        return f"2*{error}/{count}" if count > 1 else f"2*{error}"
    if loss is Loss.BINARY_CROSS_ENTROPY and count > 1:
        return f"{error}/{count}"
    return error
