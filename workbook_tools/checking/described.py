"""What mathematics a table asks for: by its columns, and by what is said above it.

Where nothing is said, it is the classic: sigmoid units, half the squared error, plain gradient
descent.
"""

from enum import StrEnum
from typing import TypeVar

from workbook_tools.checking.cells import number_at
from workbook_tools.checking.optimizers import Rule
from workbook_tools.checking.reference import Reference
from workbook_tools.checking.table import Table
from workbook_tools.engines import Calculation
from workbook_tools.notation import AVERAGED, SAMPLE, SUMMED, Naming, delta_symbol, gradient_symbol
from workbook_tools.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation, Loss, Optimizer, Schedule

Word = TypeVar("Word", bound=StrEnum)

FIELDS = {
    "μ": "momentum",
    "α": "smoothing",
    "β1": "first",
    "β2": "second",
    "ε": "smallest",
    "λ": "decay",
    "γ": "factor",
    "span": "span",
}


class NotUnderstoodError(Exception):
    """What is said above a table describes no network that can be checked."""


def reference_for(table: Table, calculation: Calculation) -> Reference:
    """Return the mathematics that a table asks for; raises ``NotUnderstoodError``."""
    naming = table.naming
    layers = [dict.fromkeys(naming.biases(layer)) for layer in naming.layers]
    trained = [
        bias
        for own in layers
        for bias in own
        if all(gradient_symbol(other) in table.columns for other in own)
    ]
    units = [z for layer in naming.layers for z in naming.pre_activations(layer)]
    settings = {
        FIELDS[s]: number_at(cell, calculation) for s, cell in table.settings.items() if s in FIELDS
    }
    activations = _said(table, "activation", Activation) or [Activation.SIGMOID]
    if len(activations) == 1:
        activations *= len(naming.layers)
    loss = _one(table, "loss", Loss.HALF_SQUARED_ERROR)
    _fit_together(naming, activations, loss)
    rule = Rule(
        optimizer=_one(table, "optimizer", Optimizer.GRADIENT_DESCENT),
        rate=table.rate,
        schedule=_one(table, "schedule", Schedule.CONSTANT),
        **settings,
    )
    delta_columns = all(delta_symbol(z) in table.columns for z in units)
    return Reference(
        naming,
        tuple(trained),
        delta_columns,
        tuple(activations),
        loss,
        rule,
        block=table.block,
        looked_up=SAMPLE in table.columns,
        averaged=_averaged(table),
    )


def _averaged(table: Table) -> bool:
    """Tell whether gradients are averaged over the samples of an iteration, or added up."""
    said = table.words.get("gradients", AVERAGED).strip()
    if said not in (AVERAGED, SUMMED):
        raise NotUnderstoodError(f"unknown gradients {said!r}")
    return said == AVERAGED


def _said(table: Table, label: str, kind: type[Word]) -> list[Word]:
    """Return the words of a kind that stand right of a label above a table."""
    words = [word.strip() for word in table.words.get(label, "").split(",")]
    for word in filter(None, words):
        if word not in list(kind):
            raise NotUnderstoodError(f"unknown {label} {word!r}")
    return [kind(word) for word in words if word]


def _one(table: Table, label: str, default: Word) -> Word:
    words = _said(table, label, type(default))
    if len(words) > 1:
        raise NotUnderstoodError(f"more than one {label}")
    return words[0] if words else default


def _fit_together(naming: Naming, activations: list[Activation], loss: Loss) -> None:
    *hidden, output = activations
    if len(activations) != len(naming.layers):
        raise NotUnderstoodError(f"{len(activations)} activations for {len(naming.layers)} layers")
    if Activation.SOFTMAX in hidden:
        raise NotUnderstoodError("softmax on a hidden layer")
    needed = CROSS_ENTROPY_OUTPUTS.get(loss)
    if (needed or output) is not output or (output is Activation.SOFTMAX and not needed):
        raise NotUnderstoodError(f"{loss} of {output} outputs")
