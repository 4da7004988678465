"""The samples that a network is trained on: listed in the spec, or in a CSV file beside it."""

import csv
import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from statistics import pstdev
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Text = Annotated[str, Field(pattern=r"^([^=\x00-\x1f][^\x00-\x1f]*)?$")]  # one line, and no formula
Name = Annotated[Text, Field(min_length=1, max_length=60)]


def _rows(value: Any) -> Any:
    """Take one list of numbers for a list of it: one sample."""
    is_flat = isinstance(value, list) and not any(isinstance(part, list) for part in value)
    return [value] if is_flat else value


class DataTable(BaseModel):
    """``[data]``: one sample or several, with their targets or their classes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: Annotated[list[list[Finite]], BeforeValidator(_rows), Field(min_length=1)]
    input_names: list[Name] | None = None
    targets: Annotated[list[list[Finite]], BeforeValidator(_rows)] | None = None
    classes: list[Name] | None = None  # of each sample, in place of targets
    class_names: Annotated[list[Name], Field(min_length=2)] | None = None  # by output
    standardise: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> "DataTable":
        _same_lengths("data.inputs", self.inputs)
        if (self.targets is None) == (self.classes is None):
            raise ValueError("data.targets: give either targets or classes, and not both")
        if self.targets is not None:
            _same_lengths("data.targets", self.targets)
            if self.class_names:
                raise ValueError("data.class_names: targets have no classes; remove one of them")
        given = len(self.inputs)
        for name in ("targets", "classes"):
            listed = getattr(self, name)
            if listed is not None and len(listed) != given:
                raise ValueError(
                    f"data.{name}: {len(listed)} samples given, data.inputs has {given}; "
                    "change one or the other"
                )
        if self.input_names and len(self.input_names) != len(self.inputs[0]):
            raise ValueError(
                f"data.input_names: {len(self.input_names)} given for {len(self.inputs[0])} inputs"
                "; name each once"
            )
        self._check_classes()
        if self.standardise:
            self._check_spread()
        return self

    def _check_classes(self) -> None:
        if self.classes is None:
            return
        found = list(dict.fromkeys(self.classes))
        for name in self.class_names or ():
            if name not in found:
                raise ValueError(
                    f"data.class_names: no sample is a {name!r}; the classes are "
                    f"{', '.join(map(repr, found[:6]))}: correct or remove it"
                )
        for name in found:
            if self.class_names and name not in self.class_names:
                raise ValueError(
                    f"data.class_names: {name!r} is missing, sample {self.classes.index(name) + 1} "
                    "is one; add it"
                )
        for k, name in enumerate(names := self.outputs):
            if name.lower() in map(str.lower, names[:k]):
                raise ValueError(
                    f"data.classes: {name!r} is there twice, and a workbook's = takes capitals and "
                    "small letters for the same; rename one"
                )
        if len(found) < 2:
            raise ValueError(
                f"data.classes: every sample is a {found[0]!r}, there is nothing to tell apart; "
                "add samples of another class"
            )

    def _check_spread(self) -> None:
        if len(self.inputs) == 1:
            raise ValueError("data.standardise: one sample has no deviation; set it to false")
        for number, column in enumerate(zip(*self.inputs, strict=True), start=1):
            if pstdev(column) <= 1e-12 * max(map(abs, column)):
                name = self.input_names[number - 1] if self.input_names else f"input {number}"
                raise ValueError(
                    f"data.standardise: {name} is {column[0]:.15g} in every sample, which cannot "
                    "be standardised; leave the input out"
                )

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.inputs)

    @property
    def is_several(self) -> bool:
        """Whether there is more than the one sample of the classic sheet."""
        return self.count > 1

    @cached_property
    def outputs(self) -> list[str]:
        """The class that each output tells of; two classes have one output, for the second."""
        if self.classes is None:
            return []
        return self.class_names or list(dict.fromkeys(self.classes))

    def target_rows(self, outputs: int) -> list[list[float]]:
        """Return each sample's targets: as given, or 1 for its class and 0 for the others.

        Raises ``ValueError`` if there are not so many outputs as targets or classes.
        """
        if self.targets is not None:
            if len(self.targets[0]) != outputs:
                raise ValueError(
                    f"data.targets: {len(self.targets[0])} values given, network.layers asks for "
                    f"{outputs}; change one or the other"
                )
            return self.targets
        told = self.told(outputs)
        return [[float(name == own) for name in told] for own in self.classes or ()]

    def told(self, outputs: int) -> list[str]:
        """Return the class whose target each of so many outputs has: of two, one may be enough."""
        names = self.outputs
        if len(names) == 2 and outputs == 1:
            return names[1:]
        if names and len(names) != outputs:
            raise ValueError(
                f"data.classes: {len(names)} classes ({', '.join(names[:6])}), network.layers asks "
                f"for {outputs} outputs; change one or the other"
            )
        return names


class CsvFile(BaseModel):
    """``[data]`` where the samples stand in a CSV file, its first row naming the columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, Field(pattern=r"^[^\x00]+$")]  # beside the spec
    inputs: Annotated[list[str], Field(min_length=1)]  # names of columns
    targets: list[str] | None = None
    class_: Annotated[str | None, Field(alias="class")] = None
    class_names: list[str] | None = None
    standardise: bool = False


def read_csv(asked: CsvFile, folder: Path) -> dict[str, Any]:
    """Return the samples of a file as ``DataTable`` takes them.

    Raises ``ValueError`` with the file, the line and the column of what is missing or no number.
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
            f"data.file: {path} is no CSV file in UTF-8 ({error}); save it as one"
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
                    f"data.file: {path} line {line}, column {place[0]!r} is {text!r}, which is no "
                    "number; correct it, or remove the line"
                )
            numbers.append(number)
        yield numbers


def _same_lengths(field: str, rows: list[list[float]]) -> None:
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]) or not row:
            raise ValueError(
                f"{field}: sample {number} has {len(row)} values, the first has {len(rows[0])}; "
                "give every sample as many"
            )
