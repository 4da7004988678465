"""The equations printed above a training table, in numbered blocks.

They are the cells' own formulas (``formulas.py``), written as in a textbook.
"""

from dataclasses import dataclass

from workbook_tools.experiment import Experiment
from workbook_tools.notation import gradient_symbol
from workbook_tools.writing.formulas import (
    Quantity,
    Role,
    activation_gradient,
    half_squared_error,
    half_squared_error_derivative,
    has_delta_columns,
    quantities,
    sigmoid_derivative,
)


@dataclass(frozen=True)
class Block:
    """A numbered block: its title and its lines."""

    title: str
    lines: list[str]


def textbook(formula: str) -> str:
    """Write a formula in symbols as mathematics: ``0.5*(t1-a_o1)^2`` as ``½(t1 − a_o1)²``."""
    for typed, printed in (
        ("0.5*", "½"),
        ("EXP(-", "e^(−"),
        ("^2", "²"),
        ("*", "·"),
        ("+", " + "),
        ("-", " − "),
    ):
        formula = formula.replace(typed, printed)
    return formula


def equation(quantity: Quantity) -> str:
    """Return ``symbol = formula`` as mathematics, saying so if it reads the row above."""
    suffix = "   (from the row above)" if quantity.from_row_above else ""
    return f"{quantity.symbol} = {textbook(quantity.formula)}{suffix}"


def equation_blocks(experiment: Experiment) -> list[Block]:
    """Return the blocks: forward pass, chain rule, gradients of each layer."""
    naming = experiment.naming
    every = quantities(experiment)
    last = naming.layers[-1]
    forward = [equation(q) for q in every if q.role in (Role.FORWARD, Role.LOSS)]
    gradients = {q.symbol: equation(q) for q in every if q.role is Role.GRADIENT}

    def of_layer(layer: int) -> list[str]:
        symbols = map(gradient_symbol, naming.parameters(layer))
        return [gradients[symbol] for symbol in symbols if symbol in gradients]

    blocks = [
        Block("Forward pass and loss", forward),
        Block(f"The chain rule, for {_first_output_gradient(experiment)}", _chain_rule(experiment)),
    ]
    if has_delta_columns(naming):
        deltas = [equation(q) for q in every if q.role is Role.DELTA]
        outputs = naming.sizes[-1]
        blocks.append(Block("Errors of the output units, δ = ∂E/∂o", deltas[:outputs]))
        blocks.append(Block("Errors of the hidden units, δ = ∂E/∂h", deltas[outputs:]))
        blocks.append(Block("Gradients: the error times what came in", list(gradients.values())))
        return blocks
    blocks.append(Block("Gradients of the output layer", of_layer(last)))
    if last > 1:
        hidden = naming.activations(1)
        arriving = [
            f"∂E/∂{a} = {textbook(activation_gradient(naming, 1, unit))}"
            for unit, a in enumerate(hidden)
        ]
        chain = [
            f"∂E/∂{w} = ∂E/∂{a} · ∂{a}/∂{z} · ∂{z}/∂{w}"
            for a, z, row in zip(hidden, naming.pre_activations(1), naming.weights(1), strict=True)
            for w in row
        ]
        blocks.append(Block("What arrives at the hidden units", arriving))
        blocks.append(Block("The chain rule, for the hidden layer", chain))
        blocks.append(Block("Gradients of the hidden layer, written out", of_layer(1)))
    return blocks


def _first_output_gradient(experiment: Experiment) -> str:
    naming = experiment.naming
    return gradient_symbol(naming.weights(naming.layers[-1])[0][0])


def _chain_rule(experiment: Experiment) -> list[str]:
    """Take ∂E_tot/∂w apart for the first weight of the output layer."""
    naming = experiment.naming
    last = naming.layers[-1]
    w = naming.weights(last)[0][0]
    a, o, target = naming.activations(last)[0], naming.pre_activations(last)[0], naming.targets[0]
    source = naming.activations(last - 1)[0]
    loss = textbook(half_squared_error(target, a))
    slope = half_squared_error_derivative(target, a)
    derivative = sigmoid_derivative(a)
    return [
        f"∂E_tot/∂{w} = ∂E_tot/∂{a} · ∂{a}/∂{o} · ∂{o}/∂{w}",
        f"∂E_tot/∂{a} = ∂({loss})/∂{a} = {textbook(slope).strip('()')}",
        f"∂{a}/∂{o} = ∂σ({o})/∂{o} = {textbook(derivative)}",
        f"∂{o}/∂{w} = {source}",
        f"∂E_tot/∂{w} = {textbook(f'{slope}*{derivative}*{source}')}",
    ]
