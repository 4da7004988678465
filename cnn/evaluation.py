"""The final figures of a network, and the five conditions that it has to meet."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cnn.data import Images, normalised
from cnn.model import CLASSES, parameters, scores

ACCURACY, PARAMETERS, EPOCHS = 99.4, 20_000, 20  # at least; fewer than; fewer than


@dataclass(frozen=True)
class Answers:
    """A network's answers for n images: ``probabilities`` (n, 10); and the ``truth`` (n,)."""

    probabilities: NDArray[np.float64]
    truth: NDArray[np.int64]

    @property
    def said(self) -> NDArray[np.int64]:
        """The likeliest digit of each image (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def confidence(self) -> NDArray[np.float64]:
        """The probability that the network gives to its answer (n,)."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def wrong(self) -> NDArray[np.int64]:
        """The numbers of the misclassified images, most confident mistakes first."""
        mistakes = np.flatnonzero(self.said != self.truth)
        # The last digits may be others in another run, so they do not decide.
        return mistakes[np.argsort(-self.confidence[mistakes].round(5), kind="stable")]

    @property
    def accuracy(self) -> float:
        """Percentage of correct answers."""
        return float(100 * (len(self.truth) - len(self.wrong)) / len(self.truth))

    @property
    def loss(self) -> float:
        """Mean cross-entropy, −ln of the probability given to the truth, in nats."""
        given = self.probabilities[np.arange(len(self.truth)), self.truth]
        return float(-np.log(np.maximum(given, np.finfo(np.float64).tiny)).mean())


def answers(model: nn.Module, images: Images) -> Answers:
    """Run the network on every image, in one pass in evaluation mode."""
    device = next(model.parameters()).device
    said = torch.softmax(scores(model, normalised(images.pixels).to(device)).double(), dim=1)
    return Answers(said.cpu().numpy(), images.labels.numpy())


def confusion(found: Answers) -> NDArray[np.int64]:
    """Count (10, 10) how often each digit (row) was taken for each digit (column)."""
    counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    np.add.at(counts, (found.truth, found.said), 1)
    return counts


def precision_and_recall(
    counts: NDArray[np.int64],
) -> tuple[list[float | None], list[float | None]]:
    """Return the precision and the recall of each digit from a confusion matrix, between 0 and 1.

    Precision: the fraction of the images read as a digit that are this digit. Recall: the fraction
    of the images of a digit that are read as it. None if there are no such images.
    """
    right, called, there = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)

    def parts(of: NDArray[np.int64]) -> list[float | None]:
        return [float(n / total) if total else None for n, total in zip(right, of, strict=True)]

    return parts(called), parts(there)


@dataclass(frozen=True)
class Bin:
    """Images with about the same confidence."""

    count: int
    confidence: float  # mean, between 0 and 1
    accuracy: float  # between 0 and 1


# Edges of the bins. Nearly all confidences on MNIST are above 0.99, but the others tell more.
EDGES = (0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)


def calibration(found: Answers) -> list[Bin]:
    """Group images by the network's confidence, with the accuracy of each group."""
    group = np.searchsorted(EDGES[1:-1], found.confidence, side="right")
    right = found.said == found.truth
    return [
        Bin(int(here.sum()), float(found.confidence[here].mean()), float(right[here].mean()))
        for number in range(len(EDGES) - 1)
        if (here := group == number).any()
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Return the mean difference between confidence and accuracy, weighted by images.

    This is the expected calibration error of Guo et al., "On Calibration of Modern Neural
    Networks" (2017), with the bins of ``calibration``.
    """
    total = sum(group.count for group in bins)
    return sum(group.count * abs(group.confidence - group.accuracy) for group in bins) / total


@dataclass(frozen=True)
class Condition:
    """A condition that the network has to meet."""

    name: str
    required: str
    reached: str
    met: bool


def conditions(model: nn.Module, accuracy: float, epochs: int) -> list[Condition]:
    """Return the five conditions, for a network, its test accuracy in per cent, and its epochs."""
    count = parameters(model)
    layers = list(model.modules())
    norms = sum(isinstance(layer, nn.BatchNorm2d) for layer in layers)
    dropout = max((layer.p for layer in layers if isinstance(layer, nn.Dropout)), default=0.0)
    pools = sum(isinstance(layer, nn.AdaptiveAvgPool2d) for layer in layers)
    linear = sum(isinstance(layer, nn.Linear) for layer in layers)
    return [
        Condition(
            "validation accuracy", f"≥ {ACCURACY:.2f} %", f"{accuracy:.2f} %", accuracy >= ACCURACY
        ),
        Condition("parameters", f"< {PARAMETERS:,}", f"{count:,}", count < PARAMETERS),
        Condition("epochs", f"< {EPOCHS}", f"{epochs}", 0 < epochs < EPOCHS),
        Condition(
            "batch normalisation and dropout",
            "both",
            f"{norms} norms, dropout {dropout:g}",
            norms > 0 and dropout > 0,
        ),
        Condition(
            "global average pooling or fully connected layer",
            "one",
            f"{pools} pooling, {linear} fully connected",
            pools + linear > 0,
        ),
    ]
