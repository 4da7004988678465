"""Samples in a CSV file beside the spec; its first row names the columns."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from workbook_tools.spec.fields import Table


class CsvFile(Table):
    """``[data]`` with the samples in a CSV file."""

    file: Annotated[str, Field(pattern=r"^[^\x00]+$")]  # relative to the folder of the spec
    inputs: Annotated[list[str], Field(min_length=1)]  # names of columns
    targets: list[str] | None = None
    class_: Annotated[str | None, Field(alias="class")] = None
    class_names: list[str] | None = None
    standardise: bool = False


def read_csv(asked: CsvFile, folder: Path) -> dict[str, Any]:
    """Return the samples of a file in the form that ``DataTable`` takes.

    Raises ``ValueError`` with the file, line and column of a value that is missing or not a number.
    """
    path = folder / asked.file
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except OSError as error:
        raise ValueError(
            f"data.file: {path} cannot be read ({error.strerror}); check the name"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"data.file: {path} is not a CSV file in UTF-8 ({error}); save it as one"
        ) from error
    if not rows:
        raise ValueError(f"data.file: {path} has no samples below its header; add some")
    columns = {name: _column(header, name, path) for name in _asked_columns(asked)}
    found: dict[str, Any] = {
        "inputs": list(_numbers(rows, [(n, columns[n]) for n in asked.inputs], path)),
        "input_names": list(asked.inputs),
        "standardise": asked.standardise,
    }
    if asked.targets is not None:
        found["targets"] = list(_numbers(rows, [(n, columns[n]) for n in asked.targets], path))
    if asked.class_ is not None:
        place = (asked.class_, columns[asked.class_])
        found["classes"] = [_cell(row, place, line, path) for line, row in rows]
    if asked.class_names is not None:
        found["class_names"] = asked.class_names
    return found


def _asked_columns(asked: CsvFile) -> list[str]:
    return [*asked.inputs, *(asked.targets or ()), *([asked.class_] if asked.class_ else ())]


def _column(header: list[str], name: str, path: Path) -> int:
    if header.count(name) == 1:
        return header.index(name)
    if name in header:
        raise ValueError(f"data.file: {path} has more than one column {name!r}; rename one")
    raise ValueError(
        f"data.inputs: {path} has no column {name!r}; its columns are {', '.join(header[:12])}"
    )


def _cell(row: list[str], place: tuple[str, int], line: int, path: Path) -> str:
    name, column = place
    text = row[column].strip() if column < len(row) else ""
    if not text:
        raise ValueError(
            f"data.file: {path} line {line}, column {name!r} is empty; fill it in, or remove the "
            "line"
        )
    return text


def _numbers(
    rows: list[tuple[int, list[str]]], places: list[tuple[str, int]], path: Path
) -> Iterator[list[float]]:
    for line, row in rows:
        numbers = []
        for place in places:
            text = _cell(row, place, line, path)
            try:
                number = float(text)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise ValueError(
                    f"data.file: {path} line {line}, column {place[0]!r} is {text!r}, which is not "
                    "a number; correct it, or remove the line"
                )
            numbers.append(number)
        yield numbers
