"""The sheets of the weights, with a rearranged copy for the backward pass."""

import numpy as np
from numpy.typing import NDArray

from cnn.workbook import formulas
from cnn.workbook.layout import FIRST_SECTION, SECTION_GAP, Weights
from cnn.workbook.network import Convolution, Layer, Linear
from cnn.workbook.planning.draft import Draft
from cnn.workbook.planning.section_names import turned_name, weights_name
from cnn.workbook.planning.sheet import Palette, Part, SheetPlan, WeightsSection
from workbook_tools.notation.convolutional import Heading, Operation, WeightsShape


def place_weights(draft: Draft, layer: Layer) -> Weights:
    """Decide where a layer's weights will be, since its formulas refer to them."""
    name = sheet = weights_name(layer.name)
    match layer.operation:
        case Convolution(kernels, _, _):
            outputs, inputs, height, width = kernels.shape
            shape = WeightsShape(outputs, inputs, (height, width))
            operation, back = Operation.TURNED, shape
        case Linear(weights, _):
            shape = WeightsShape(len(weights), weights.shape[1])
            operation, back = Operation.TRANSPOSED, WeightsShape(shape.inputs, shape.outputs)
        case _:
            raise AssertionError(f"{layer.name} has no weights")
    place = Weights(Heading(name, Operation.WEIGHTS, shape), sheet, FIRST_SECTION)
    draft.weights[name] = place
    turned = Heading(turned_name(layer.name), operation, back, {"source": name})
    draft.weights[turned.name] = Weights(
        turned, sheet, place.bottom + SECTION_GAP + 1, biases=False
    )
    return place


def plan_weights(draft: Draft) -> None:
    """Plan a sheet for each layer with weights; ``place_weights`` has decided where they are."""
    for layer in draft.network.layers:
        if not layer.parameters:
            continue
        place = draft.weights[weights_name(layer.name)]
        turned = draft.weights[turned_name(layer.name)]
        sheet = SheetPlan(place.sheet, Part.WEIGHTS, f"the weights of {layer.name}")
        match layer.operation:
            case Convolution(kernels, bias, _):
                values, note = kernels, "Turned, they lead the gradient back."
                back = formulas.turned(place, place.sheet)
            case Linear(weights, bias):
                values, note = weights[:, :, None, None], "So they lead the gradient back."
                back = formulas.transposed(place, place.sheet)
            case _:
                raise AssertionError(f"{layer.name} has no weights")

        def weight(o: int, c: int, y: int, x: int, values: NDArray[np.float64] = values) -> float:
            return float(values[o, c, y, x])

        def own_bias(o: int, bias: NDArray[np.float64] = bias) -> float:
            return float(bias[o])

        folded = [name for name in layer.modules if name in draft.network.folded]
        said = "Change one and all sheets follow."
        if folded:
            said += (
                f" Batch normalisation ({', '.join(folded)}) is folded in: after training it "
                "only scales and shifts, which kernels and biases do just as well."
            )
        sheet.sections = [
            WeightsSection(place, weight, own_bias, Palette.SIGNED, said),
            WeightsSection(turned, back, None, Palette.SIGNED, note),
        ]
        draft.sheets.append(sheet)
