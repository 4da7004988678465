"""What to compute: the network, its data and its training, read from a TOML spec.

Everything that can be wrong with a spec is found here, before anything is written, and said
in one line: the file, the field, the remedy.
"""

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from workbook_tools.errors import InputError
from workbook_tools.notation import Naming
from workbook_tools.vocabulary import Activation, Loss, Optimizer, Schedule

Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
LearningRate = Annotated[float, Field(allow_inf_nan=False, strict=True, gt=0)]
Text = Annotated[str, Field(pattern=r"^([^=\x00-\x1f][^\x00-\x1f]*)?$")]  # one line, and no formula
Size = Annotated[int, Field(strict=True, ge=1)]


CROSS_ENTROPY_OUTPUTS = {
    Loss.BINARY_CROSS_ENTROPY: Activation.SIGMOID,
    Loss.CATEGORICAL_CROSS_ENTROPY: Activation.SOFTMAX,
}
OPTIMIZER_SETTINGS: dict[Optimizer, dict[str, float]] = {
    Optimizer.GRADIENT_DESCENT: {},
    Optimizer.MOMENTUM: {"momentum": 0.9},
    Optimizer.NESTEROV: {"momentum": 0.9},
    Optimizer.RMSPROP: {"smoothing": 0.99, "epsilon": 1e-8},
    Optimizer.ADAM: {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    Optimizer.ADAMW: {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
}
SCHEDULE_SETTINGS: dict[Schedule, tuple[str, ...]] = {
    Schedule.CONSTANT: (),
    Schedule.STEP: ("factor", "span"),
    Schedule.EXPONENTIAL: ("factor",),
    Schedule.COSINE: ("span",),
}
SETTING_SYMBOLS = {
    "momentum": "μ",
    "smoothing": "α",
    "beta1": "β1",
    "beta2": "β2",
    "epsilon": "ε",
    "factor": "γ",
    "span": "span",
}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _listed(value: Any) -> Any:
    """Take one word for a list of it."""
    return [value] if isinstance(value, str) else value


class Network(_Table):
    """``[network]``: layers, activations, loss."""

    layers: Annotated[list[Size], Field(min_length=2)]
    activation: Annotated[list[Activation], BeforeValidator(_listed)] = [Activation.SIGMOID]
    loss: Loss = Loss.HALF_SQUARED_ERROR
    biases: Literal["none", "fixed", "trained"] = "none"
    gradients: Literal["expanded", "delta"] | None = None

    @property
    def activations(self) -> list[Activation]:
        """The activation of each layer after the inputs."""
        layers = len(self.layers) - 1
        return self.activation * layers if len(self.activation) == 1 else self.activation

    @model_validator(mode="after")
    def _fits_together(self) -> "Network":
        layers = len(self.layers) - 1
        if len(self.activations) != layers:
            raise ValueError(
                f"network.activation: {len(self.activations)} given, network.layers asks for "
                f"{layers}; give one for each layer after the inputs, or one word for all"
            )
        *hidden, output = self.activations
        if Activation.SOFTMAX in hidden:
            raise ValueError(
                "network.activation: softmax on a hidden layer ties its units together, which no "
                "other layer here does; take it for the outputs only"
            )
        if output is Activation.SOFTMAX and self.layers[-1] == 1:
            raise ValueError(
                "network.activation: softmax of a single output is always 1; give two outputs, or "
                "take sigmoid"
            )
        needed = CROSS_ENTROPY_OUTPUTS.get(self.loss)
        if needed and output is not needed:
            raise ValueError(
                f"network.loss: {self.loss} needs {needed} outputs, which say probabilities; "
                f"{output} given: change one or the other"
            )
        if output is Activation.SOFTMAX and not needed:
            raise ValueError(
                f"network.loss: softmax outputs with {self.loss} learn badly, since a wrong but "
                f"sure output hardly moves; take {Loss.CATEGORICAL_CROSS_ENTROPY}"
            )
        if self.gradients == "expanded" and layers > 2:
            raise ValueError(
                'network.gradients: "expanded" spells gradients out, which grows with every '
                'layer; take "delta" with more than one hidden layer'
            )
        return self

    @property
    def is_classic(self) -> bool:
        """Whether this is the network of the classic sheet: spelled as people know it."""
        return (
            set(self.activations) == {Activation.SIGMOID}
            and self.loss is Loss.HALF_SQUARED_ERROR
            and not self.has_delta_columns
        )

    @property
    def has_delta_columns(self) -> bool:
        """Whether gradients go through columns δ: where asked for, or with more hidden layers."""
        return self.gradients == "delta" or len(self.layers) > 3


class Data(_Table):
    """``[data]``: the one sample that every iteration trains on."""

    inputs: list[Finite]
    targets: list[Finite]


class Start(_Table):
    """``[start]``: the parameters of iteration 1, in the order of ``notation.Naming``."""

    weights: list[Finite]
    biases: list[Finite] = []


Part = Annotated[float, Field(allow_inf_nan=False, strict=True, ge=0, lt=1)]


class Training(_Table):
    """``[training]``: one sheet for each learning rate, one row for each iteration.

    The settings of optimizers and schedules are optional; their defaults are PyTorch's.
    """

    learning_rates: Annotated[list[LearningRate], Field(min_length=1)]
    iterations: Annotated[int, Field(strict=True, ge=2)]
    optimizer: Optimizer = Optimizer.GRADIENT_DESCENT
    momentum: Part | None = None
    smoothing: Part | None = None
    beta1: Part | None = None
    beta2: Part | None = None
    epsilon: LearningRate | None = None
    weight_decay: Annotated[float, Field(allow_inf_nan=False, strict=True, ge=0)] = 0.0
    schedule: Schedule = Schedule.CONSTANT
    factor: Annotated[float, Field(allow_inf_nan=False, strict=True, gt=0, le=1)] | None = None
    span: Annotated[int, Field(strict=True, ge=1)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Training":
        own = {*OPTIMIZER_SETTINGS[self.optimizer], *SCHEDULE_SETTINGS[self.schedule]}
        for settings in (*OPTIMIZER_SETTINGS.values(), *SCHEDULE_SETTINGS.values()):
            for name in settings:
                if name not in own and getattr(self, name) is not None:
                    raise ValueError(
                        f"training.{name}: neither {self.optimizer} nor a {self.schedule} "
                        f"schedule has it; remove it, or take another"
                    )
        for name in SCHEDULE_SETTINGS[self.schedule]:
            if getattr(self, name) is None:
                raise ValueError(f"training.{name}: missing; a {self.schedule} schedule needs it")
        if self.schedule is Schedule.COSINE and (self.span or 0) < self.iterations:
            raise ValueError(
                f"training.span: the rate reaches zero after {self.span} iterations, and there "
                f"are {self.iterations}; give at least {self.iterations}"
            )
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it is w − η ∂E/∂w, with the same η from first to last."""
        plain = self.optimizer is Optimizer.GRADIENT_DESCENT and not self.weight_decay
        return plain and self.schedule is Schedule.CONSTANT

    @property
    def settings(self) -> dict[str, float]:
        """The numbers beside η that the formulas read, by symbol."""
        found: dict[str, float] = {}
        for name, default in OPTIMIZER_SETTINGS[self.optimizer].items():
            given = getattr(self, name)
            found[SETTING_SYMBOLS[name]] = default if given is None else given
        if self.weight_decay:
            found["λ"] = self.weight_decay
        for name in SCHEDULE_SETTINGS[self.schedule]:
            found[SETTING_SYMBOLS[name]] = getattr(self, name)
        return found


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
        _probable("data.targets", self.data.targets, self.network.loss)
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


def _probable(field: str, targets: list[float], loss: Loss) -> None:
    """Refuse targets that are no probabilities, where the loss compares probabilities."""
    if loss not in CROSS_ENTROPY_OUTPUTS:
        return
    if not all(0 <= target <= 1 for target in targets):
        raise ValueError(f"{field}: {loss} needs targets from 0 to 1; correct the values")
    if loss is Loss.CATEGORICAL_CROSS_ENTROPY and abs(sum(targets) - 1) > 1e-9:
        raise ValueError(
            f"{field}: {loss} needs targets that add up to 1, such as one 1 and zeros; "
            f"these add up to {sum(targets):.15g}"
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
