"""What to compute: the network, its data and its training, read from a TOML spec.

Everything that can be wrong with a spec is found here, before anything is written, and said
in one line: the file, the field, the remedy.
"""

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbook_tools.errors import InputError
from workbook_tools.notation import Naming

Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
LearningRate = Annotated[float, Field(allow_inf_nan=False, strict=True, gt=0)]
Text = Annotated[str, Field(pattern=r"^([^=\x00-\x1f][^\x00-\x1f]*)?$")]  # one line, and no formula
Size = Annotated[int, Field(strict=True, ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(_Table):
    """``[network]``: layers, activation, loss."""

    layers: Annotated[list[Size], Field(min_length=2)]
    activation: Literal["sigmoid"] = "sigmoid"
    loss: Literal["half-squared-error"] = "half-squared-error"
    biases: Literal["none", "fixed", "trained"] = "none"


class Data(_Table):
    """``[data]``: the one sample that every iteration trains on."""

    inputs: list[Finite]
    targets: list[Finite]


class Start(_Table):
    """``[start]``: the parameters of iteration 1, in the order of ``notation.Naming``."""

    weights: list[Finite]
    biases: list[Finite] = []


class Training(_Table):
    """``[training]``: one sheet for each learning rate, one row for each iteration."""

    learning_rates: Annotated[list[LearningRate], Field(min_length=1)]
    iterations: Annotated[int, Field(strict=True, ge=2)]


class Experiment(_Table):
    """A whole spec, valid in itself."""

    title: Annotated[Text, Field(min_length=1, max_length=120)]
    description: Annotated[Text, Field(max_length=600)] = ""
    network: Network
    data: Data
    start: Start
    training: Training

    @model_validator(mode="after")
    def _shapes_agree(self) -> "Experiment":
        _same_length("data.inputs", self.data.inputs, self.network.layers[0])
        _same_length("data.targets", self.data.targets, self.network.layers[-1])
        _same_length("start.weights", self.start.weights, self.naming.weight_count)
        per_layer, per_unit = self.naming.bias_counts
        given = len(self.start.biases)
        if self.network.biases == "none" and given:
            raise ValueError(
                "start.biases: the network has no biases; remove the list, "
                'or set network.biases to "fixed" or "trained"'
            )
        if self.network.biases != "none" and given not in (per_layer, per_unit):
            raise ValueError(
                f"start.biases: {given} values given; give {per_layer} (one for each layer) "
                f"or {per_unit} (one for each unit)"
            )
        rates = self.training.learning_rates
        names = [sheet_name(rate) for rate in rates]
        repeated = [name for k, name in enumerate(names) if name in names[:k]]
        if repeated:
            raise ValueError(
                f"training.learning_rates: two of them would be the sheet {repeated[0]!r}; "
                "list each rate once"
            )
        return self

    @cached_property
    def naming(self) -> Naming:
        """The symbols of this network's quantities."""
        return Naming(tuple(self.network.layers), len(self.start.biases))

    @property
    def initial_values(self) -> dict[str, float]:
        """Each target, input, weight and bias of iteration 1, by symbol."""
        naming = self.naming
        weights = [f"w{k}" for k in range(1, naming.weight_count + 1)]
        biases = [f"b{k}" for k in range(1, naming.bias_count + 1)]
        return {
            **dict(zip(naming.targets, self.data.targets, strict=True)),
            **dict(zip(naming.inputs, self.data.inputs, strict=True)),
            **dict(zip(weights, self.start.weights, strict=True)),
            **dict(zip(biases, self.start.biases, strict=True)),
        }


def sheet_name(rate: float) -> str:
    """Return the name of a learning rate's sheet: ``LR 0.1``."""
    return f"LR {rate:.15g}"


def _same_length(field: str, values: list[float], expected: int) -> None:
    if len(values) != expected:
        raise ValueError(
            f"{field}: {len(values)} values given, network.layers asks for {expected}; "
            "change one or the other"
        )


def load_experiment(path: Path) -> Experiment:
    """Read and validate a spec.

    Raises ``InputError`` with the file, the field and the remedy if the file cannot be read,
    is not TOML, or describes no network that can be built.
    """
    try:
        with path.open("rb") as file:
            content: dict[str, Any] = tomllib.load(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file ({error}); mend it there") from error
    try:
        return Experiment.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    """Say the first of pydantic's complaints in one line, with the remedy."""
    problem = error.errors(include_url=False)[0]
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    field = field.removeprefix(".")
    if problem["type"] == "extra_forbidden":
        return f"{field}: unknown key; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{field}: missing; add it"
    expected = problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"{field}: {problem['input']!r} given, expected {expected}; correct the value"
