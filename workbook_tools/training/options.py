"""The options of a training, as they are given on the command line."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from workbook_tools.errors import InputError
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.spec.problems import first_problem
from workbook_tools.spec.training import Training

_RATE = re.compile(r"^learning_rates\[\d+\]")
_WHOLE = {"span"}  # settings that are whole numbers
_OF_SAMPLES = {"over_samples"}  # keys of specs that have no meaning here


def training_of(
    rates: str,
    iterations: int,
    optimizer: Optimizer,
    schedule: Schedule,
    settings: Sequence[str],
    batch: int | None = None,
) -> Training:
    """Return a training, given texts such as ``0.1,0.5`` and ``momentum=0.8``.

    Raises ``InputError``.
    """
    content: dict[str, Any] = {
        "learning_rates": [_number("--learning-rates", text) for text in rates.split(",")],
        "iterations": iterations,
        "optimizer": optimizer,
        "schedule": schedule,
        "batch": batch,
    }
    for setting in settings:
        key, sign, text = setting.partition("=")
        if not sign or key in content or key in _OF_SAMPLES:
            raise InputError(f"--set {setting}: write it like momentum=0.8")
        value = _number(f"--set {key}", text)
        content[key] = int(value) if key in _WHOLE and value % 1 == 0 else value
    rates_given = content["learning_rates"]
    if len({*rates_given}) < len(rates_given):
        raise InputError(f"--learning-rates {rates}: list each rate once")
    try:
        return Training.model_validate(content)
    except ValidationError as error:
        problem = first_problem(error, {"training": content}).replace("training.", "--set ")
        raise InputError(_RATE.sub("--learning-rates", problem)) from error


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{option} {text}: is no number; write it like 0.5") from None
