"""What to compute: the network, its data and its training, read from a TOML spec.

Everything that can be wrong with a spec is found here, before anything is written, and said
in one line: the file, the field, the remedy.
"""

import os
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from workbook_tools.errors import InputError
from workbook_tools.notation.layers import parse_layers
from workbook_tools.notation.quantities import AVERAGED, SAMPLE_COUNT, Naming
from workbook_tools.notation.vocabulary import (
    CROSS_ENTROPY_OUTPUTS,
    Activation,
    Loss,
    Optimizer,
    Schedule,
)
from workbook_tools.spec.data import CsvFile, DataTable, Text, read_csv
from workbook_tools.spec.start import Start

LearningRate = Annotated[float, Field(allow_inf_nan=False, strict=True, gt=0)]
Size = Annotated[int, Field(strict=True, ge=1)]


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


def _size_or_words(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Leave the words for a layer to ``parse_layers``; they are no bad number."""
    return value if isinstance(value, str) else check(value)


Biases = Literal["none", "fixed", "trained"]
LayerWords = Annotated[Size, WrapValidator(_size_or_words)]  # or a text


class Network(_Table):
    """``[network]``: layers, activations, loss."""

    layers: Annotated[list[LayerWords], Field(min_length=2)]
    activation: Annotated[list[Activation], BeforeValidator(_listed)] = [Activation.SIGMOID]
    loss: Loss = Loss.HALF_SQUARED_ERROR
    biases: Annotated[list[Biases], BeforeValidator(_listed)] = ["none"]
    gradients: Literal["expanded", "delta"] | None = None
    gradient_sizes: bool = False  # a column for each layer: how large its gradient is

    @cached_property
    def naming(self) -> Naming:
        """The symbols of its quantities, without biases."""
        return Naming.of_layers(*parse_layers(self.layers))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many units each layer has, inputs first."""
        return self.naming.sizes

    @property
    def activations(self) -> list[Activation]:
        """The activation of each layer that has weights."""
        layers = len(self.naming.weighted_layers)
        return self.activation * layers if len(self.activation) == 1 else self.activation

    def activation_of(self, layer: int) -> Activation:
        """Return the activation of a layer with weights, counted from 1."""
        return self.activations[self.naming.weighted_layers.index(layer)]

    @property
    def bias_kinds(self) -> list[Biases]:
        """What biases each layer that has weights has."""
        layers = len(self.naming.weighted_layers)
        return self.biases * layers if len(self.biases) == 1 else self.biases

    def biases_of(self, layer: int) -> Biases:
        """Return what biases a layer has, counted from 1."""
        weighted = self.naming.weighted_layers
        return self.bias_kinds[weighted.index(layer)] if layer in weighted else "none"

    @property
    def biased_layers(self) -> list[int]:
        """The layers that have biases, counted from 1."""
        return [layer for layer in self.naming.layers if self.biases_of(layer) != "none"]

    @model_validator(mode="after")
    def _fits_together(self) -> "Network":
        try:
            layers = len(self.naming.weighted_layers)
        except ValueError as error:
            raise ValueError(f"network.layers: {error}") from error
        which = "with weights" if self.naming.on_images else "after the inputs"
        for name, listed in (("activation", self.activations), ("biases", self.bias_kinds)):
            if len(listed) != layers:
                raise ValueError(
                    f"network.{name}: {len(listed)} given, network.layers asks for "
                    f"{layers}; give one for each layer {which}, or one word for all"
                )
        *hidden, output = self.activations
        if Activation.SOFTMAX in hidden:
            raise ValueError(
                "network.activation: softmax on a hidden layer ties its units together, which no "
                "other layer here does; take it for the outputs only"
            )
        if output is Activation.SOFTMAX and self.sizes[-1] == 1:
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
        if self.gradients == "expanded" and self.naming.on_images:
            raise ValueError(
                'network.gradients: "expanded" spells gradients out, which are too long where '
                'many units share a weight; take "delta"'
            )
        if self.gradients == "expanded" and layers > 2:
            raise ValueError(
                'network.gradients: "expanded" spells gradients out, which grows with every '
                'layer; take "delta" with more than one hidden layer'
            )
        return self


Part = Annotated[float, Field(allow_inf_nan=False, strict=True, ge=0, lt=1)]


class Training(_Table):
    """``[training]``: one sheet for each learning rate, one row for each iteration.

    The settings of optimizers and schedules are optional; their defaults are PyTorch's.
    """

    learning_rates: Annotated[list[LearningRate], Field(min_length=1)]
    iterations: Annotated[int, Field(strict=True, ge=2)]
    batch: Size | None = None  # samples an iteration, in the order of the data; by default all
    over_samples: Literal["averaged", "summed"] = AVERAGED  # what gradients and losses are
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
    data: DataTable
    start: Start
    training: Training
    variants: Annotated[dict[str, "Experiment"], Field(alias="sheet")] = {}  # by the sheet's name

    @model_validator(mode="after")
    def _shapes_agree(self) -> "Experiment":
        inputs, asked = len(self.data.inputs[0]), self.network.sizes[0]
        if inputs != asked:
            raise ValueError(
                f"data.inputs: {inputs} values given, network.layers asks for {asked}; "
                "change one or the other"
            )
        targets = self.data.target_rows(self.network.sizes[-1])
        for number, row in enumerate(targets, start=1):
            of = f" sample {number}:" if self.data.is_several else ""
            _probable(f"data.targets:{of}", row, self.network.loss)
        if self.data.is_several and self.network.gradients == "expanded":
            raise ValueError(
                'network.gradients: "expanded" spells out the gradients of one sample, and there '
                'are several; take "delta"'
            )
        if self.training.batch and self.training.batch > self.data.count:
            raise ValueError(
                f"training.batch: {self.training.batch} samples an iteration, and there are "
                f"{self.data.count}; give at most so many"
            )
        self._check_start()
        names = [run.name for run in self.runs]
        repeated = [name for k, name in enumerate(names) if name in names[:k]]
        if repeated:
            raise ValueError(
                f"training.learning_rates: two of them would be the sheet {repeated[0]!r}; "
                "list each rate once"
            )
        return self

    def _check_start(self) -> None:
        weights = self.start.weights
        if weights is not None and len(weights) != self.naming.weight_count:
            raise ValueError(
                f"start.weights: {len(weights)} values given, network.layers asks for "
                f"{self.naming.weight_count}; change one or the other"
            )

    @cached_property
    def naming(self) -> Naming:
        """The symbols of this network's quantities."""
        bare, having = self.network.naming, self.network.biased_layers
        given = self.start.biases
        if not having:
            if given:
                raise ValueError(
                    "start.biases: the network has no biases; remove the list, "
                    'or set network.biases to "fixed" or "trained"'
                )
            return bare
        count = sum(bare.kinds[layer - 1].bias_count for layer in having)
        if given is None and self.start.draw is None:
            given = []
        try:
            return bare.with_biases(count if given is None else len(given), having)
        except ValueError as fitting:
            raise ValueError(
                f"start.biases: {len(given or ())} values given; give {fitting}"
            ) from fitting

    @property
    def has_delta_columns(self) -> bool:
        """Whether gradients go through columns δ.

        They do where that is asked for, with more than one hidden layer, with several samples,
        and where units share weights.
        """
        deep = len(self.network.layers) > 3 or bool(self.naming.on_images)
        return self.network.gradients == "delta" or deep or self.data.is_several

    @property
    def is_classic(self) -> bool:
        """Whether the network is that of the classic sheet: spelled as people know it."""
        return (
            set(self.network.activations) == {Activation.SIGMOID}
            and self.network.loss is Loss.HALF_SQUARED_ERROR
            and not self.has_delta_columns
        )

    @property
    def batch(self) -> int:
        """How many samples an iteration has: so many rows of a sheet."""
        return self.training.batch or self.data.count

    @property
    def tells_classes(self) -> bool:
        """Whether an output says yes or no to a class, so that an answer is right or wrong."""
        if self.network.activations[-1] not in CROSS_ENTROPY_OUTPUTS.values():
            return False
        rows = self.data.target_rows(self.network.sizes[-1])
        one_hot = self.network.activations[-1] is Activation.SOFTMAX
        return all(set(row) <= {0.0, 1.0} and (not one_hot or sum(row) == 1) for row in rows)

    @property
    def settings(self) -> dict[str, float]:
        """The numbers beside η that a sheet's formulas read, by symbol."""
        count = {SAMPLE_COUNT: self.data.count} if self.data.is_several else {}
        return {**self.training.settings, **count}

    @property
    def initial_values(self) -> dict[str, float]:
        """Each weight and bias of iteration 1 and, of one sample, target and input, by symbol."""
        naming = self.naming
        symbols: list[str] = []
        values: list[float] = []
        if not self.data.is_several:
            symbols += naming.targets + naming.inputs
            values += self.data.target_rows(naming.sizes[-1])[0] + self.data.inputs[0]
        symbols += naming.all_weights + naming.all_biases
        values += self.start.weights_for(naming)
        values += self.start.biases or [0.0] * naming.bias_count
        return dict(zip(symbols, values, strict=True))

    @cached_property
    def runs(self) -> list["Run"]:
        """The trainings, one sheet each: of every learning rate, or every ``[[sheet]]``."""
        if self.variants:
            return [
                Run(name, variant, variant.training.learning_rates[0])
                for name, variant in self.variants.items()
            ]
        return [Run(f"LR {r:.15g}", self, r) for r in self.training.learning_rates]


@dataclass(frozen=True)
class Run:
    """One training on a sheet of its own."""

    name: str  # of the sheet
    experiment: Experiment
    rate: float


def _probable(where: str, targets: list[float], loss: Loss) -> None:
    """Refuse targets that are no probabilities, where the loss compares probabilities."""
    if loss not in CROSS_ENTROPY_OUTPUTS:
        return
    if not all(0 <= target <= 1 for target in targets):
        raise ValueError(f"{where} {loss} needs targets from 0 to 1; correct the values")
    if loss is Loss.CATEGORICAL_CROSS_ENTROPY and abs(sum(targets) - 1) > 1e-9:
        raise ValueError(
            f"{where} {loss} needs targets that add up to 1, such as one 1 and zeros; "
            f"these add up to {sum(targets):.15g}"
        )


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
    """Return what is read to build a spec: itself, and the CSV file that it names.

    Whatever is wrong with it is said when it is built.
    """
    try:
        data = _content(spec).get("data") if os.path.isfile(spec) else None  # a pipe is read once
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
        raise InputError(f"{path}: not a TOML file ({error}); mend it there") from error


def parse_experiment(content: dict[str, Any], folder: Path) -> Experiment:
    """Validate the content of a spec; a CSV file that it names is looked for in ``folder``.

    Raises ``InputError`` with the field and the remedy.
    """
    whole = {key: value for key, value in content.items() if key != "sheet"}
    try:
        if "data" in whole:
            whole["data"] = _samples(whole["data"], folder)
        variants = _variants(whole, content.get("sheet", []))
        return Experiment.model_validate({**whole, "sheet": variants})
    except ValidationError as error:
        raise InputError(_first_problem(error, whole)) from error
    except ValueError as error:
        raise InputError(str(error)) from error


def _samples(data: Any, folder: Path) -> Any:
    """Return what ``[data]`` says, with the samples of a CSV file in place of the file."""
    if not isinstance(data, dict) or "file" not in data:
        return data
    try:
        asked = CsvFile.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"data.{_first_problem(error, {})}") from error
    return read_csv(asked, folder)


