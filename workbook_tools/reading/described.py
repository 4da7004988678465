"""Works out the mathematics of a table from its columns and from what is said above it.

Where nothing is said, the formulas tell the activations and the loss, or else the numbers. If those
are unknown, sigmoid units and half the squared error are assumed. The optimizer is plain gradient
descent unless another one is named.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from itertools import islice, product
from typing import TypeVar

from workbook_tools.formulas.references import areas, bare_reference
from workbook_tools.mathematics.optimizers import Rule
from workbook_tools.mathematics.reference import Reference
from workbook_tools.notation.addresses import cell_name, column_letter
from workbook_tools.notation.quantities import (
    AVERAGED,
    SAMPLE,
    SUMMED,
    Naming,
    delta_symbol,
    gradient_symbol,
)
from workbook_tools.notation.vocabulary import (
    CROSS_ENTROPY_OUTPUTS,
    Activation,
    Loss,
    Optimizer,
    Schedule,
)
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.fitted import Fit
from workbook_tools.reading.inferred import (
    ScaledLoss,
    inferred_activation,
    inferred_delta_sign,
    inferred_loss,
)
from workbook_tools.reading.stated import listed
from workbook_tools.reading.table import Table
from workbook_tools.reading.understood import Understood

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


SAID, INFERRED, ASSUMED = "said above the table", "by the formulas", "assumed: nothing says so"
FITTED = "by the numbers"

_MOST_TRIED = 50  # sets of activations that numbers do not tell apart


class NotUnderstoodError(Exception):
    """What is said above a table describes no network that can be checked."""


def reference_for(table: Table, calculation: Calculation) -> Reference:
    """Return the mathematics of a table; raises ``NotUnderstoodError``."""
    naming = table.naming
    if table.contradiction:
        raise NotUnderstoodError(table.contradiction)
    layers = [dict.fromkeys(naming.biases(layer)) for layer in naming.layers]
    trained = [
        bias for own in layers for bias in own if all(_is_trained(table, other) for other in own)
    ]
    units = [z for layer in naming.layers for z in naming.pre_activations(layer)]
    settings = {
        FIELDS[s]: number_at(cell, calculation) for s, cell in table.settings.items() if s in FIELDS
    }
    known: dict[str, str] = {}
    fit = Fit(table, naming)
    activations, known["activations"] = _activations(table, fit, calculation)  # what each may be
    known["optimizer"] = SAID if "optimizer" in table.words else ASSUMED
    weighted = len(naming.weighted_layers)
    if len(activations) != weighted:
        raise NotUnderstoodError(f"{len(activations)} activations for {weighted} layers")
    if any(Activation.SOFTMAX in choices for choices in activations[:-1]):
        raise NotUnderstoodError("softmax on a hidden layer")
    shared = [bias for own in layers for bias in own]
    if len(shared) > len(set(shared)) and set(trained) & set(shared):
        raise NotUnderstoodError("a trained bias that several layers share")
    rule = Rule(
        optimizer=_one(table, "optimizer", Optimizer.GRADIENT_DESCENT),
        schedule=_one(table, "schedule", Schedule.CONSTANT),
        **settings,
    )
    delta_columns = all(delta_symbol(z) in table.columns for z in units)
    reference = Reference(
        naming,
        tuple(trained),
        delta_columns,
        rule=rule,
        block=table.block,
        looked_up=SAMPLE in table.columns,
        averaged=_averaged(table),
        known=known,
    )
    likely: list[Reference] = []
    for own in islice(product(*activations), _MOST_TRIED):
        network = replace(reference, activations=own)
        losses, known["loss"] = _losses(table, network, fit, calculation)
        for loss, scale, share in losses:
            likely.append(replace(network, loss=loss, scale=scale, share=share))
    reference = fit.best(likely, table.rate)
    _fit_together(reference.activations[-1], reference.loss)
    if not delta_columns:
        return reference
    sign = inferred_delta_sign(table, reference, calculation)
    signs = [sign] if sign else [1.0, -1.0]
    likely = [replace(reference, delta_sign=sign) for sign in signs]
    return fit.best(likely, table.rate)


def _is_trained(table: Table, bias: str) -> bool:
    """Tell whether a bias has a column of gradients, or formulas that do more than copy it."""
    usual = table.usual_formula(bias)
    return gradient_symbol(bias) in table.columns or (
        usual is not None and bare_reference(usual[1]) is None and bool(areas(usual[1]))
    )


def _activations(
    table: Table, fit: Fit, calculation: Calculation
) -> tuple[list[list[Activation]], str]:
    """Return the activations that each layer may have, and how they are known."""
    layers = table.naming.weighted_layers
    if said := _said(table, "activation", Activation):
        return [[one] for one in (said * len(layers) if len(said) == 1 else said)], SAID
    by_formulas = [inferred_activation(table, layer, calculation) for layer in layers]
    found = [[one] if one else [] for one in by_formulas]
    if all(found):
        return found, INFERRED
    found = [own or fit.activations(layer) for own, layer in zip(found, layers, strict=True)]
    return [own or [Activation.SIGMOID] for own in found], FITTED if all(found) else ASSUMED


def _losses(
    table: Table, reference: Reference, fit: Fit, calculation: Calculation
) -> tuple[list[ScaledLoss], str]:
    """Return the losses that it may be, and how they are known."""
    if table.words.get("loss"):
        return [ScaledLoss(_one(table, "loss", Loss.HALF_SQUARED_ERROR))], SAID
    if found := inferred_loss(table, reference, calculation):
        return [found], INFERRED
    if likely := fit.losses(reference):
        return likely, FITTED
    return [ScaledLoss(Loss.HALF_SQUARED_ERROR)], ASSUMED


def _averaged(table: Table) -> bool:
    """Tell whether gradients are averaged over the samples of an iteration, not added up."""
    said = table.words.get("gradients", AVERAGED).strip()
    if said not in (AVERAGED, SUMMED):
        raise NotUnderstoodError(f"unknown gradients {said!r}")
    return said == AVERAGED


def _said(table: Table, label: str, kind: type[Word]) -> list[Word]:
    """Return the words to the right of a label above a table; raises if one is not of the kind."""
    words = listed(table.words, label)
    for word in words:
        if word not in list(kind):
            raise NotUnderstoodError(f"unknown {label} {word!r}")
    return [kind(word) for word in words]


def _one(table: Table, label: str, default: Word) -> Word:
    words = _said(table, label, type(default))
    if len(words) > 1:
        raise NotUnderstoodError(f"more than one {label}")
    return words[0] if words else default


def _fit_together(output: Activation, loss: Loss) -> None:
    needed = CROSS_ENTROPY_OUTPUTS.get(loss)
    if (needed or output) is not output or (output is Activation.SOFTMAX and not needed):
        raise NotUnderstoodError(f"{loss} of {output} outputs")


def _loss_in_words(reference: Reference) -> str:
    """Return the loss with its factors on this sheet."""
    words = str(reference.loss)
    if reference.scale != 1.0:
        words += f" × {reference.scale:g}"
    if reference.share != 1.0:
        words += f", E_tot = {reference.share:g} · their sum"
    return words


def understood(table: Table, reference: Reference | None) -> Understood:
    """Say how a table was read; without a ``reference``, its mathematics was not understood."""
    naming = table.naming
    rate = table.found_rate
    return Understood(
        header_row=table.header_row,
        first_row=table.first_row,
        columns={
            **{symbol: column_letter(column) for symbol, column in table.columns.items()},
            **{s: f"{cell[0]}!{cell_name(*cell[1:])}" for s, cell in table.single.items()},
        },
        unknown={column_letter(column): label for column, label in table.unknown.items()},
        rate_cell=f"{rate.cell[0]}!{cell_name(*rate.cell[1:])}" if rate.cell else None,
        rate_found=rate.how,
        layers=table.words["layers"] if naming.on_images else "",
        wiring=[
            f"{unit} = " + " + ".join(f"{w}·{s}" for w, s in zip(row, sources, strict=True))
            for layer in naming.weighted_layers
            for unit, row, sources in _wired(naming, layer)
        ],
        usual_wiring=not naming.order,
        activations=[
            str(reference.network.activations[layer - 1]) for layer in naming.weighted_layers
        ]
        if reference
        else [],
        loss=_loss_in_words(reference) if reference else table.words.get("loss", ""),
        optimizer=str(reference.rule.optimizer) if reference else "",
        known=dict(reference.known) if reference else {},
    )


def _wired(naming: Naming, layer: int) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield units with their weights and sources; of images only the first, as all are alike."""
    units = naming.pre_activations(layer)
    wired = zip(units, naming.weights(layer), naming.sources(layer), strict=True)
    return islice(wired, 1 if naming.kinds[layer - 1].images else None)
