"""The numbers of a finished run: ``metrics.json`` and ``log.csv``."""

import csv
import platform
from dataclasses import asdict, fields
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cnn import parallel
from cnn.evaluation import (
    Answers,
    Bin,
    Condition,
    calibration,
    calibration_error,
    conditions,
    confusion,
    precision_and_recall,
)
from cnn.model import parameters
from cnn.recipes import Recipe
from cnn.training import Epoch, Job
from workbook_tools.errors import InputError
from workbook_tools.package.files import write_text

METRICS, LOG = "metrics.json", "log.csv"


class Final(BaseModel):
    """The finished network on the 10,000 test images."""

    accuracy: float  # per cent
    loss: float
    mistakes: int
    precision: list[float | None]  # of each digit, 0 to 1; None if no image is read as it
    recall: list[float | None]  # None if no image is of this digit
    confusion: list[list[int]]  # truth in rows, answers in columns
    calibration: list[Bin]
    calibration_error: float


class Metrics(BaseModel):
    """The content of ``metrics.json``."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = Field(default=1, alias="schema")
    model: str
    seed: int
    device: str
    threads: int
    processes: int
    target: float | None  # per cent
    versions: dict[str, str]
    recipe: Recipe
    parameters: int
    epochs: list[Epoch]
    seconds: float  # of all epochs, validation included
    final: Final
    conditions: list[Condition]

    @property
    def all_conditions_met(self) -> bool:
        """Whether the network meets all five."""
        return all(condition.met for condition in self.conditions)


def measured(job: Job, model: torch.nn.Module, log: list[Epoch], found: Answers) -> Metrics:
    """Return the metrics of a finished run."""
    counts = confusion(found)
    precision, recall = precision_and_recall(counts)
    bins = calibration(found)
    final = Final(
        accuracy=found.accuracy,
        loss=found.loss,
        mistakes=len(found.wrong),
        precision=precision,
        recall=recall,
        confusion=counts.tolist(),
        calibration=bins,
        calibration_error=calibration_error(bins),
    )
    packages = ("workbook-tools", "torch", "torchvision", "numpy")
    return Metrics(
        model=job.model,
        seed=job.seed,
        device=torch.cuda.get_device_name() if job.device == "cuda" else job.device,
        threads=job.threads,
        processes=parallel.count(),
        target=job.target,
        versions={"python": platform.python_version()}
        | {package: version(package) for package in packages},
        recipe=job.recipe,
        parameters=parameters(model),
        epochs=log,
        seconds=sum(row.seconds for row in log),
        final=final,
        conditions=conditions(model, found.accuracy, len(log)),
    )


def write_metrics(metrics: Metrics, folder: Path) -> None:
    """Write ``metrics.json`` and ``log.csv``; raises ``InputError`` if that fails."""
    write_text(folder / METRICS, metrics.model_dump_json(indent=1, by_alias=True) + "\n")
    table = StringIO()
    writer = csv.DictWriter(table, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in metrics.epochs)
    write_text(folder / LOG, table.getvalue())


def read_metrics(folder: Path) -> Metrics:
    """Read ``metrics.json``; raises ``InputError`` if it is missing or invalid."""
    path = folder / METRICS
    try:
        return Metrics.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); give the folder of a finished "
            "run of python -m cnn train"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"{path}: {place}: {first['msg']}; train again, or give another folder"
        ) from error
