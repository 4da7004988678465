"""Every hyperparameter of every network: what it looks like and how it is trained.

They were chosen on training images that were set aside (see ``benchmarks/search.py``), never by
the 10,000 test images.
"""

from dataclasses import dataclass, replace

from cnn.augmentation import Augmentation

CONFIGURATIONS_TRIED = 1  # lines of benchmarks/search.csv


@dataclass(frozen=True)
class Recipe:
    """A network and its training."""

    channels: tuple[int, int, int, int, int]  # of the five convolutions
    dropout: float = 0.05  # of the averaged features, before the linear layer
    epochs: int = 19
    batch: int = 128  # images a step; what is left over at the end of an epoch is dropped
    # Stochastic gradient descent with Nesterov momentum. The rate rises evenly to its peak over
    # the first part of all steps, then falls evenly to 0: of everything here, the fall matters most.
    peak_rate: float = 0.2
    rising: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4  # of convolution and linear weights, not of norms and biases
    average: float = 0.999  # decay a step of the moving average of the weights, which is kept
    augmentation: Augmentation = Augmentation(rotation=10, scale=0.1, shear=0.1, shift=2)

    def rate(self, progress: float) -> float:
        """Return the learning rate after this part (0…1) of all steps."""
        rise, fall = progress / self.rising, (1 - progress) / (1 - self.rising)
        return self.peak_rate * min(rise, fall)


STANDARD = Recipe(channels=(16, 16, 16, 32, 32))

RECIPES = {
    "standard": STANDARD,
    "small": replace(STANDARD, channels=(8, 12, 16, 16, 16)),
    "tiny": replace(STANDARD, channels=(8, 8, 12, 12, 12), epochs=15),
}