_SHEET_NAME = re.compile(r"[^\[\]:*?/\\\x00-\x1f']{1,31}")
_SAME_EVERYWHERE = {"layers", "biases", "gradient_sizes", "iterations"}


def _variants(content: dict[str, Any], sheets: Any) -> dict[str, Any]:
    """Return the spec of each ``[[sheet]]``: the whole one, with the sheet's own words put in."""
    if not isinstance(sheets, list) or not all(isinstance(own, dict) for own in sheets):
        raise ValueError("sheet: write each sheet as a table of its own, headed [[sheet]]")
    found: dict[str, Any] = {}
    for number, own in enumerate(sheets, start=1):
        name = own.get("name")
        if not isinstance(name, str) or not _SHEET_NAME.fullmatch(name):
            raise ValueError(
                f"sheet[{number}].name: {name!r} given, expected up to 31 characters without "
                "[ ] : * ? / \\ or '; correct the value"
            )
        if name.lower() in {"overview", "data", *map(str.lower, found)}:
            raise ValueError(f"sheet[{number}].name: {name!r} is taken already; choose another")
        merged = {**content, "network": dict(content.get("network", {}))}
        merged["training"] = dict(content.get("training", {}))
        for key, value in own.items():
            part = next((p for p, k in _PARTS.items() if key in k.model_fields), None)
            if key == "name":
                continue
            if part is None or key in _SAME_EVERYWHERE:
                raise ValueError(
                    f"sheet[{number}].{key}: not something that one sheet can have to itself; "
                    "remove it"
                )
            merged[part][key] = value
        rates = merged["training"].get("learning_rates")
        if isinstance(rates, list) and len(rates) > 1:
            raise ValueError(
                f"sheet[{number}].learning_rates: {len(rates)} given for one sheet; give one"
            )
        found[name] = merged
    return found


_PARTS: dict[str, type[_Table]] = {"network": Network, "training": Training}


def _first_problem(error: ValidationError, content: dict[str, Any]) -> str:
    """Say the first of pydantic's complaints about a spec in one line, with the remedy."""
    problem = error.errors(include_url=False)[0]
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    location = problem["loc"]
    if location[:1] == ("sheet",):
        location = (f"sheet {location[1]!r}", *location[2:])
    if location[:1] == ("data",) and len(location) == 4:
        listed = content["data"][location[1]]
        if not any(isinstance(part, list) for part in listed):  # one sample, given flat
            location = (*location[:2], location[3])
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    field = field.removeprefix(".")
    if problem["type"] == "extra_forbidden":
        return f"{field}: unknown key; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{field}: missing; add it"
    expected = problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"{field}: {problem['input']!r} given, expected {expected}; correct the value"
