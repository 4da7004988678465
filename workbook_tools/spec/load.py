"""Reads a spec: a TOML file, and the CSV file that it names, become an experiment.

Everything that can be wrong with a spec is found here, before anything is written. The message is
one line: the file, the field, what is wrong, and the remedy.
"""

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbook_tools.errors import InputError
from workbook_tools.spec.csv_file import CsvFile, read_csv
from workbook_tools.spec.experiment import Experiment
from workbook_tools.spec.problems import first_problem
from workbook_tools.spec.sheets import variants


def load_experiment(path: Path) -> Experiment:
    """Read and validate a spec.

    Raises ``InputError`` with the file, the field and the remedy if the file cannot be read,
    is not TOML, or describes no network that can be built.
    """
    content = _content(path)
    try:
        return parse_experiment(content, path.parent)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def files_read(spec: Path) -> list[Path]:
    """Return the files that are read to build a spec: itself, and the CSV file that it names.

    Mistakes in the spec are ignored here; building it reports them.
    """
    try:
        # A pipe can be read only once, by the build.
        data = _content(spec).get("data") if os.path.isfile(spec) else None
        return [spec, spec.parent / CsvFile.model_validate(data).file]
    except (InputError, ValidationError):
        return [spec]


def _content(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file ({error}); correct it there") from error


def parse_experiment(content: dict[str, Any], folder: Path) -> Experiment:
    """Validate the content of a spec; paths in it are relative to ``folder``.

    Raises ``InputError`` with the field and the remedy.
    """
    whole = {key: value for key, value in content.items() if key != "sheet"}
    try:
        if "data" in whole:
            whole["data"] = _samples(whole["data"], folder)
        own = variants(whole, content.get("sheet", []))
        return Experiment.model_validate({**whole, "sheet": own})
    except ValidationError as error:
        raise InputError(first_problem(error, whole)) from error
    except ValueError as error:
        raise InputError(str(error)) from error


def _samples(data: Any, folder: Path) -> Any:
    """Return ``[data]``, with the samples of a CSV file instead of its name."""
    if not isinstance(data, dict) or "file" not in data:
        return data
    try:
        asked = CsvFile.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"data.{first_problem(error, {})}") from error
    return read_csv(asked, folder)
