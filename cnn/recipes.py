"""Every hyperparameter of every network: its architecture and its training.

They were chosen on training images that were set aside (see ``benchmarks/search.py``), never on
the 10,000 test images.
"""

from dataclasses import dataclass, replace

from cnn.augmentation import Augmentation
from cnn.sampling import Sampling

CONFIGURATIONS_TRIED = 136  # lines of benchmarks/search.csv
SPRINT = 4  # epochs if a target is given; the learning rate then falls faster


@dataclass(frozen=True)
class Recipe:
    """A network and its training.

    It is trained by stochastic gradient descent with Nesterov momentum. An epoch draws as many
    images as there are. The learning rate rises linearly to its peak, then falls linearly to 0.
    """

    channels: tuple[int, int, int, int, int]  # of the five convolutions
    dropout: float  # of the averaged features, before the linear layer
    epochs: int
    batch: int  # images per step; an incomplete batch at the end of an epoch is dropped
    peak_rate: float
    rising: float  # the fraction of all steps in which the rate rises
    momentum: float
    weight_decay: float  # of convolution and linear weights, not of norms and biases
    average: float  # decay per step of the moving average of the weights, which is the result
    augmentation: Augmentation
    sampling: Sampling

    def rate(self, progress: float) -> float:
        """Return the learning rate after this fraction (0…1) of all steps."""
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
