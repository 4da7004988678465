"""A commented spec to start from, valid as it stands."""

import csv
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from workbook_tools.errors import InputError
from workbook_tools.notation.layers import layer_word, parse_layers
from workbook_tools.notation.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation, Loss, Optimizer
from workbook_tools.spec.load import parse_experiment
from workbook_tools.spec.training import OPTIMIZER_SETTINGS
from workbook_tools.texts import is_number

ITERATIONS = 50
RATES = {Optimizer.RMSPROP: 0.01, Optimizer.ADAM: 0.05, Optimizer.ADAMW: 0.05}  # else 0.5


@dataclass(frozen=True)
class Wish:
    """What the user asks for."""

    layers: str  # "4-6-3", or "image 8x8, convolution 3x3 to 2, 10"
    activations: list[str]  # empty: chosen by the loss
    loss: Loss
    optimizer: Optimizer
    data: Path | None  # a CSV file


@dataclass(frozen=True)
class _Columns:
    """How the columns of a CSV file are used."""

    inputs: list[str]
    targets: list[str]
    class_: str | None


@dataclass(frozen=True)
class _Network:
    """The layers that the user asks for."""

    words: list[int | str]  # as in a spec
    inputs: int
    outputs: int
    weighted: int  # layers with weights
    on_images: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read layers with hyphens or commas between them; raises ``InputError``."""
        parts = text.split(",") if "," in text else text.split("-")
        words = [layer_word(part.strip()) for part in parts]
        if len(words) < 2 or not ("," in text or all(isinstance(word, int) for word in words)):
            raise InputError(
                f"{text}: write the units of each layer with hyphens, inputs first, such as 4-6-3; "
                'or layers on images with commas: "image 8x8, convolution 3x3 to 2, 10"'
            )
        try:
            inputs, layers = parse_layers(words)
        except ValueError as error:
            raise InputError(f"new {text}: {error}") from error
        weighted = sum(layer.pooled is None for layer in layers)
        on_images = any(isinstance(word, str) for word in words)
        return cls(words, inputs, layers[-1].size, weighted, on_images)


def new_spec(wish: Wish) -> str:
    """Return the text of a spec, with a comment on each of its keys.

    Raises ``InputError`` if such a network cannot be built.
    """
    network = _Network.parse(wish.layers)
    text = _text(wish, network)
    try:
        parse_experiment(tomllib.loads(text), Path())
    except InputError as error:
        raise InputError(f"new {wish.layers}: {error}") from error
    return text


def _text(wish: Wish, network: _Network) -> str:
    activations = wish.activations or _activations(wish.loss, network.weighted)
    title = f"A {'-'.join(map(str, network.words))} network"
    layers, which = "inputs, hidden units …, outputs", "after the inputs"
    if network.on_images:
        title = "A convolutional network"
        layers, which = "pixels, layers on images and of units …, outputs", "with weights"
    draw = "he" if "relu" in activations[0] else "xavier"
    settings = [
        (f"# {name} = {value}", f"of {wish.optimizer}; this is the default")
        for name, value in OPTIMIZER_SETTINGS[wish.optimizer].items()
    ]
    lines = [
        (f'title = "{title}"', ""),
        ('description = ""', "a sentence for the Overview"),
        ("", ""),
        ("[network]", ""),
        (f"layers = {json.dumps(network.words)}", layers),
        (
            f"activation = {_listed(activations)}",
            f"one for all layers {which}, or for each",
        ),
        (f"# {', '.join(Activation)}", ""),
        (f'loss = "{wish.loss}"', ""),
        (f"# {', '.join(Loss)}", ""),
        ('biases = "trained"', "none, fixed or trained; one word, or a list by layer"),
        ("", ""),
        ("[data]", ""),
        *_data(wish, network),
        ("", ""),
        ("[start]", ""),
        (f'draw = "{draw}"', "xavier, he, or uniform with range = 0.5; biases are 0"),
        ("seed = 1", "another seed draws other weights"),
        ("# weights = [ … ]", "instead of draw: layer by layer, unit by unit"),
        ("", ""),
        ("[training]", ""),
        (f"learning_rates = [{RATES.get(wish.optimizer, 0.5)}]", "one sheet for each"),
        (f"iterations = {ITERATIONS}", ""),
        ("# batch = 8", "samples per iteration, in order; default: all"),
        (f'optimizer = "{wish.optimizer}"', ""),
        (f"# {', '.join(Optimizer)}", ""),
        *settings,
        ("# weight_decay = 0.001", ""),
        ('# schedule = "cosine"', "or step (factor, span), exponential (factor)"),
        (f"# span = {ITERATIONS}", "iterations until the rate is 0"),
    ]
    return "".join(
        (f"{setting:<38}  # {comment}" if comment else setting) + "\n" for setting, comment in lines
    )


def _activations(loss: Loss, layers: int) -> list[str]:
    output = CROSS_ENTROPY_OUTPUTS.get(loss)
    if output is None:
        return [Activation.SIGMOID]
    return [*([Activation.TANH] * (layers - 1)), output]


def _data(wish: Wish, network: _Network) -> list[tuple[str, str]]:
    """Return the lines of the samples, each with its comment."""
    standardised = "(input − mean) / standard deviation"
    if wish.data is None:
        inputs = [[0.0] * network.inputs, [1.0] * network.inputs]
        targets = [[float(k == n) for k in range(network.outputs)] for n in range(2)]
        return [
            (
                f"inputs = {json.dumps(inputs)}",
                "one list per sample; a single sample: a plain list",
            ),
            (f"targets = {json.dumps(targets)}", ""),
            ('# classes = ["yes", "no"]', "instead of targets: the class of each sample"),
            ("# standardise = true", standardised),
        ]
    columns = _columns(wish.data, network)
    wanted = (
        f"class = {_quoted(columns.class_)}"
        if columns.class_
        else f"targets = {_listed(columns.targets)}"
    )
    return [
        (f"file = {_quoted(wish.data.as_posix())}", "relative to the folder of this spec"),
        (f"inputs = {_listed(columns.inputs)}", "names of columns"),
        (wanted, ""),
        # A pixel that is blank in every image has no standard deviation.
        ("# " * network.on_images + "standardise = true", standardised),
    ]


def _columns(path: Path, network: _Network) -> _Columns:
    """Use the first columns of numbers as inputs, and the last text as the class.

    Without a column of text, the next columns of numbers are the targets.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = [name.strip() for name in next(rows, [])]
            first = next(rows, [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); check the name") from error
    if len(first) != len(header) or not header:
        raise InputError(f"{path}: has no header with a sample below it; add them")
    texts = [name for name, value in zip(header, first, strict=True) if not is_number(value)]
    numbers = [name for name in header if name not in texts]
    inputs, targets = network.inputs, network.outputs
    if len(numbers) < inputs or not (texts or len(numbers) >= inputs + targets):
        raise InputError(
            f"{path}: {len(numbers)} columns of numbers and {len(texts)} of text; a network with "
            f"{inputs} inputs and {targets} outputs needs {inputs} and a class, or "
            f"{inputs + targets}: give other layers, or other columns"
        )
    class_ = texts[-1] if texts else None
    return _Columns(numbers[:inputs], numbers[inputs : inputs + targets], class_)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _listed(names: list[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"
