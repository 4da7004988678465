"""The backward pass: a sheet for the gradient at each layer's output, down to the pixels."""

from cnn.workbook import formulas
from cnn.workbook.layout import FIRST_SECTION, Maps
from cnn.workbook.notes import back_note
from cnn.workbook.planning.draft import Draft
from cnn.workbook.planning.section_names import back_name, turned_name
from cnn.workbook.planning.sheet import MapsSection, Palette, Part, SheetPlan
from cnn.workbook.planning.start import Start
from workbook_tools.notation.convolutional import (
    DIGIT,
    INPUT,
    PIXEL_GRADIENT,
    SOFTMAX,
    TARGET,
    Heading,
    Operation,
)


def plan_backward(draft: Draft, start: Start) -> None:
    """Plan the gradients at the scores, at the output of each earlier layer, and at the pixels."""
    layers = draft.network.layers
    last = layers[-1].name
    scores = draft.maps[last]
    for number in reversed(range(len(layers) + 1)):
        name = layers[number - 1].name if number else INPUT
        before = draft.source(number)
        sheet = SheetPlan(back_name(name), Part.BACKWARD, f"the gradient at {name}")
        margin = draft.reach(number)
        if number == len(layers):
            parts = {"layer": last, "source": SOFTMAX, "target": TARGET}
            heading = Heading(back_name(name), Operation.DIFFERENCE, scores.shape, parts, margin)
            place = Maps(heading, sheet.name, FIRST_SECTION)
            formula = formulas.difference(draft.maps[SOFTMAX], draft.maps[TARGET], sheet.name)
            note = "How much the loss grows with each score: what is too likely is pushed down."
        else:
            consumer = layers[number]
            gradient = draft.maps[back_name(consumer.name)]
            heading = Heading(back_name(name), Operation.BACK, before.shape,
                              {"layer": name, "consumer": consumer.name,
                               "source": gradient.heading.name}, margin)  # fmt: skip
            place = Maps(heading, sheet.name, FIRST_SECTION)
            formula = formulas.backward(
                consumer.operation, before, draft.maps[consumer.name], gradient,
                draft.weights.get(turned_name(consumer.name)), sheet.name,
            )  # fmt: skip
            note = back_note(consumer)
        sheet.wide = place.in_a_row
        label = draft.label(number - 1, place)
        draft.add(sheet, MapsSection(place, formula, Palette.GRADIENT, note, label))
        draft.sheets.append(sheet)
    draft.maps[PIXEL_GRADIENT] = start.pixel_gradient
    start.digit.sections.append(MapsSection(
        start.pixel_gradient,
        formulas.back_to_pixels(draft.maps[back_name(INPUT)], DIGIT),
        Palette.GRADIENT,
    ))  # fmt: skip
