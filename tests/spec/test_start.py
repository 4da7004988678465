import math
from random import Random

import pytest

from workbook_tools.notation.quantities import Naming
from workbook_tools.spec.start import Drawing, Start

NAMING = Naming((4, 6, 3))


def test_drawn_weights_are_the_mersenne_twisters_as_stated() -> None:
    weights = Start(draw=Drawing.UNIFORM, range=0.5, seed=1).weights_for(NAMING)
    # random() of seed 1 begins with these; they are part of Python's documented guarantee.
    assert weights[:2] == [
        round(-0.5 + 0.13436424411240122, 4),
        round(-0.5 + 0.8474337369372327, 4),
    ]
    assert len(weights) == NAMING.weight_count
    chance = Random(1)
    assert weights == [round(-0.5 + chance.random(), 4) for _ in weights]


@pytest.mark.parametrize(
    ("draw", "reaches"),
    [
        (Drawing.XAVIER, (math.sqrt(6 / 10), math.sqrt(6 / 9))),
        (Drawing.HE, (math.sqrt(6 / 4), math.sqrt(6 / 6))),
    ],
)
def test_weights_fill_the_range_of_their_layer(draw: Drawing, reaches: tuple[float, float]) -> None:
    drawn = [Start(draw=draw, seed=seed).weights_for(NAMING) for seed in range(200)]
    first = [abs(w) for weights in drawn for w in weights[:24]]
    second = [abs(w) for weights in drawn for w in weights[24:]]
    for reach, found in zip(reaches, (first, second), strict=True):
        assert max(found) <= reach + 5e-5
        assert max(found) > 0.99 * reach
        assert sum(found) / len(found) == pytest.approx(reach / 2, rel=0.05)


def test_another_seed_draws_other_weights() -> None:
    one, other = (Start(draw=Drawing.HE, seed=seed).weights_for(NAMING) for seed in (1, 2))
    assert one != other


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give either weights or draw"),
        ({"weights": [0.1], "draw": "he"}, "give either weights or draw"),
        ({"draw": "uniform"}, "start.range"),
        ({"draw": "he", "range": 0.5}, "start.range"),
    ],
)
def test_a_start_that_says_too_little_or_too_much_is_refused(
    given: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Start.model_validate(given)
