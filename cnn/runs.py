"""A run's folder, from the training to the report.

    metrics.json    everything that can be said in numbers (``metrics.py``)
    log.csv         one line an epoch
    model.pt        the weights (``checkpoint.py``)
    report.html, report.md and pictures/ (``report.py``)
    checkpoint.pt   only while the training is not finished

The folder of several seeds is the folder of the best of them, with ``seeds.json`` and a folder
for each seed beside (``seeds.py``).
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
    """Train, evaluate, and leave everything in ``folder``; return what was measured.

    With ``resume``, an interrupted run goes on, and a finished one is only reported on again.
    Raises ``InputError`` if the folder cannot be written to, or holds another job to resume.
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
    """Write the report of a finished run anew, from its weights and ``metrics.json``.

    ``images`` are the test images. Raises ``InputError`` if the folder holds no finished run, or
    its weights do not give the accuracy that its metrics state.
    """
    _refuse_links(folder)
    metrics = read_metrics(folder)
    _, model = load_model(folder / MODEL)
    found = answers(model, images)
    if found.accuracy != metrics.final.accuracy:
        raise InputError(
            f"{folder}: {MODEL} reaches {found.accuracy:.2f} %, {METRICS} says "
            f"{metrics.final.accuracy:.2f} %: they are not of one run; train anew"
        )
    # Judged anew, too: what the file says of the conditions proves nothing.
    judged = conditions(model, found.accuracy, len(metrics.epochs))
    metrics = metrics.model_copy(update={"conditions": judged})
    _report(metrics, model, images, found, folder)
    return metrics


def adopt(run_folder: Path, folder: Path) -> None:
    """Make ``folder`` the folder of a finished run, by copying its results (not its report)."""
    for name in (MODEL, METRICS, LOG):
        with replacing(folder / name) as new:
            shutil.copyfile(run_folder / name, new)


def identity(job: Job) -> dict[str, Any]:
    """Return what makes a job the same job, as a flat dictionary."""
    flat = asdict(job)
    return {**flat.pop("recipe"), **flat, "processes": parallel.count()}


def _refuse_links(folder: Path) -> None:
    """Raise ``InputError`` if links make one file of two that are written."""
    names = (MODEL, CHECKPOINT, METRICS, LOG, SEEDS, HTML, MARKDOWN)
    refuse_conflicts([], [folder / name for name in names])


def _refuse_another(metrics: Metrics, job: Job, folder: Path) -> None:
    finished = {**asdict(metrics.recipe), "model": metrics.model, "seed": metrics.seed}
    for key, value in finished.items():
        if identity(job)[key] != value:
            raise InputError(
                f"{folder}: holds a finished run of another training ({key} {value}, not "
                f"{identity(job)[key]}): to train anew, delete it or give another --out"
            )


def _report(
    metrics: Metrics, model: nn.Sequential, images: Images, found: Answers, folder: Path
) -> None:
    if parallel.rank() == 0:
        write_report(metrics, model, images, found, read_seeds(folder), folder)
