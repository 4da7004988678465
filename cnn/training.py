"""The training program, in reading order.

It trains and saves a checkpoint after every epoch, nothing else. Hyperparameters are in
``recipes.py``, the final figures in ``evaluation.py``, progress displays in ``watchers.py``.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from cnn import parallel
from cnn.augmentation import affine_maps, moved
from cnn.checkpoint import Checkpoint, State
from cnn.data import Mnist, normalised
from cnn.model import build, scores
from cnn.recipes import Recipe
from cnn.sampling import Difficulty
from workbook_tools.errors import InputError


@dataclass(frozen=True)
class Job:
    """One training: the same job gives the same weights (on the CPU, bit for bit)."""

    model: str
    recipe: Recipe
    seed: int
    device: str  # "cpu" or "cuda"
    threads: int  # of the CPU; sums are split among them, so their number affects the result
    target: float | None = None  # per cent; stop after the first epoch that reaches it


@dataclass(frozen=True)
class Epoch:
    """One line of the log; losses are mean cross-entropies, accuracies per cent."""

    epoch: int
    rate: float  # of the last step
    training_loss: float  # over the epoch, on augmented images as weighted, dropout active
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


class Watcher(Protocol):
    """Follows the progress of a training."""

    def start(self, log: list[Epoch]) -> None:
        """Begin to follow a training, of which these epochs are already done."""

    def step(self, step: int, steps: int, loss: float) -> None:
        """Show a step of the current epoch."""

    def epoch(self, row: Epoch) -> None:
        """Show a finished epoch."""


Tensors = tuple[Tensor, ...] | list[Tensor]

STEPS_BETWEEN_LOOKS = 20  # asking a GPU for the loss makes it wait


def train(
    job: Job, data: Mnist, checkpoint: Checkpoint, watcher: Watcher
) -> tuple[nn.Sequential, list[Epoch]]:
    """Train as ``job`` says, starting from ``checkpoint``; return the network and its log.

    The network has the moving average of the weights over the last steps. So does the one that is
    validated after each epoch.

    Raises ``InputError`` if the loss is no longer a number; the checkpoint of the last good
    epoch is kept.
    """
    recipe = job.recipe
    torch.set_num_threads(job.threads)
    device = parallel.device_here(job.device)
    torch.backends.cudnn.benchmark = True
    half = device.type == "cuda" and torch.cuda.is_bf16_supported()

    # The data: all images stay on the device for the whole run.
    images, labels = normalised(data.training.pixels).to(device), data.training.labels.to(device)
    unseen = normalised(data.validation.pixels).to(device)
    unseen_labels = data.validation.labels.to(device)

    # The network, its optimizer, and the state of an interrupted run.
    torch.manual_seed(job.seed)
    model = build(recipe.channels, recipe.dropout)
    model = model.to(device).to(memory_format=torch.channels_last)
    optimizer = gradient_descent(model, recipe)
    average = AveragedModel(model, multi_avg_fn=moving_average(recipe.average), use_buffers=True)
    difficulty = Difficulty(len(images)).to(device)
    state = State(model, optimizer, average, difficulty)
    log = [Epoch(**row) for row in checkpoint.restore(state)]
    if not log:
        checkpoint.keep(state, log)
    watcher.start(log)
    shared = parallel.shared(model)

    steps = len(images) // recipe.batch
    mine = slice(parallel.rank(), None, parallel.count())  # of every batch
    for epoch in range(len(log), recipe.epochs):
        if reached(job, log):
            break
        start = time.perf_counter()

        # An epoch's random numbers depend only on seed and epoch, so a resumed run draws the same.
        torch.manual_seed((job.seed * 1_000 + epoch) * parallel.count() + parallel.rank())
        chance = torch.Generator().manual_seed(job.seed * 1_000 + epoch)
        order, weights = difficulty.draw(recipe.sampling, chance)
        count, side = steps * recipe.batch, images.shape[-1]
        maps = affine_maps(count, recipe.augmentation, side, chance).to(device)
        totals = torch.zeros(3, device=device)  # loss, right answers, images; all weighted

        model.train()
        for step in range(steps):
            whole = slice(step * recipe.batch, (step + 1) * recipe.batch)
            batch = order[whole][mine]
            x, y, weight = moved(images[batch], maps[whole][mine]), labels[batch], weights[batch]

            progress = (epoch * steps + step) / (recipe.epochs * steps)
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(progress)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
                answers = shared(x)
            losses = F.cross_entropy(answers.float(), y, reduction="none")
            loss = (weight * losses).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            average.update_parameters(model)

            with torch.no_grad():
                difficulty.note(batch, losses)
                right = answers.argmax(1) == y
                totals += torch.stack([weight * losses, weight * right, weight]).sum(dim=1)
            if step % STEPS_BETWEEN_LOOKS == 0:
                watcher.step(step, steps, loss.item())

        # Validation, and a stop if the loss is no longer a number.
        difficulty.learn(recipe.sampling)
        loss_sum, right_sum, weight_sum = parallel.summed(totals).tolist()
        validation_loss, accuracy = judged(average.module, unseen, unseen_labels)
        if not math.isfinite(loss_sum + validation_loss):
            raise InputError(
                f"epoch {epoch + 1}: the loss is no longer a number; the checkpoint of epoch "
                f"{epoch} is kept; lower the peak rate in cnn/recipes.py"
            )
        log.append(
            Epoch(
                epoch=epoch + 1,
                rate=optimizer.param_groups[0]["lr"],
                training_loss=loss_sum / weight_sum,
                training_accuracy=100 * right_sum / weight_sum,
                validation_loss=validation_loss,
                validation_accuracy=accuracy,
                seconds=time.perf_counter() - start,
            )
        )
        checkpoint.keep(state, log)
        watcher.epoch(log[-1])
    trained: nn.Sequential = average.module  # type: ignore[assignment]
    return trained, log


def gradient_descent(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Return the optimizer: SGD with Nesterov momentum, and weight decay only on the weights."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]  # norms and the linear layer's bias
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=0.0, momentum=recipe.momentum, nesterov=True, foreach=True)


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Return the update of the moving averages, which at first use a smaller decay than ``decay``.

    With a fixed decay, the averages of the first epochs would mostly consist of the random initial
    weights. The rule min(decay, (1 + n) / (10 + n)) is that of TensorFlow's
    ExponentialMovingAverage.
    """

    def move(averages: Tensors, values: Tensors, n: Tensor | int) -> None:
        share = 1 - min(decay, (1 + int(n)) / (10 + int(n)))
        for mean, value in zip(averages, values, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)
            else:  # batch normalisation's count of batches
                mean.copy_(value)

    return move


def reached(job: Job, log: list[Epoch]) -> bool:
    """Return whether the last epoch reached the job's target."""
    return job.target is not None and bool(log) and log[-1].validation_accuracy >= job.target


def judged(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return loss and accuracy (per cent) in evaluation mode, as computed by the first process."""
    answers = scores(model, images)
    loss = F.cross_entropy(answers, labels)
    right = (answers.argmax(1) == labels).sum()
    # Each process has seen other images, so the running means of the norms differ slightly.
    both = parallel.of_the_first(torch.stack([loss.double(), right.double()]))
    return both[0].item(), 100 * both[1].item() / len(labels)
