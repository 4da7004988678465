"""Importance sampling: images that the network finds hard are drawn more often.

Late in a training nearly all images are recognised with certainty, and a step learns only from the
few others. So these are drawn more often, and weighted less in proportion. On average, a step
still follows the gradient of the mean loss over all images, but with less noise. An epoch draws as
many images as there are in all. (A. Katharopoulos and F. Fleuret, "Not All Samples Are Created
Equal: Deep Learning with Importance Sampling", 2018.)
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnn import parallel


@dataclass(frozen=True)
class Sampling:
    """How the images of an epoch are drawn."""

    share: float  # fraction (0…1) drawn by difficulty; the rest is drawn uniformly
    most: float  # limit of an image's expected number of draws, before scaling to a mean of 1
    memory: float  # fraction (0…1) of an image's old difficulty that is kept when it is updated


class Difficulty(nn.Module):
    """How hard each of n images is: 1 minus the probability that the network gives to its digit.

    An image that was never drawn has difficulty 1.
    """

    known: Tensor  # (n,), difficulty before this epoch
    doubts: Tensor  # (n,), sum of the difficulties in this epoch
    shown: Tensor  # (n,), number of draws in this epoch

    def __init__(self, count: int) -> None:
        """Start with difficulty 1 for all ``count`` images."""
        super().__init__()
        self.register_buffer("known", torch.ones(count))
        self.register_buffer("doubts", torch.zeros(count), persistent=False)
        self.register_buffer("shown", torch.zeros(count), persistent=False)

    def draw(self, sampling: Sampling, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the numbers of the n images of an epoch, in order, and the weight of each image.

        An image's weight is 1 over its expected number of draws. Its actual number differs from
        that by less than one (systematic sampling).
        """
        known = self.known.cpu()
        count = len(known)
        times = 1 - sampling.share + sampling.share * known / known.mean()
        times = times.clamp(max=sampling.most)
        times = times / times.mean()
        mixed = torch.randperm(count, generator=generator)
        reached = times[mixed].double().cumsum(0)
        start = torch.rand(1, generator=generator).double()
        passed = (reached * (count / reached[-1]) + start).floor().long()
        drawn = mixed.repeat_interleave(passed.diff(prepend=passed.new_zeros(1)))
        order = drawn[torch.randperm(count, generator=generator)]
        device = self.known.device
        return order.to(device), (1 / times).to(device)

    def note(self, images: Tensor, losses: Tensor) -> None:
        """Record the cross-entropies of some images, given by their numbers."""
        self.doubts.index_add_(0, images, 1 - torch.exp(-losses))
        self.shown.index_add_(0, images, torch.ones_like(losses))

    def learn(self, sampling: Sampling) -> None:
        """Update the difficulties from the records of this epoch, over all processes."""
        parallel.summed(self.doubts)
        parallel.summed(self.shown)
        found = self.doubts / self.shown
        first = bool((self.known == 1).all())
        memory = 0.0 if first else sampling.memory
        judged = memory * self.known + (1 - memory) * found
        self.known.copy_(torch.where(self.shown > 0, judged, self.known))
        self.doubts.zero_()
        self.shown.zero_()
