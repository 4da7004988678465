"""One step of gradient descent: new weights, and the same digit read with them."""

from cnn.workbook import formulas
from cnn.workbook.layout import FIRST_SECTION, Maps, Weights
from cnn.workbook.network import ReLU
from cnn.workbook.planning.draft import Draft
from cnn.workbook.planning.forward import operation_of, plan_probabilities
from cnn.workbook.planning.section_names import back_name, grad_name, step_name, weights_name
from cnn.workbook.planning.sheet import MapsSection, Palette, Part, SheetPlan, WeightsSection
from workbook_tools.notation.convolutional import (
    AFTER,
    AFTERWARDS,
    DIGIT,
    INPUT,
    Heading,
    Operation,
)


def plan_step(draft: Draft) -> None:
    """Plan the gradients and the stepped weights of each layer, and the second forward pass."""
    after = SheetPlan(AFTER, Part.STEP, "the same digit after one step")
    stepped: dict[str, Weights] = {}
    for number, layer in enumerate(draft.network.layers):
        if not layer.parameters:
            continue
        own = draft.weights[weights_name(layer.name)]
        before, gradient = draft.source(number), draft.maps[back_name(layer.name)]
        sheet = SheetPlan(
            step_name(layer.name), Part.STEP, f"one step of the weights of {layer.name}"
        )
        parts = {"weights": own.heading.name, "gradient": gradient.heading.name,
                 "source": before.heading.name}  # fmt: skip
        heading = Heading(grad_name(layer.name), Operation.WEIGHT_GRADIENT, own.shape, parts)
        slopes = Weights(heading, sheet.name, FIRST_SECTION)
        sheet.sections.append(WeightsSection(
            slopes, *formulas.weight_gradient(layer.operation, before, gradient, sheet.name),
            Palette.GRADIENT,
            "How much the loss grows with each weight and bias.",
        ))  # fmt: skip
        parts = {"weights": own.heading.name, "gradient": slopes.heading.name}
        heading = Heading(step_name(layer.name), Operation.STEPPED, own.shape, parts)
        place = Weights(heading, sheet.name, sheet.next_top)
        sheet.sections.append(WeightsSection(
            place, *formulas.step(own, slopes, sheet.name), Palette.SIGNED,
            f"The weights after one step; η stands on the sheet {DIGIT}.",
        ))  # fmt: skip
        stepped[layer.name] = place
        draft.sheets.append(sheet)
    draft.sheets.append(after)
    _second_pass(draft, after, stepped)


def _second_pass(draft: Draft, sheet: SheetPlan, stepped: dict[str, Weights]) -> None:
    """Add the forward pass with the new weights; a ReLU shares the cells of the layer before it."""
    source = draft.maps[INPUT]
    layers = list(enumerate(draft.network.layers))
    while layers:
        number, layer = layers.pop(0)
        last, relu = layer, False
        if layer.parameters and layers and isinstance(layers[0][1].operation, ReLU):
            (number, last), relu = layers.pop(0), True
        operation, parts = operation_of(layer, source.heading.name, relu)
        if layer.parameters:
            parts["weights"] = step_name(layer.name)
        heading = Heading(last.name + AFTERWARDS, operation, last.output, parts,
                          draft.padding(number + 1))  # fmt: skip
        place = Maps(heading, sheet.name, sheet.next_top)
        draft.add(sheet, MapsSection(
            place,
            formulas.forward(
                layer.operation, source, stepped.get(layer.name), sheet.name, relu
            ),
            Palette.POSITIVE if relu else draft.palette(layer, source),
            label=draft.label(number, place),
        ))  # fmt: skip
        source = place
    plan_probabilities(draft, sheet, source, AFTERWARDS)
