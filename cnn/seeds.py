"""The same training with several seeds: what can be expected, not one lucky result."""

import statistics
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cnn.evaluation import ACCURACY
from cnn.metrics import read_metrics
from workbook_tools.errors import InputError
from workbook_tools.package.files import write_text

SEEDS = "seeds.json"


class SeedResult(BaseModel):
    """One seed's final accuracy, in per cent, after its last epoch."""

    seed: int
    accuracy: float
    seconds: float


class Seeds(BaseModel):
    """The content of ``seeds.json``: one model, several seeds."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = Field(default=1, alias="schema")
    model: str
    runs: list[SeedResult] = Field(min_length=1)

    @property
    def accuracies(self) -> list[float]:
        """The accuracies in per cent, seed by seed."""
        return [run.accuracy for run in self.runs]

    @property
    def mean(self) -> float:
        """Mean accuracy in per cent."""
        return statistics.mean(self.accuracies)

    @property
    def deviation(self) -> float:
        """Sample standard deviation of the accuracy, in percentage points; 0 for one seed."""
        return statistics.stdev(self.accuracies) if len(self.runs) > 1 else 0.0

    @property
    def every_one_meets_the_accuracy(self) -> bool:
        """Whether every seed reaches the required accuracy."""
        return min(self.accuracies) >= ACCURACY

    def line(self) -> str:
        """Say it in one line."""
        return (
            f"{self.model}, {len(self.runs)} seeds: mean {self.mean:.3f} %, deviation "
            f"{self.deviation:.3f}, min {min(self.accuracies):.2f} %, "
            f"max {max(self.accuracies):.2f} %"
        )


def train_seeds(
    model: str, seeds: int, folder: Path, jobs: int, options: list[str], say: Callable[[str], None]
) -> Seeds:
    """Train ``model`` with the seeds 0 … ``seeds`` − 1 in ``folder/seed-N``, ``jobs`` at a time.

    Finished runs are not trained again, and interrupted ones continue. ``options`` are passed to
    each ``python -m cnn train``; ``say`` is called with each result. Writes ``seeds.json``. Raises
    ``InputError`` if a training fails, or a folder holds another run.
    """

    def one(seed: int) -> SeedResult:
        place = folder / f"seed-{seed}"
        _train(model, seed, place, options)
        metrics = read_metrics(place)
        say(f"seed {seed}: {metrics.final.accuracy:.2f} %  ({metrics.seconds:.0f} s)")
        return SeedResult(seed=seed, accuracy=metrics.final.accuracy, seconds=metrics.seconds)

    with ThreadPoolExecutor(jobs) as pool:
        found = Seeds(model=model, runs=list(pool.map(one, range(seeds))))
    write_text(folder / SEEDS, found.model_dump_json(indent=1, by_alias=True) + "\n")
    return found


def _train(model: str, seed: int, place: Path, options: list[str]) -> None:
    command = [sys.executable, "-m", "cnn", "train", "--model", model, "--seed", str(seed)]
    command += ["--out", str(place), "--resume", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: trained, but a condition is not met
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise InputError(f"seed {seed}: the training failed: {' '.join(last)}")


def read_seeds(folder: Path) -> Seeds | None:
    """Read ``seeds.json``; None if it is missing. Raises ``InputError`` if it is invalid."""
    path = folder / SEEDS
    if not path.exists():
        return None
    try:
        return Seeds.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: not a valid seeds.json; run make cnn-seeds again") from error
