"""A run and its folder, from training to report.

    metrics.json    all numbers (``metrics.py``)
    log.csv         one line per epoch
    model.pt        the weights (``checkpoint.py``)
    report.html, report.md and pictures/ (``report.py``)
    checkpoint.pt   only while the training is not finished

The folder of several seeds is that of the best seed, with ``seeds.json`` and a folder for each
seed in it (``seeds.py``).
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from cnn import parallel
from cnn.checkpoint import Checkpoint, load_model, save_model
from cnn.data import Images, Mnist
from cnn.evaluation import Answers, answers, conditions
from cnn.metrics import LOG, METRICS, Metrics, measured, read_metrics, write_metrics
from cnn.report import HTML, MARKDOWN, write_report
from cnn.seeds import SEEDS, read_seeds
from cnn.training import Job, Watcher, train
from workbook_tools.errors import InputError
from workbook_tools.package.files import make_folder, replacing
from workbook_tools.package.places import refuse_conflicts

MODEL, CHECKPOINT = "model.pt", "checkpoint.pt"


def run(job: Job, data: Mnist, folder: Path, watcher: Watcher, resume: bool) -> Metrics:
    """Train, evaluate, and write everything to ``folder``; return the metrics.

    With ``resume``, an interrupted run continues, and for a finished one only the report is
    written. Raises ``InputError`` if the folder cannot be written, or holds a run of another job.
    """
    make_folder(folder, "--out")
    _refuse_links(folder)
    if resume and (folder / METRICS).exists() and not (folder / CHECKPOINT).exists():
        _refuse_another(read_metrics(folder), job, folder)
        return report(folder, data.validation)
    checkpoint = Checkpoint(folder / CHECKPOINT, identity(job), resume)
    model, log = train(job, data, checkpoint, watcher)
    found = answers(model, data.validation)
    metrics = measured(job, model, log, found)
    if parallel.rank() == 0:
        save_model(model, job.model, folder / MODEL)
        write_metrics(metrics, folder)
    _report(metrics, model.cpu(), data.validation, found, folder)
    checkpoint.remove()
    return metrics


def report(folder: Path, images: Images) -> Metrics:
    """Write the report of a finished run again, from its weights and ``metrics.json``.

    ``images`` are the test images. Raises ``InputError`` if the folder holds no finished run, or
    if its weights do not give the accuracy in its metrics.
    """
    _refuse_links(folder)
    metrics = read_metrics(folder)
    _, model = load_model(folder / MODEL)
    found = answers(model, images)
    if found.accuracy != metrics.final.accuracy:
        raise InputError(
            f"{folder}: {MODEL} reaches {found.accuracy:.2f} %, but {METRICS} says "
            f"{metrics.final.accuracy:.2f} %: they are not from the same run; train again"
        )
    # The conditions are checked again, too: those in the file prove nothing.
    judged = conditions(model, found.accuracy, len(metrics.epochs))
    metrics = metrics.model_copy(update={"conditions": judged})
    _report(metrics, model, images, found, folder)
    return metrics


def adopt(run_folder: Path, folder: Path) -> None:
    """Copy the results of a finished run, but not its report, to ``folder``."""
    for name in (MODEL, METRICS, LOG):
        with replacing(folder / name) as new:
            shutil.copyfile(run_folder / name, new)


def identity(job: Job) -> dict[str, Any]:
    """Return what identifies a job, as a flat dictionary."""
    flat = asdict(job)
    return {**flat.pop("recipe"), **flat, "processes": parallel.count()}


def _refuse_links(folder: Path) -> None:
    """Raise ``InputError`` if, because of links, two outputs are the same file."""
    names = (MODEL, CHECKPOINT, METRICS, LOG, SEEDS, HTML, MARKDOWN)
    refuse_conflicts([], [folder / name for name in names])


def _refuse_another(metrics: Metrics, job: Job, folder: Path) -> None:
    finished = {**asdict(metrics.recipe), "model": metrics.model, "seed": metrics.seed}
    for key, value in finished.items():
        if identity(job)[key] != value:
            raise InputError(
                f"{folder}: holds a finished run of another training ({key} {value}, not "
                f"{identity(job)[key]}); to train again, delete it or give another --out"
            )


def _report(
    metrics: Metrics, model: nn.Sequential, images: Images, found: Answers, folder: Path
) -> None:
    if parallel.rank() == 0:
        write_report(metrics, model, images, found, read_seeds(folder), folder)
