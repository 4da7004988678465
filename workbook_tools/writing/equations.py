"""The equations above a training table, in numbered blocks.

They are the formulas of the cells (``formulas.py``) in textbook notation.
"""

import re
from dataclasses import dataclass

from workbook_tools.notation.layers import Pooled
from workbook_tools.notation.quantities import (
    LEARNING_RATE,
    SETTINGS,
    Naming,
    delta_symbol,
    gradient_symbol,
)
from workbook_tools.notation.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation
from workbook_tools.spec.experiment import Experiment
from workbook_tools.writing.backward import (
    activation_gradient,
    activation_slope,
    output_delta,
)
from workbook_tools.writing.formulas import quantities
from workbook_tools.writing.functions import loss_part, loss_slope
from workbook_tools.writing.layout import DATA
from workbook_tools.writing.quantity import (
    ABOVE,
    BEFORE,
    EVERY,
    SYMBOL,
    Quantity,
    Role,
)

_SUM_OF_PRODUCTS = re.compile(r"SUMPRODUCT\(([^(),]+),([^(),]+)\)")
_SETTINGS = {LEARNING_RATE, *SETTINGS}
_DIGITS = "0123456789"
_LONG_SUM = 4  # terms after the first


@dataclass(frozen=True)
class Block:
    """A numbered block: its title and its lines."""

    title: str
    lines: list[str]


def textbook(formula: str) -> str:
    """Return a formula in textbook notation: ``0.5*(t1-a_o1)^2`` becomes ``½(t1 − a_o1)²``."""
    formula = _SUM_OF_PRODUCTS.sub(r"Σ \1·\2", formula)
    for typed, printed in (
        (BEFORE, "[before]"),
        (ABOVE, "[above]"),
        (EVERY, ""),
        ("SUMSQ(", "sum of squares("),
        ("AVERAGE(", "mean("),
        ("0.5*", "½"),
        ("1/(1+EXP(-", "1/(1+e^(−"),
        ("^2", "²"),
        ("*", "·"),
        ("+", " + "),
        ("-", " − "),
        ("( − ", "(−"),
        (",", ", "),
        (">=", " ≥ "),
        (">", " > "),
        ("<", " < "),
    ):
        formula = formula.replace(typed, printed)
    for function in ("EXP", "LN", "MAX", "MIN", "ABS", "TANH", "COS"):
        formula = formula.replace(f"{function}(", f"{function.lower()}(")
    return formula.replace("SUM(", "sum(").replace("SQRT(", "√(").replace("PI()", "π")


def equation(quantity: Quantity) -> str:
    """Return ``symbol = formula`` in textbook notation; it says if it reads the row above."""
    if quantity.looked_up:
        return f"{quantity.symbol} = that of the row's sample, from the sheet {DATA}"
    formula, suffix = quantity.formula, ""
    now = {match["symbol"] for match in SYMBOL.finditer(formula) if not match["before"]}
    if BEFORE in formula and now <= _SETTINGS:
        above = "iteration" if quantity.once else "row"
        formula, suffix = formula.replace(BEFORE, ""), f"   (from the {above} above)"
    return f"{quantity.symbol} = {textbook(formula)}{suffix}"


def equation_blocks(experiment: Experiment) -> list[Block]:
    """Return the blocks: forward pass, chain rule, gradients of each layer, the optimizer."""
    naming, every = experiment.naming, quantities(experiment)
    last = naming.layers[-1]
    if naming.on_images:
        every = _of_each_kind(naming, every)
    told = _shortened if naming.on_images else equation
    forward = [told(q) for q in every if q.role in (Role.FORWARD, Role.LOSS) and not q.once]
    forward += [told(q) for q in every if q.role is Role.LOSS and q.once]
    gradients = {q.symbol: told(q) for q in every if q.role is Role.GRADIENT}

    def of_layer(layer: int) -> list[str]:
        symbols = map(gradient_symbol, naming.parameters(layer))
        return [gradients[symbol] for symbol in symbols if symbol in gradients]

    first = gradient_symbol(naming.weights(last)[0][0])
    blocks = [
        Block("Forward pass and loss", forward),
        Block(f"The chain rule, for {first}", _chain_rule(experiment)),
    ]
    if experiment.has_delta_columns:
        deltas = [told(q) for q in every if q.role is Role.DELTA]
        outputs = sum(q.symbol.startswith("δ_o") for q in every)
        blocks.append(Block("Errors of the output units, δ = ∂E/∂o", deltas[:outputs]))
        if deltas[outputs:]:
            blocks.append(Block("Errors of the hidden units, δ = ∂E/∂h", deltas[outputs:]))
        blocks.append(Block("Gradients: the error times what came in", list(gradients.values())))
    else:
        blocks.append(Block("Gradients of the output layer", of_layer(last)))
        if last > 1:
            blocks += _hidden_blocks(experiment, of_layer(1))
    if not experiment.training.is_plain:
        blocks.append(Block("The optimizer, for the first weight", _optimizer(every)))
    return blocks


