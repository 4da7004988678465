"""The pictures of the report: the right thing is lit, and no number is too odd to be drawn."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from workbook_tools.judging.report import LossCurve
from workbook_tools.notation.layers import parse_layers
from workbook_tools.notation.quantities import Naming
from workbook_tools.reporting.loss_drawing import draw_losses
from workbook_tools.reporting.network_drawing import draw_network

SMALL = Naming((2, 2, 2), (1, 1))


def lit(naming: Naming, quantity: str) -> tuple[int, list[str]]:
    """Return how many lines are lit, and what stands in the nodes that are."""
    drawing = draw_network(naming, [quantity])
    assert drawing
    root = etree.fromstring(drawing)
    return (
        len(root.xpath("line[@class='weight lit']")),
        root.xpath("g[contains(@class, ' lit')]/text/text()"),
    )


@pytest.mark.parametrize(
    ("quantity", "lines", "nodes"),
    [
        ("w3", 1, []),
        ("∂E/∂w3", 1, []),
        ("v_w3", 1, []),
        ("h1", 0, ["h₁"]),
        ("a_h2", 0, ["h₂"]),
        ("δ_o1", 0, ["o₁"]),
        ("b1", 0, ["h₁", "h₂"]),  # shared by its layer
        ("∂E/∂b2", 0, ["o₁", "o₂"]),
        ("E2", 0, ["o₂", "t₂"]),
        ("E_tot", 0, ["o₁", "o₂", "t₁", "t₂"]),
        ("t1", 0, ["t₁"]),
        ("i2", 0, ["i₂"]),
        ("g_1", 4, []),
    ],
)
def test_the_quantity_is_lit_where_it_is_in_the_network(
    quantity: str, lines: int, nodes: list[str]
) -> None:
    assert lit(SMALL, quantity) == (lines, nodes)


def test_a_weight_s_line_leads_where_the_sheet_has_it() -> None:
    crossed = Naming((2, 2, 1), order=("w1", "w3", "w2", "w4", "w5", "w6"))
    ends = []
    for naming in (Naming((2, 2, 1)), crossed):
        root = etree.fromstring(draw_network(naming, ["w2"]))
        line = root.find("line[@class='weight lit']")
        ends.append((float(line.get("y1")), float(line.get("y2"))))
    (from_second, to_first), (from_first, to_second) = ends
    assert from_second == to_second > to_first == from_first


def test_hidden_layers_are_told_apart() -> None:
    assert lit(Naming((2, 3, 3, 1)), "δ_h2_1") == (0, ["h₂,₁"])


@pytest.mark.parametrize("quantity", ["η", "iteration", "accuracy", "E9", "g_7", "nothing"])
def test_what_has_no_place_in_the_network_is_not_drawn(quantity: str) -> None:
    assert draw_network(SMALL, [quantity]) is None


def test_a_network_too_large_to_be_seen_is_not_drawn() -> None:
    assert draw_network(Naming((100, 100, 1)), ["w1"]) is None
    assert draw_network(Naming((30, 30, 1)), ["w1"])


def paths(losses: LossCurve) -> dict[str, str]:
    drawing = draw_losses(losses)
    assert drawing
    assert "nan" not in drawing
    assert "inf" not in drawing
    root = etree.fromstring(drawing)
    for number in re.findall(r'(?<=[ML ,"])-?\d+\.\d+', " ".join(root.xpath("path/@d"))):
        assert -1 < float(number) < 481
    return {path.get("class"): path.get("d") for path in root.iter("path")}


def test_both_curves_are_drawn_the_right_one_dashed_on_top() -> None:
    found = paths(LossCurve([0.3, 0.2, 0.1], [0.3, 0.2, 0.1]))
    assert list(found) == ["built", "right"]
    assert found["built"] == found["right"]


def test_the_axis_is_logarithmic_where_that_shows_more() -> None:
    def words(built: list[float]) -> str:
        return "".join(etree.fromstring(draw_losses(LossCurve(built, []))).itertext())

    assert "logarithmic" in words([0.1, 0.001])
    assert "logarithmic" not in words([0.11, 0.1])
    assert "logarithmic" not in words([0.1, 0.0])


@pytest.mark.parametrize(
    "built",
    [
        [0.0, 0.0],
        [1.0, 1.0, 1.0],
        [5e-324, 1e308],
        [-1e308, 1e308],
        [1.0, math.nan, 3.0, math.inf, 2.0],
        [0.2, 0.2 + 1e-16],
    ],
)
def test_odd_losses_are_drawn(built: list[float]) -> None:
    assert paths(LossCurve(built, []))["built"].startswith("M")


def test_a_gap_in_the_losses_is_a_gap_in_the_curve() -> None:
    assert paths(LossCurve([1.0, 0.9, math.nan, 0.8, 0.7], []))["built"].count("M") == 2


def test_no_peak_of_a_long_run_is_lost() -> None:
    built = [1.0] * 100_000
    built[77_777] = 50.0
    curve = paths(LossCurve(built, []))["built"]
    assert curve.count("L") < 500
    assert ",34.00" in curve  # the top of the picture


@pytest.mark.parametrize("built", [[], [0.3], [math.nan, math.nan]])
def test_where_there_is_no_curve_none_is_drawn(built: list[float]) -> None:
    assert draw_losses(LossCurve(built, [])) is None


def test_a_weight_that_units_share_is_lit_in_all_its_places() -> None:
    words = ["image 4x4", "convolution 3x3 to 2", "max pooling 2x2", 2]
    naming = Naming.of_layers(*parse_layers(words)).with_biases(4, [1, 3])
    assert lit(naming, "w1") == (4, [])
    assert lit(naming, "w19") == (1, [])
    assert lit(naming, "∂E/∂w19") == (1, [])


def test_units_of_images_are_pixels_channel_below_channel() -> None:
    words = ["image 3x4", "convolution 2x2 to 2", 2]
    naming = Naming.of_layers(*parse_layers(words))
    root = etree.fromstring(draw_network(naming, ["h8"]))
    pixels = [
        (float(rect.get("x")), float(rect.get("y")), rect.getparent().get("class"))
        for rect in root.xpath("g[starts-with(@class, 'unit')]/rect")
    ]
    assert len(pixels) == 3 * 4 + 2 * 2 * 3
    assert len({x for x, _, _ in pixels[:12]}) == 4
    assert len({y for _, y, _ in pixels[:12]}) == 3
    assert [kind for _, _, kind in pixels].index("unit lit") == 12 + 7
    first, second = pixels[12:18], pixels[18:]
    assert [x for x, _, _ in first] == [x for x, _, _ in second]
    assert max(y for _, y, _ in first) < min(y for _, y, _ in second)


def test_a_unit_of_an_image_shows_the_window_that_it_reads() -> None:
    words = ["image 3x4", "convolution 2x2 to 2", 2]
    naming = Naming.of_layers(*parse_layers(words))
    root = etree.fromstring(draw_network(naming, ["h8"]))  # the second place of channel 2
    side = float(root.find("g/rect").get("width"))
    pixels = [g.find("rect") for g in root.xpath("g[starts-with(@class, 'unit')]")][:12]
    middles = [(float(p.get("x")) + side / 2, float(p.get("y")) + side / 2) for p in pixels]
    dense = 2 * 12
    lines = [(float(e.get("x1")), float(e.get("y1"))) for e in root.iter("line")][dense + 2 :]
    window = [middles[k] for k in (1, 2, 5, 6)]
    assert lines == [pytest.approx(place, abs=0.15) for place in window]


def test_images_too_large_to_be_seen_are_not_drawn() -> None:
    words = ["image 40x100", "convolution 2x2 to 2", "max pooling 39x99", 2]
    assert draw_network(Naming.of_layers(*parse_layers(words)), ["w1"]) is None


@given(
    built=st.lists(st.floats(), max_size=6),
    right=st.lists(st.one_of(st.floats(), st.sampled_from([0.0, 5e-324, 1.7e308])), max_size=6),
)
def test_any_losses_are_drawn_or_there_is_no_picture(
    built: list[float], right: list[float]
) -> None:
    numbers = [value for value in built + right if math.isfinite(value)]
    drawn = draw_losses(LossCurve(built, right))
    assert (drawn is not None) == (bool(numbers) and max(len(built), len(right)) > 1)
    assert drawn is None or not re.search(r"\b(nan|inf)\b", drawn)
