"""Which sheets a network's workbook has, which sections they have, and what each cell holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cnn.workbook import formulas
from cnn.workbook.formulas import BiasFormula, MapsFormula, WeightsFormula
from cnn.workbook.layout import FIRST_SECTION, SECTION_GAP, Area, Maps, Weights
from cnn.workbook.network import (
    AveragePool,
    Convolution,
    Flatten,
    GlobalAverage,
    Layer,
    Linear,
    MaxPool,
    Network,
    ReLU,
)
from cnn.workbook.notes import TITLES, back_note, note
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import (
    AFTER,
    AFTERWARDS,
    DIGIT,
    DIGITS,
    DRAWING,
    EXPONENTIALS,
    INPUT,
    LOSS,
    PIXEL_GRADIENT,
    PIXELS,
    SOFTMAX,
    TARGET,
    Heading,
    MapsShape,
    Operation,
    WeightsShape,
    times,
)

Pixels: TypeAlias = NDArray[np.uint8]

# The sheet Digit: the panel's columns, the cell of the true digit, where the grids begin.
PANEL_COLUMN, VALUE_COLUMN = 2, 3
TRUE_DIGIT_CELL = Area(DIGIT, (8, VALUE_COLUMN))
ROW_NUMBERS_COLUMN, GRID_COLUMN, GRID_TOP = 6, 7, 3


class Palette(StrEnum):
    """How cells are coloured."""

    GREY = "grey"  # paper and ink
    POSITIVE = "positive"  # none below 0
    SIGNED = "signed"  # both sides of 0
    GRADIENT = "gradient"  # both sides of 0, in the colours of the backward half
    NONE = "none"


class Part(StrEnum):
    """The parts of the workbook, in order; each has its colour of tabs."""

    START = "Start"
    FORWARD = "Forward"
    WEIGHTS = "Weights"
    BACKWARD = "Backward"
    STEP = "One step"


@dataclass(frozen=True)
class MapsSection:
    """Maps, or numbers in a row."""

    place: Maps
    formula: MapsFormula
    palette: Palette
    note: str = ""
    label: Callable[[int], str] = names.map_label


@dataclass(frozen=True)
class WeightsSection:
    """A grid of kernels, with the biases if there are any."""

    place: Weights
    formula: WeightsFormula
    bias: BiasFormula | None
    palette: Palette
    note: str = ""


Section: TypeAlias = MapsSection | WeightsSection


@dataclass
class SheetPlan:
    """One sheet: its sections from the top."""

    name: str
    part: Part
    title: str
    sections: list[Section] = field(default_factory=list)
    wide: bool = False  # its columns: numbers in rows need more room than maps

    @property
    def next_top(self) -> int:
        """The row of the next section's heading."""
        if not self.sections:
            return FIRST_SECTION
        return self.sections[-1].place.bottom + SECTION_GAP + 1


@dataclass(frozen=True)
class Digits:
    """The stored test digits: pixels (n, height, width), what they are, what they were read as."""

    pixels: Pixels
    truth: list[int]
    read_as: list[int]
    numbers: list[int]  # of the test images


