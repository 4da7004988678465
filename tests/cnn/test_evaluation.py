"""The figures are what their definitions say, and a condition that is not met is not passed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnn import evaluation
from cnn.evaluation import Answers, conditions
from cnn.model import build

GOOD = (16, 16, 16, 32, 32)


def found(truth: list[int], said: list[int], confidence: list[float]) -> Answers:
    probabilities = np.zeros((len(truth), 10))
    for row, (digit, sure) in enumerate(zip(said, confidence, strict=True)):
        probabilities[row] = (1 - sure) / 9
        probabilities[row, digit] = sure
    return Answers(probabilities, np.array(truth))


EXAMPLE = found([0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 2, 2], [0.9, 0.5, 0.99, 0.8, 0.7, 0.6])


def test_accuracy_mistakes_and_loss() -> None:
    assert EXAMPLE.accuracy == pytest.approx(400 / 6)
    assert EXAMPLE.wrong.tolist() == [4, 1]  # the surest first
    expected = nn.functional.nll_loss(
        torch.from_numpy(EXAMPLE.probabilities).log(), torch.from_numpy(EXAMPLE.truth)
    )
    assert EXAMPLE.loss == pytest.approx(expected.item())


def test_confusion_precision_and_recall() -> None:
    counts = evaluation.confusion(EXAMPLE)
    assert counts[:3, :3].tolist() == [[1, 1, 0], [0, 2, 1], [0, 0, 1]]
    precision, recall = evaluation.precision_and_recall(counts)
    assert precision == [1, 2 / 3, 1 / 2, *[None] * 7]
    assert recall == [1 / 2, 2 / 3, 1, *[None] * 7]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0.2, 1)), min_size=1))
def test_calibration_counts_every_image_once(rows: list[tuple[int, int, float]]) -> None:
    answers = found(*map(list, zip(*rows, strict=True)))
    bins = evaluation.calibration(answers)
    assert sum(group.count for group in bins) == len(rows)
    mean = sum(group.count * group.accuracy for group in bins) / len(rows)
    assert 100 * mean == pytest.approx(answers.accuracy)
    sure = sum(group.count * group.confidence for group in bins) / len(rows)
    assert sure == pytest.approx(answers.confidence.mean())
    assert 0 <= evaluation.calibration_error(bins) <= 1


def test_a_network_that_is_as_right_as_it_thinks_has_no_calibration_error() -> None:
    answers = found([1] * 10, [1] * 7 + [2] * 3, [0.7] * 10)
    assert evaluation.calibration_error(evaluation.calibration(answers)) == pytest.approx(0)


def met(model: nn.Module, accuracy: float = 99.6, epochs: int = 19) -> list[bool]:
    return [condition.met for condition in conditions(model, accuracy, epochs)]


def test_the_five_conditions_are_met_by_a_good_network() -> None:
    assert met(build(GOOD, 0.05)) == [True] * 5


class Without(nn.Sequential):
    """The good network without layers of a kind."""

    def __init__(self, *kinds: type[nn.Module]) -> None:
        super().__init__(*(layer for layer in build(GOOD, 0.05) if not isinstance(layer, kinds)))


@pytest.mark.parametrize(
    ("broken", "which"),
    [
        (met(build(GOOD, 0.05), accuracy=99.39), 0),
        (met(build((17, 17, 17, 32, 32), 0.05)), 1),
        (met(build(GOOD, 0.05), epochs=20), 2),
        (met(Without(nn.BatchNorm2d)), 3),
        (met(Without(nn.Dropout)), 3),
        (met(build(GOOD, 0.0)), 3),
        (met(Without(nn.AdaptiveAvgPool2d, nn.Linear)), 4),
    ],
)
def test_one_broken_condition_is_not_met_and_the_others_are(broken: list[bool], which: int) -> None:
    assert broken == [number != which for number in range(5)]


def test_the_limits_themselves() -> None:
    assert met(build(GOOD, 0.05), accuracy=99.4)[0]
    assert not met(build(GOOD, 0.05), epochs=0)[2]
    assert replace(conditions(build(GOOD, 0.05), 99.4, 19)[0]).reached == "99.40 %"
