"""Files with weights: written whole or not at all, and read without running any code in them.

``model.pt`` is a finished network; ``checkpoint.pt`` is a training in progress. Both are
dictionaries of tensors, numbers and texts; nothing else is loaded (``weights_only``).
"""

import io
import pickle
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnn import parallel
from cnn.model import build
from workbook_tools.errors import InputError
from workbook_tools.package.files import replacing

MODEL, PROGRESS = "workbook_tools cnn model 1", "workbook_tools cnn checkpoint 1"


def save_model(model: nn.Sequential, name: str, path: Path) -> None:
    """Write a finished network: its name, its shape and its weights.

    Raises ``InputError`` if the file cannot be written.
    """
    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    dropout = next(layer.p for layer in model if isinstance(layer, nn.Dropout))
    weights = {key: value.cpu().contiguous() for key, value in model.state_dict().items()}
    document = {
        "format": MODEL,
        "model": name,
        "channels": [layer.out_channels for layer in convolutions],
        "dropout": dropout,
        "weights": weights,
    }
    _save(document, path)


def load_model(path: Path) -> tuple[str, nn.Sequential]:
    """Return the name of a finished network, and the network in evaluation mode.

    Raises ``InputError`` if the file is missing, truncated or of another kind, if its weights do
    not fit its shape or are not finite, or if there is code in it.
    """
    document = _load(path, MODEL)
    try:
        a, b, c, d, e = (int(width) for width in document["channels"])
        if min(a, b, c, d, e) < 1:
            raise ValueError("a convolution without channels")
        model = build((a, b, c, d, e), float(document["dropout"]))
        model.load_state_dict(document["weights"])
        name = str(document["model"])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{path}: not the weights of a network of this family "
            f"({str(error).splitlines()[0]}); give a model.pt that python -m cnn train wrote"
        ) from error
    if not all(value.isfinite().all() for value in model.state_dict().values()):
        raise InputError(f"{path}: some weights are not finite (NaN or infinity); train again")
    return name, model.eval()


@dataclass(frozen=True)
class State:
    """The state of a training: everything that changes in it."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: nn.Module
    difficulty: nn.Module

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors and numbers."""
        return {name: part.state_dict() for name, part in vars(self).items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` has returned."""
        for name, part in vars(self).items():
            part.load_state_dict(state[name])


@dataclass
class Checkpoint:
    """The progress of a training, saved in ``path``; with None nothing is saved.

    ``job`` identifies the training; a file of another job is refused.
    """

    path: Path | None
    job: dict[str, Any]
    resume: bool = False

    def restore(self, state: State) -> list[dict[str, Any]]:
        """Restore what was saved into ``state``; return the log so far.

        The log is empty if nothing was saved, or nothing is to be resumed. Raises ``InputError`` if
        the file cannot be used.
        """
        if not self.resume or self.path is None or not self.path.exists():
            return []
        document = _load(self.path, PROGRESS)
        for key, wanted in self.job.items():
            kept = document.get("job", {}).get(key)
            if kept != wanted:
                raise InputError(
                    f"{self.path}: the checkpoint is of another training ({key} {kept}, not "
                    f"{wanted}); ask for the same, leave out --resume, or give another --out"
                )
        try:
            state.load_state_dict(document["state"])
            log: list[dict[str, Any]] = document["log"]
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise InputError(
                f"{self.path}: the checkpoint does not fit ({str(error).splitlines()[0]}); "
                "leave out --resume to train from the start"
            ) from error
        return log

    def keep(self, state: State, log: list[Any]) -> None:
        """Save the state after the last epoch of ``log``; only the first process does this."""
        if self.path is None or parallel.rank() > 0:
            return
        document = {
            "format": PROGRESS,
            "job": self.job,
            "state": state.state_dict(),
            "log": [asdict(row) for row in log],
        }
        _save(document, self.path)

    def remove(self) -> None:
        """Remove the file when the training is finished and its results are saved elsewhere."""
        if self.path is not None and parallel.rank() == 0:
            self.path.unlink(missing_ok=True)


def _save(document: dict[str, Any], path: Path) -> None:
    # First into memory, since torch reports a full disk as an internal error.
    whole = io.BytesIO()
    torch.save(document, whole)
    with replacing(path) as new:
        new.write_bytes(whole.getbuffer())


def _load(path: Path, kind: str) -> dict[str, Any]:
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); give a file that "
            "python -m cnn train wrote"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about a foreign file before it fails
            document = torch.load(content, map_location="cpu", weights_only=True)
    # The exception that torch raises depends on where a file is damaged.
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError, KeyError) as error:
        raise InputError(
            f"{path}: not a file of weights, cut off, or with code in it (which is not run); give "
            "a file that python -m cnn train wrote"
        ) from error
    if not isinstance(document, dict) or document.get("format") != kind:
        raise InputError(f"{path}: not a {kind!r} file; give one that python -m cnn train wrote")
    return document
