"""Hard images come more often, and on average nothing else changes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnn.sampling import Difficulty, Sampling

SAMPLING = Sampling(share=0.8, most=20, memory=0.8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def known(values: list[float]) -> Difficulty:
    difficulty = Difficulty(len(values))
    difficulty.known.copy_(torch.tensor(values))
    return difficulty


def test_the_first_epoch_shows_every_image_once() -> None:
    order, weights = Difficulty(100).draw(SAMPLING, generator())
    assert sorted(order.tolist()) == list(range(100))
    assert order.tolist() != list(range(100))
    assert torch.equal(weights, torch.ones(100))


@given(
    st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=300),
    st.floats(0, 1),
    st.integers(0, 2**31),
)
def test_an_epoch_shows_as_many_images_as_there_are_each_about_as_often_as_meant(
    hardness: list[float], share: float, seed: int
) -> None:
    sampling = Sampling(share, most=20, memory=0.8)
    order, weights = known(hardness).draw(sampling, generator(seed))
    assert len(order) == len(hardness)
    counts = torch.bincount(order, minlength=len(hardness))
    assert ((counts - 1 / weights).abs() <= 1 + 1e-4).all()
    assert (1 / weights).mean().item() == pytest.approx(1, rel=1e-4)


def test_on_average_the_weighted_mean_is_the_plain_mean() -> None:
    values = torch.randn(40, generator=generator(1))
    difficulty = known(torch.rand(40, generator=generator(2)).pow(4).add(1e-3).tolist())
    chance = generator(3)
    means = []
    for _ in range(4_000):
        order, weights = difficulty.draw(SAMPLING, chance)
        means.append((weights[order] * values[order]).mean())
    found = torch.stack(means)
    error = found.std() / len(means) ** 0.5
    assert abs(found.mean() - values.mean()) < 4 * error
    assert error < 0.005
    # Unweighted it would be another mean altogether.
    order, _ = difficulty.draw(SAMPLING, chance)
    assert abs(values[order].mean() - values.mean()) > 20 * error


def test_a_hard_image_comes_more_often_but_not_without_limit() -> None:
    order, weights = known([0.5] + [1e-4] * 999).draw(SAMPLING, generator())
    shown = int((order == 0).sum())
    assert shown == pytest.approx(1 / weights[0].item(), abs=1)
    assert 20 <= shown <= 100  # the limit, 20, and what the mean of 1 makes of it
    assert weights[1:].max() < 6  # an easy one comes in every fifth epoch or more often


def test_difficulty_is_what_the_epochs_said() -> None:
    difficulty = Difficulty(3)
    difficulty.note(torch.tensor([0, 1, 0]), -torch.log(torch.tensor([0.5, 0.9, 0.7])))
    difficulty.learn(SAMPLING)
    # 1 minus the probability, the mean of both times; what was not shown stays as hard as can be.
    assert difficulty.known.tolist() == pytest.approx([0.4, 0.1, 1.0])
    difficulty.note(torch.tensor([1]), -torch.log(torch.tensor([0.4])))
    difficulty.learn(SAMPLING)
    assert difficulty.known.tolist() == pytest.approx([0.4, 0.8 * 0.1 + 0.2 * 0.6, 1.0])


def test_a_seed_draws_the_same_epoch() -> None:
    difficulty = known(torch.rand(50, generator=generator(2)).tolist())
    first, again = (difficulty.draw(SAMPLING, generator(5))[0] for _ in range(2))
    other = difficulty.draw(SAMPLING, generator(6))[0]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
