"""Which images an epoch shows: those that the network finds hard come more often.

Late in a training nearly all images are recognised beyond doubt, and a step learns from the few
that are not. So those are drawn more often, and each drawing counts for that much less: on
average a step still follows the gradient of the mean loss over all images, with less noise in
it. An epoch shows as many images as there are, whichever they are. (A. Katharopoulos and
F. Fleuret, "Not All Samples Are Created Equal: Deep Learning with Importance Sampling", 2018.)
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnn import parallel


@dataclass(frozen=True)
class Sampling:
    """How the images of an epoch are drawn."""

    share: float  # 0…1 of them by difficulty, the rest evenly
    most: float  # times the average of 1 that an image is drawn, before all are scaled to it
    memory: float  # 0…1 of an image's difficulty that stays when it is judged again


class Difficulty(nn.Module):
    """How hard each of n images is: 1 minus the probability that its true digit was given.

    An image that was never shown is as hard as can be.
    """

    known: Tensor  # (n,), before this epoch
    doubts: Tensor  # (n,), added up over this epoch
    shown: Tensor  # (n,), how often in this epoch

    def __init__(self, count: int) -> None:
        """Know nothing yet of ``count`` images."""
        super().__init__()
        self.register_buffer("known", torch.ones(count))
        self.register_buffer("doubts", torch.zeros(count), persistent=False)
        self.register_buffer("shown", torch.zeros(count), persistent=False)

    def draw(self, sampling: Sampling, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return n numbers of images, in the order of an epoch, and the weight of each image.

        An image's weight is 1 over the times that it is drawn on average. It is drawn one more
        or one less than that, never further off (systematic sampling).
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
        """Take note of the cross-entropies of some images, by their numbers."""
        self.doubts.index_add_(0, images, 1 - torch.exp(-losses))
        self.shown.index_add_(0, images, torch.ones_like(losses))

    def learn(self, sampling: Sampling) -> None:
        """Judge the images anew by what this epoch's notes say, those of all processes."""
        parallel.summed(self.doubts)
        parallel.summed(self.shown)
        found = self.doubts / self.shown
        first = bool((self.known == 1).all())
        memory = 0.0 if first else sampling.memory
        judged = memory * self.known + (1 - memory) * found
        self.known.copy_(torch.where(self.shown > 0, judged, self.known))
        self.doubts.zero_()
        self.shown.zero_()