def _of_each_kind(naming: Naming, every: list[Quantity]) -> list[Quantity]:
    """Return one of each group of quantities that differ only in their number, as images have many.

    Of a window whose maximum is taken, all units are kept, since they show the rule for ties.
    """
    windows = {
        delta_symbol(naming.pre_activations(layer - 1)[unit])
        for layer in naming.layers[1:]
        if naming.pooled(layer) is Pooled.MAX
        for unit in naming.kinds[layer - 1].reads(0)
    }
    found: dict[tuple[str, str], Quantity] = {}
    for quantity in every:
        alike = quantity.symbol if quantity.symbol in windows else quantity.symbol.rstrip(_DIGITS)
        found.setdefault((quantity.group, alike), quantity)
    return list(found.values())


def _shortened(quantity: Quantity) -> str:
    """Return the equation of a quantity; a long sum is reduced to its first and last terms."""
    first, *rest = equation(quantity).split(" + ")
    if len(rest) < _LONG_SUM:
        return " + ".join([first, *rest])
    ends = rest[-1:] if "·" in rest[-1] else rest[-2:]  # a bias comes last
    return " + ".join([first, "…", *ends])


def _hidden_blocks(experiment: Experiment, gradients: list[str]) -> list[Block]:
    """Return the equations behind the hidden layer's gradients, if these are spelled out."""
    naming = experiment.naming
    hidden = naming.activations(1)
    arriving = [
        f"∂E/∂{a} = {textbook(activation_gradient(experiment, 1, unit))}"
        for unit, a in enumerate(hidden)
    ]
    chain = [
        f"∂E/∂{w} = ∂E/∂{a} · ∂{a}/∂{z} · ∂{z}/∂{w}"
        for a, z, row in zip(hidden, naming.pre_activations(1), naming.weights(1), strict=True)
        for w in row
    ]
    return [
        Block("What arrives at the hidden units", arriving),
        Block("The chain rule, for the hidden layer", chain),
        Block("Gradients of the hidden layer, written out", gradients),
    ]


def _chain_rule(experiment: Experiment) -> list[str]:
    """Return the chain rule of ∂E_tot/∂w, for the first weight of the output layer."""
    naming, network = experiment.naming, experiment.network
    last = naming.layers[-1]
    w = naming.weights(last)[0][0]
    a, o, target = naming.activations(last)[0], naming.pre_activations(last)[0], naming.targets[0]
    source = naming.activations(last - 1)[0]
    error = loss_slope(network.loss, target, a, naming.sizes[-1])
    whole = f"∂E_tot/∂{w} = {textbook(f'{output_delta(experiment, 0)}*{source}')}"
    if network.loss in CROSS_ENTROPY_OUTPUTS:
        return [
            f"∂E_tot/∂{w} = ∂E_tot/∂{o} · ∂{o}/∂{w}",
            f"∂E_tot/∂{o} = {textbook(error).strip('()')}   ({network.activations[-1]} and "
            "cross-entropy, taken together)",
            f"∂{o}/∂{w} = {source}",
            whole,
        ]
    loss = textbook(loss_part(network.loss, target, o, a, naming.pre_activations(last)))
    slope = activation_slope(experiment, last, 0)
    name = "σ" if network.activations[-1] is Activation.SIGMOID else "f"
    return [
        f"∂E_tot/∂{w} = ∂E_tot/∂{a} · ∂{a}/∂{o} · ∂{o}/∂{w}",
        f"∂E_tot/∂{a} = ∂({loss})/∂{a} = {_bare(textbook(error))}",
        f"∂{a}/∂{o} = ∂{name}({o})/∂{o} = {_bare(textbook(slope)) if slope else 1}",
        f"∂{o}/∂{w} = {source}",
        whole,
    ]


def _bare(text: str) -> str:
    """Return an expression without parentheses around the whole of it."""
    return text[1:-1] if re.fullmatch(r"\([^()]*\)", text) else text


def _optimizer(every: list[Quantity]) -> list[str]:
    """Return the equations of the learning rate, of one parameter's state, and of its update."""
    state = [q for q in every if q.role is Role.STATE and q.symbol.endswith("_w1")]
    rate = [q for q in every if q.symbol == "η_k"]
    update = [q for q in every if q.symbol == "w1"]
    return [equation(q) for q in rate + state + update]
