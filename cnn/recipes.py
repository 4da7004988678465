"""Every hyperparameter of every network: what it looks like and how it is trained.

They were chosen on training images that were set aside (see ``benchmarks/search.py``), never by
the 10,000 test images.
"""

from dataclasses import dataclass, replace

from cnn.augmentation import Augmentation
from cnn.sampling import Sampling

CONFIGURATIONS_TRIED = 136  # lines of benchmarks/search.csv
SPRINT = 4  # epochs of a training that only aims at a target: the rate falls in time for it


@dataclass(frozen=True)
class Recipe:
    """A network and its training.

    It learns by stochastic gradient descent with Nesterov momentum, from as many images an epoch
    as there are. The rate rises evenly to its peak, then falls evenly to 0.
    """

    channels: tuple[int, int, int, int, int]  # of the five convolutions
    dropout: float  # of the averaged features, before the linear layer
    epochs: int
    batch: int  # images a step; what is left over at the end of an epoch is dropped
    peak_rate: float
    rising: float  # the part of all steps in which the rate rises
    momentum: float
    weight_decay: float  # of convolution and linear weights, not of norms and biases
    average: float  # decay a step of the moving average of the weights, which is what is kept
    augmentation: Augmentation
    sampling: Sampling

    def rate(self, progress: float) -> float:
        """Return the learning rate after this part (0…1) of all steps."""
        rise, fall = progress / self.rising, (1 - progress) / (1 - self.rising)
        return self.peak_rate * min(rise, fall)


STANDARD = Recipe(
    channels=(16, 16, 16, 32, 32),
    dropout=0.01,
    epochs=19,
    batch=128,
    peak_rate=0.2,
    rising=0.2,
    momentum=0.9,
    weight_decay=5e-4,
    average=0.999,
    augmentation=Augmentation(rotation=13, scale=0.13, shear=0.13, shift=2),
    sampling=Sampling(share=0.8, most=8, memory=0.5),
)

RECIPES = {
    "standard": STANDARD,
    "small": replace(STANDARD, channels=(8, 12, 16, 16, 16)),
    "tiny": replace(
        STANDARD,
        channels=(8, 8, 12, 12, 12),
        augmentation=Augmentation(rotation=10, scale=0.1, shear=0.1, shift=2),
        sampling=Sampling(share=0.5, most=8, memory=0.5),
    ),
}