class Plan:
    """All sheets of the workbook of one network."""

    def __init__(self, network: Network, digits: Digits) -> None:
        self.network = network
        self.digits = digits
        self._maps: dict[str, Maps] = {}
        self._palettes: dict[str, Palette] = {}
        self._weights: dict[str, Weights] = {}
        self._made: list[SheetPlan] = []
        self._start()
        self._forward()
        self._weight_sheets()
        self._backward()
        self._step()

    @cached_property
    def sheets(self) -> list[SheetPlan]:
        """The sheets in the order of the tabs, the Overview left out."""
        order = list(Part)
        return sorted(self._made, key=lambda sheet: order.index(sheet.part))

    def maps(self, name: str) -> Maps:
        """Return the place of a section of maps."""
        return self._maps[name]

    # What goes where

    def _start(self) -> None:
        image = self.network.image
        height, width = image.height, image.width
        gallery = Maps(
            Heading(DIGITS, Operation.STORED, MapsShape(len(self.digits.truth), height, width)),
            DIGITS, FIRST_SECTION, GRID_COLUMN, stacked=True,
        )  # fmt: skip
        below = GRID_TOP + height + 6
        heading = Heading(PIXELS, Operation.CHOSEN, image)
        self._maps[PIXELS] = Maps(heading, DIGIT, GRID_TOP, GRID_COLUMN)
        drawing = Maps(Heading(DRAWING, Operation.DRAWN, image), DIGIT, below, GRID_COLUMN)
        pixel = formulas.chosen(gallery, drawing, self._maps[PIXELS], ROW_NUMBERS_COLUMN)
        back = Maps(
            Heading(PIXEL_GRADIENT, Operation.BACK, image,
                    {"layer": PIXELS, "consumer": INPUT, "source": back_name(INPUT)}),
            DIGIT, GRID_TOP, GRID_COLUMN + width + 2,
        )  # fmt: skip
        digit = SheetPlan(DIGIT, Part.START, "the digit")
        digit.sections = [MapsSection(self._maps[PIXELS], pixel, Palette.GREY)]
        self._digit, self._back_place, self._made = digit, back, [digit]
        self.drawing = MapsSection(drawing, self._drawn, Palette.GREY)
        self.gallery = MapsSection(gallery, self._stored, Palette.GREY, label=self._stored_label)

    def _stored(self, k: int, y: int, x: int) -> float:
        return float(self.digits.pixels[k, y, x])

    def _drawn(self, k: int, y: int, x: int) -> float:
        """Return the pixels to draw on: those of the first digit, to begin with."""
        return self._stored(0, y, x)

    def _stored_label(self, index: int) -> str:
        return names.stored_label(index, self.digits.truth[index])

    def _forward(self) -> None:
        image = self.network.image
        heading = Heading(INPUT, Operation.NORMALISED, image, {"source": PIXELS},
                          self._padding(0))  # fmt: skip
        sheet = SheetPlan(INPUT, Part.FORWARD, "what the network reads")
        place = Maps(heading, INPUT, sheet.next_top + 3)
        self._add(sheet, MapsSection(
            place, formulas.normalised(self._maps[PIXELS], INPUT), Palette.SIGNED,
            "Mean and deviation are those of MNIST’s training pixels: the network learned from "
            "numbers scaled like this.",
        ))  # fmt: skip
        self._made.append(sheet)
        for number, layer in enumerate(self.network.layers):
            source = self._source(number)
            weights = self._plan_weights(layer) if layer.parameters else None
            sheet = SheetPlan(layer.name, Part.FORWARD, TITLES[type(layer.operation)])
            operation, parts = _operation(layer, source.heading.name)
            margin = self._padding(number + 1)
            place = Maps(Heading(layer.name, operation, layer.output, parts, margin),
                         layer.name, FIRST_SECTION)  # fmt: skip
            sheet.wide = place.in_a_row
            self._add(sheet, MapsSection(
                place,
                formulas.forward(layer.operation, source, weights, layer.name),
                self._palette(layer, source),
                note(layer, self.network),
                self._label(number, place),
            ))  # fmt: skip
            self._made.append(sheet)
        sheet = SheetPlan(SOFTMAX, Part.FORWARD, "probabilities and loss", wide=True)
        self._probabilities(sheet, self._source(len(self.network.layers)), "")
        self._made.append(sheet)

    def _probabilities(self, sheet: SheetPlan, scores: Maps, suffix: str) -> None:
        """Add what follows the scores: exponentials, probabilities, target, loss."""
        shape = scores.shape
        true_digit = TRUE_DIGIT_CELL.on(sheet.name, absolute=True)

        def add(name: str, operation: Operation, formula: MapsFormula, note: str,
                of: MapsShape = shape, **parts: str) -> None:  # fmt: skip
            heading = Heading(name + suffix, operation, of, parts)
            place = Maps(heading, sheet.name, sheet.next_top)
            label = names.digit_label if of is shape else names.unit_label
            self._add(sheet, MapsSection(place, formula, Palette.POSITIVE, note, label))

        add(EXPONENTIALS, Operation.EXPONENTIALS,
            formulas.exponentials(scores, sheet.name),
            "Less the largest, so that none overflows; the parts of the sum stay the same.",
            source=scores.heading.name)  # fmt: skip
        powers = self._maps[EXPONENTIALS + suffix]
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

    def _weight_sheets(self) -> None:
        for layer in self.network.layers:
            if not layer.parameters:
                continue
            place = self._weights[weights_name(layer.name)]
            turned = self._weights[turned_name(layer.name)]
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

            def weight(
                o: int, c: int, y: int, x: int, values: NDArray[np.float64] = values
            ) -> float:
                return float(values[o, c, y, x])

            def own_bias(o: int, bias: NDArray[np.float64] = bias) -> float:
                return float(bias[o])

            folded = [name for name in layer.modules if name in self.network.folded]
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
            self._made.append(sheet)

    def _plan_weights(self, layer: Layer) -> Weights:
        """Fix where a layer's weights will stand, which its formulas have to know."""
        name, sheet = weights_name(layer.name), weights_name(layer.name)
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
        self._weights[name] = place
        turned = Heading(turned_name(layer.name), operation, back, {"source": name})
        self._weights[turned.name] = Weights(
            turned, sheet, place.bottom + SECTION_GAP + 1, biases=False
        )
        return place

    def _backward(self) -> None:
        layers = self.network.layers
        last = layers[-1].name
        scores = self._maps[last]
        for number in reversed(range(len(layers) + 1)):
            name = layers[number - 1].name if number else INPUT
            before = self._source(number)
            sheet = SheetPlan(back_name(name), Part.BACKWARD, f"the gradient at {name}")
            margin = self._reach(number)
            if number == len(layers):
                parts = {"layer": last, "source": SOFTMAX, "target": TARGET}
                heading = Heading(
                    back_name(name), Operation.DIFFERENCE, scores.shape, parts, margin
                )
                place = Maps(heading, sheet.name, FIRST_SECTION)
                formula = formulas.difference(self._maps[SOFTMAX], self._maps[TARGET], sheet.name)
                note = "How much the loss grows with each score: what is too likely is pushed down."
            else:
                consumer = layers[number]
                gradient = self._maps[back_name(consumer.name)]
                heading = Heading(back_name(name), Operation.BACK, before.shape,
                                  {"layer": name, "consumer": consumer.name,
                                   "source": gradient.heading.name}, margin)  # fmt: skip
                place = Maps(heading, sheet.name, FIRST_SECTION)
                formula = formulas.backward(
                    consumer.operation, before, self._maps[consumer.name], gradient,
                    self._weights.get(turned_name(consumer.name)), sheet.name,
                )  # fmt: skip
                note = back_note(consumer)
            sheet.wide = place.in_a_row
            label = self._label(number - 1, place)
            self._add(sheet, MapsSection(place, formula, Palette.GRADIENT, note, label))
            self._made.append(sheet)
        self._maps[PIXEL_GRADIENT] = self._back_place
        self._digit.sections.append(MapsSection(
            self._back_place,
            formulas.back_to_pixels(self._maps[back_name(INPUT)], DIGIT),
            Palette.GRADIENT,
        ))  # fmt: skip

    def _step(self) -> None:
        after = SheetPlan(AFTER, Part.STEP, "the same digit after one step")
        stepped: dict[str, Weights] = {}
        for number, layer in enumerate(self.network.layers):
            if not layer.parameters:
                continue
            own = self._weights[weights_name(layer.name)]
            before, gradient = self._source(number), self._maps[back_name(layer.name)]
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
            self._made.append(sheet)
        self._made.append(after)
        self._second_pass(after, stepped)

    def _second_pass(self, sheet: SheetPlan, stepped: dict[str, Weights]) -> None:
        """Add the forward pass with the stepped weights, a ReLU in the cells that it follows."""
        source = self._maps[INPUT]
        layers = list(enumerate(self.network.layers))
        while layers:
            number, layer = layers.pop(0)
            last, relu = layer, False
            if layer.parameters and layers and isinstance(layers[0][1].operation, ReLU):
                (number, last), relu = layers.pop(0), True
            operation, parts = _operation(layer, source.heading.name, relu)
            if layer.parameters:
                parts["weights"] = step_name(layer.name)
            heading = Heading(last.name + AFTERWARDS, operation, last.output, parts,
                              self._padding(number + 1))  # fmt: skip
            place = Maps(heading, sheet.name, sheet.next_top)
            self._add(sheet, MapsSection(
                place,
                formulas.forward(
                    layer.operation, source, stepped.get(layer.name), sheet.name, relu
                ),
                Palette.POSITIVE if relu else self._palette(layer, source),
                label=self._label(number, place),
            ))  # fmt: skip
            source = place
        self._probabilities(sheet, source, AFTERWARDS)

    # How it hangs together

    def _source(self, number: int) -> Maps:
        """Return what layer ``number`` reads."""
        return self._maps[self.network.layers[number - 1].name if number else INPUT]

    def _padding(self, number: int) -> tuple[int, int]:
        """Return the zeros that layer ``number`` wants around what it reads."""
        match self.network.layers[number : number + 1]:
            case [Layer(operation=Convolution(_, _, padding))]:
                return padding
        return (0, 0)

    def _reach(self, number: int) -> tuple[int, int]:
        """Return the zeros that go around the gradient at what layer ``number - 1`` makes."""
        match self.network.layers[number - 1] if number else None:
            case Layer(operation=Convolution(kernels, _, (above, beside))):
                height, width = kernels.shape[2:]
                return height - 1 - above, width - 1 - beside
        return (0, 0)

    def _label(self, number: int, place: Maps) -> Callable[[int], str]:
        """Return the labels of what layer ``number`` makes: maps, units, or digits at the end."""
        if number + 1 == len(self.network.layers):
            return names.digit_label
        return names.unit_label if place.in_a_row else names.map_label

    def _palette(self, layer: Layer, source: Maps) -> Palette:
        """Return the colours of what a layer makes: what is chosen from positive numbers is so."""
        match layer.operation:
            case ReLU():
                return Palette.POSITIVE
            case Convolution() | Linear():
                return Palette.SIGNED
        return self._palettes[source.heading.name]

    def _add(self, sheet: SheetPlan, section: MapsSection) -> None:
        sheet.sections.append(section)
        self._palettes[section.place.heading.name] = section.palette
        self._maps[section.place.heading.name] = section.place


def weights_name(layer: str) -> str:
    """Return the name of the section that holds a layer's weights."""
    return f"Weights_{layer}"


def turned_name(layer: str) -> str:
    """Return the name of the section with those that lead the gradient back."""
    return f"Turned_{layer}"


def back_name(layer: str) -> str:
    """Return the name of the section with the gradient at what a layer makes."""
    return f"Back_{layer}"


def grad_name(layer: str) -> str:
    """Return the name of the section with the gradients of a layer's weights."""
    return f"Grad_{layer}"


def step_name(layer: str) -> str:
    """Return the name of the section that holds them after one step."""
    return f"Step_{layer}"


def _operation(layer: Layer, source: str, relu: bool = False) -> tuple[Operation, dict[str, str]]:
    """Return what a layer's heading says it does, and with what."""
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
