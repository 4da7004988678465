"""A heading reads as a sentence, and the checker reads all of it back."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.notation.convolutional import (
    Heading,
    MapsShape,
    Operation,
    WeightsShape,
    digit_label,
    label_index,
    map_label,
    output_label,
    source_label,
    stored_label,
    times,
    unit_label,
)

NAMES = st.sampled_from(["Conv1", "ReLU12 after the step", "Weights_Linear", "Back_Digit", "Pool"])
SIDES = st.integers(1, 99)
SIZES = st.builds(times, SIDES, SIDES)
SHAPES = st.one_of(
    st.builds(MapsShape, SIDES, SIDES, SIDES),
    st.builds(MapsShape, SIDES),
    st.builds(WeightsShape, SIDES, SIDES),
    st.builds(WeightsShape, SIDES, SIDES, st.tuples(SIDES, SIDES)),
)


@st.composite
def headings(draw: st.DrawFn) -> Heading:
    operation = draw(st.sampled_from(Operation))
    fields = [name for _, name, _, _ in string.Formatter().parse(operation) if name]
    parts = {name: draw(SIZES if name in ("window", "padding") else NAMES) for name in fields}
    margin = draw(st.tuples(st.integers(0, 9), st.integers(0, 9)))
    return Heading(draw(NAMES), operation, draw(SHAPES), parts, margin)


@given(headings())
def test_a_heading_is_read_as_it_was_written(heading: Heading) -> None:
    assert Heading.parse(str(heading)) == heading


def test_a_heading_reads_as_a_sentence() -> None:
    parts = {"source": "Pool1", "weights": "Weights_Conv2", "padding": "1 × 1"}
    heading = Heading("Conv2", Operation.CONVOLUTION, MapsShape(12, 12, 12), parts, (2, 0))
    assert str(heading) == (
        "Conv2: convolution of Pool1 with Weights_Conv2, padding 1 × 1 "
        "→ 12 maps of 12 × 12, margin 2 × 0"
    )


@pytest.mark.parametrize(
    "text", ["", "Conv2", "Conv2: convolution", "Loss: 3", "a → b", "x: the trained weights → 3"]
)
def test_what_is_no_heading_is_none(text: str) -> None:
    assert Heading.parse(text) is None


@given(st.integers(0, 999))
def test_labels_are_read_as_they_were_written(index: int) -> None:
    made = (map_label, unit_label, digit_label, source_label, output_label)
    assert [label_index(label(index)) for label in made] == [index] * len(made)
    assert label_index(stored_label(index, 7)) == index
    assert label_index("map one") is None
