"""Progress displays for a training.

``Lines`` prints aligned lines and, on a terminal, shows a bar for each epoch; ``Tensorboard``
writes curves.
"""

import time
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cnn.training import Epoch, Watcher
from workbook_tools.errors import InputError

HEADER = "epoch    rate  train loss  train acc   val loss    val acc     time     left"


def line(row: Epoch, left: str) -> str:
    """Return one line of the log."""
    return (
        f"{row.epoch:5}  {row.rate:6.4f}  {row.training_loss:10.4f}  "
        f"{row.training_accuracy:7.2f} %  {row.validation_loss:9.4f}  "
        f"{row.validation_accuracy:7.2f} %  {row.seconds:5.1f} s  {left:>7}"
    )


def clock(seconds: float) -> str:
    """Return a duration in minutes and seconds: 2:05."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


class Lines(AbstractContextManager["Lines"]):
    """Shows the progress of a training as lines and a bar."""

    def __init__(self, console: Console, epochs: int) -> None:
        self.console, self.epochs = console, epochs
        self.before = self.done = 0  # epochs done by an interrupted run; epochs done by now
        self.started = time.perf_counter()
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.4f}{task.fields[accuracy]}  {task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(
            "", visible=False, epoch="", loss=0.0, accuracy="", left="", total=None
        )

    def __enter__(self) -> "Lines":
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def start(self, log: list[Epoch]) -> None:
        """Print the header, and the epochs of an interrupted run."""
        self.console.print(HEADER, style="bold", soft_wrap=True)
        self.before = self.done = len(log)
        self.started = time.perf_counter()
        for row in log:
            self._print(row, "")

    def step(self, step: int, steps: int, loss: float) -> None:
        """Move the bar."""
        of, left = f"{self.done + 1} of {self.epochs}", f"{self._left(step / steps)} left"
        self.bar.update(
            self.task, visible=True, completed=step, total=steps, epoch=of, loss=loss, left=left
        )

    def epoch(self, row: Epoch) -> None:
        """Print the epoch's line."""
        self.done = row.epoch
        self.bar.update(self.task, accuracy=f"  val acc {row.validation_accuracy:.2f} %")
        self._print(row, self._left(0))

    def _left(self, part: float) -> str:
        """Return the time left after this fraction of the current epoch, at the speed so far."""
        now = self.done - self.before + part
        if not now:
            return "?"
        elapsed = time.perf_counter() - self.started
        return clock(elapsed / now * (self.epochs - self.before - now))

    def _print(self, row: Epoch, left: str) -> None:
        self.console.print(line(row, left), highlight=False, soft_wrap=True)


class Silence:
    """Shows nothing; for all processes but the first."""

    def start(self, log: list[Epoch]) -> None:
        """Show nothing."""

    def step(self, step: int, steps: int, loss: float) -> None:
        """Show nothing."""

    def epoch(self, row: Epoch) -> None:
        """Show nothing."""


class Tensorboard:
    """Writes curves for TensorBoard to a run's folder, in addition to another watcher."""

    def __init__(self, folder: Path, other: Watcher) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise InputError(
                "TensorBoard is not installed; pip install tensorboard, or leave out --tensorboard"
            ) from error
        self.writer = SummaryWriter(str(folder / "tensorboard"))
        self.other = other

    def start(self, log: list[Epoch]) -> None:
        """Pass it on; an interrupted run has already written its curves."""
        self.other.start(log)

    def step(self, step: int, steps: int, loss: float) -> None:
        """Pass it on."""
        self.other.step(step, steps, loss)

    def epoch(self, row: Epoch) -> None:
        """Write a point of each curve, and pass it on."""
        for name, value in asdict(row).items():
            if name != "epoch":
                self.writer.add_scalar(name.replace("_", "/", 1), value, row.epoch)
        self.writer.flush()
        self.other.epoch(row)
