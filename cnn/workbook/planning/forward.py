"""The forward pass: a sheet for each layer, then the probabilities and the loss."""

from cnn.workbook import formulas
from cnn.workbook.formulas import MapsFormula
from cnn.workbook.layout import FIRST_SECTION, Maps
from cnn.workbook.network import (
    AveragePool,
    Convolution,
    Flatten,
    GlobalAverage,
    Layer,
    Linear,
    MaxPool,
    ReLU,
)
from cnn.workbook.notes import TITLES, note
from cnn.workbook.planning.draft import Draft
from cnn.workbook.planning.section_names import weights_name
from cnn.workbook.planning.sheet import MapsSection, Palette, Part, SheetPlan
from cnn.workbook.planning.start import TRUE_DIGIT_CELL
from cnn.workbook.planning.weights import place_weights
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import (
    EXPONENTIALS,
    INPUT,
    LOSS,
    PIXELS,
    SOFTMAX,
    TARGET,
    Heading,
    MapsShape,
    Operation,
    times,
)


def plan_forward(draft: Draft) -> None:
    """Plan a sheet for the normalised pixels, for each layer, and for the probabilities."""
    image = draft.network.image
    heading = Heading(INPUT, Operation.NORMALISED, image, {"source": PIXELS},
                      draft.padding(0))  # fmt: skip
    sheet = SheetPlan(INPUT, Part.FORWARD, "what the network reads")
    place = Maps(heading, INPUT, sheet.next_top + 3)
    draft.add(sheet, MapsSection(
        place, formulas.normalised(draft.maps[PIXELS], INPUT), Palette.SIGNED,
        "Mean and deviation are those of MNIST’s training pixels: the network learned from "
        "numbers scaled like this.",
    ))  # fmt: skip
    draft.sheets.append(sheet)
    for number, layer in enumerate(draft.network.layers):
        source = draft.source(number)
        weights = place_weights(draft, layer) if layer.parameters else None
        sheet = SheetPlan(layer.name, Part.FORWARD, TITLES[type(layer.operation)])
        operation, parts = operation_of(layer, source.heading.name)
        margin = draft.padding(number + 1)
        place = Maps(Heading(layer.name, operation, layer.output, parts, margin),
                     layer.name, FIRST_SECTION)  # fmt: skip
        sheet.wide = place.in_a_row
        draft.add(sheet, MapsSection(
            place,
            formulas.forward(layer.operation, source, weights, layer.name),
            draft.palette(layer, source),
            note(layer, draft.network),
            draft.label(number, place),
        ))  # fmt: skip
        draft.sheets.append(sheet)
    sheet = SheetPlan(SOFTMAX, Part.FORWARD, "probabilities and loss", wide=True)
    plan_probabilities(draft, sheet, draft.source(len(draft.network.layers)), "")
    draft.sheets.append(sheet)


def plan_probabilities(draft: Draft, sheet: SheetPlan, scores: Maps, suffix: str) -> None:
    """Add what follows the scores: exponentials, probabilities, target, loss."""
    shape = scores.shape
    true_digit = TRUE_DIGIT_CELL.on(sheet.name, absolute=True)

    def add(name: str, operation: Operation, formula: MapsFormula, note: str,
            of: MapsShape = shape, **parts: str) -> None:  # fmt: skip
        heading = Heading(name + suffix, operation, of, parts)
        place = Maps(heading, sheet.name, sheet.next_top)
        label = names.digit_label if of is shape else names.unit_label
        draft.add(sheet, MapsSection(place, formula, Palette.POSITIVE, note, label))

    add(EXPONENTIALS, Operation.EXPONENTIALS,
        formulas.exponentials(scores, sheet.name),
        "Less the largest, so that none overflows; the parts of the sum stay the same.",
        source=scores.heading.name)  # fmt: skip
    powers = draft.maps[EXPONENTIALS + suffix]
    add(SOFTMAX, Operation.PARTS, formulas.parts(powers, sheet.name),
        "The softmax: what the network holds to be the probability of each digit.",
        source=powers.heading.name)  # fmt: skip
    if not suffix:
        add(TARGET, Operation.TARGET, formulas.target(true_digit),
            "What the probabilities ought to be.")  # fmt: skip
    add(LOSS, Operation.LOSS,
        formulas.loss(scores, powers, true_digit, sheet.name),
        "The cross-entropy, written as ln Σe^(z − max) − (z − max): a number even where the "
        "probability is too small for one.",
        MapsShape(1), source=scores.heading.name, exponentials=powers.heading.name)  # fmt: skip


def operation_of(layer: Layer, source: str, relu: bool = False) -> tuple[Operation, dict[str, str]]:
    """Return the operation that a layer's heading names, and the sections it refers to."""
    parts = {"source": source}
    match layer.operation:
        case Convolution(_, _, padding):
            parts |= {"weights": weights_name(layer.name), "padding": times(*padding)}
            return Operation.CONVOLUTION_RELU if relu else Operation.CONVOLUTION, parts
        case Linear():
            parts["weights"] = weights_name(layer.name)
            return Operation.WEIGHTED_RELU if relu else Operation.WEIGHTED, parts
        case ReLU():
            return Operation.RELU, parts
        case MaxPool(window):
            return Operation.LARGEST, parts | {"window": times(*window)}
        case AveragePool(window):
            return Operation.WINDOW_MEAN, parts | {"window": times(*window)}
        case GlobalAverage():
            return Operation.MAP_MEAN, parts
        case Flatten():
            return Operation.IN_A_ROW, parts
