from itertools import pairwise
from pathlib import Path

import pytest

from workbook_tools.errors import InputError
from workbook_tools.spec.load import load_experiment
from workbook_tools.writing.layout import Book
from workbook_tools.writing.limits import check_limits

GOOD = """
title = "test"
[network]
layers = [2, 2, 2]
[data]
inputs = [0.05, 0.10]
targets = [0.5, 0.5]
[start]
weights = [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55]
[training]
learning_rates = [0.1]
iterations = 68
"""


def load(folder: Path, text: str) -> Book:
    spec = folder / "spec.toml"
    spec.write_text(text, encoding="utf-8")
    book = Book(load_experiment(spec))
    check_limits(book)
    return book


def test_a_good_spec_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).experiment.training.iterations == 68


@pytest.mark.parametrize(
    ("good", "bad", "field", "remedy"),
    [
        ('title = "test"', 'titel = "test"', "title", "missing; add it"),
        ("[data]", "[data]\ncolour = 1", "data.colour", "unknown key"),
        ('title = "test"', 'title = "test"\nvariants = {}', "variants", "unknown key"),
        ("[training]", "[training]\nfoo = 0.9", "training.foo", "unknown key"),
        ("[training]", "[training]\nmomentum = 0.9", "training.momentum", "remove it"),
        ("[training]", '[training]\noptimizer = "sgd"', "training.optimizer", "'momentum'"),
        ("[training]", '[training]\nschedule = "step"', "training.factor", "needs it"),
        (
            "[training]",
            '[training]\nschedule = "cosine"\nspan = 9',
            "training.span",
            "at least 68",
        ),
        ("[training]", "[training]\nweight_decay = -1", "training.weight_decay", "equal to 0"),
        (
            "[data]",
            'activation = ["relu", "relu", "tanh"]\n[data]',
            "network.activation",
            "one for each layer",
        ),
        (
            "[data]",
            'activation = ["softmax", "sigmoid"]\n[data]',
            "network.activation",
            "for the outputs only",
        ),
        (
            "layers = [2, 2, 2]",
            'layers = [2, 1]\nactivation = "softmax"',
            "network.activation",
            "give two outputs",
        ),
        ("[data]", 'activation = "relux"\n[data]', "network.activation[0]: 'relux'", "'relu'"),
        (
            "[data]",
            'activation = ["relu", "softmax"]\n[data]',
            "network.loss",
            "categorical-cross-entropy",
        ),
        (
            "[data]",
            'loss = "binary-cross-entropy"\nactivation = "tanh"\n[data]',
            "network.loss",
            "sigmoid",
        ),
        ("layers = [2, 2, 2]", 'layers = "2-2-2"', "network.layers", "expected"),
        ("layers = [2, 2, 2]", "layers = [2, 0, 2]", "network.layers[1]", "expected"),
        ("layers = [2, 2, 2]", "layers = [2]", "network.layers", "at least 2"),
        (
            "layers = [2, 2, 2]",
            'layers = ["image 1x2", "convolution 2x2 to 1", 2]',
            "network.layers",
            "kernel larger than its 1x2 images; make it smaller",
        ),
        (
            "layers = [2, 2, 2]",
            'layers = ["image 2x2", "max pooling 2x2", 2]',
            "data.inputs",
            "2 values given, network.layers asks for 4",
        ),
        (
            "layers = [2, 2, 2]",
            'layers = ["image 1x2", "max pooling 1x2", 2]\nactivation = ["relu", "sigmoid"]',
            "network.activation: 2 given",
            "one for each layer with weights",
        ),
        (
            "layers = [2, 2, 2]",
            'layers = ["image 1x2", "convolution 1x1 to 1", 2]\ngradients = "expanded"',
            "network.gradients",
            'use "delta"',
        ),
        ("layers = [2, 2, 2]", "layers = [2, 3, 2]", "start.weights", "change one"),
        ("inputs = [0.05, 0.10]", "inputs = [0.05]", "data.inputs", "change one"),
        ("targets = [0.5, 0.5]", "targets = [0.5, nan]", "data.targets[1]", "finite"),
        ("targets = [0.5, 0.5]", 'targets = [0.5, "x"]', "data.targets[1]", "number"),
        ("0.15,", "inf,", "start.weights[0]", "finite"),
        ("learning_rates = [0.1]", "learning_rates = [0]", "training.learning_rates[0]", "greater"),
        (
            "learning_rates = [0.1]",
            "learning_rates = [-1]",
            "training.learning_rates[0]",
            "greater",
        ),
        (
            "learning_rates = [0.1]",
            "learning_rates = [nan]",
            "training.learning_rates[0]",
            "finite",
        ),
        ("learning_rates = [0.1]", "learning_rates = []", "training.learning_rates", "at least 1"),
        ("learning_rates = [0.1]", "learning_rates = [1, 1.0]", "learning_rates", "each rate once"),
        ("iterations = 68", "iterations = 1.5", "training.iterations", "integer"),
        ("iterations = 68", "iterations = 1048546", "training.iterations", "at most 1,048,545"),
        ("[data]", 'biases = "fixed"\n[data]', "start.biases", "one for each layer"),
        ("[training]", "biases = [1.0]\n[training]", "start.biases", "remove the list"),
        ("[data]", "[data", "not a TOML file", "correct it"),
        ('"test"', '"=1+1"', "title", "pattern"),
        ('"test"', '"a\\u0001b"', "title", "pattern"),
    ],
)
def test_a_bad_spec_is_refused_in_one_line_with_field_and_remedy(
    tmp_path: Path, good: str, bad: str, field: str, remedy: str
) -> None:
    assert good in GOOD
    with pytest.raises(InputError) as refusal:
        load(tmp_path, GOOD.replace(good, bad))
    message = str(refusal.value)
    assert field in message
    assert remedy in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("loss", "output", "targets", "remedy"),
    [
        ("categorical-cross-entropy", "softmax", "[0.5, 0.6]", "add up to 1"),
        ("categorical-cross-entropy", "softmax", "[-0.5, 1.5]", "from 0 to 1"),
        ("binary-cross-entropy", "sigmoid", "[0.5, 1.5]", "from 0 to 1"),
    ],
)
def test_targets_of_a_cross_entropy_are_probabilities(
    tmp_path: Path, loss: str, output: str, targets: str, remedy: str
) -> None:
    spec = GOOD.replace("targets = [0.5, 0.5]", f"targets = {targets}").replace(
        "[data]", f'activation = ["tanh", "{output}"]\nloss = "{loss}"\n[data]'
    )
    with pytest.raises(InputError, match=rf"data\.targets: {loss} .*{remedy}"):
        load(tmp_path, spec)


def spec_of(layers: list[int]) -> str:
    weights = sum(m * n for m, n in pairwise(layers))
    return (
        f'title = "wide"\n[network]\nlayers = {layers}\n[data]\ninputs = {[0.1] * layers[0]}\n'
        f"targets = {[0.5] * layers[-1]}\n[start]\nweights = {[0.1] * weights}\n"
        "[training]\nlearning_rates = [1]\niterations = 2\n"
    )


def test_more_columns_than_excel_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"network\.layers: .* columns do not fit"):
        load(tmp_path, spec_of([100, 82, 1]))


def test_a_formula_longer_than_excel_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"network\.layers: the formula of .* characters"):
        load(tmp_path, spec_of([1, 2, 300]))


def test_a_missing_spec_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml: cannot be read"):
        load_experiment(tmp_path / "nowhere.toml")


SEVERAL = GOOD.replace("inputs = [0.05, 0.10]", "inputs = [[0.05, 0.10], [0.3, 0.4]]").replace(
    "targets = [0.5, 0.5]", "targets = [[0.5, 0.5], [0.1, 0.9]]"
)
SHEETS = SEVERAL + '[[sheet]]\nname = "one"\n[[sheet]]\nname = "two"\noptimizer = "adam"\n'


def test_a_sheet_has_what_it_says_and_else_what_all_have(tmp_path: Path) -> None:
    one, two = load(tmp_path, SHEETS).experiment.runs
    assert (one.name, one.rate, one.experiment.training.optimizer) == (
        "one",
        0.1,
        "gradient-descent",
    )
    assert (two.name, two.rate, two.experiment.training.optimizer) == ("two", 0.1, "adam")
    assert two.experiment.data == one.experiment.data


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("iterations = 68", "iterations = 68\nbatch = 3", "training.batch: 3 samples"),
        ("[data]", 'gradients = "expanded"\n[data]', "network.gradients"),
        ('"two"', '"one"', "sheet[2].name: 'one' is taken"),
        ('"two"', '"Data"', "sheet[2].name: 'Data' is taken"),
        ('"two"', '"a/b"', "sheet[2].name: 'a/b' given"),
        ('optimizer = "adam"', "layers = [2, 2]", "sheet[2].layers: cannot differ"),
        ('optimizer = "adam"', "iterations = 5", "sheet[2].iterations: cannot differ"),
        ('optimizer = "adam"', 'colour = "red"', "sheet[2].colour: cannot differ"),
        ('optimizer = "adam"', "learning_rates = [1, 2]", "sheet[2].learning_rates: 2 given"),
        ('optimizer = "adam"', 'optimizer = "eve"', "sheet 'two'.training.optimizer"),
    ],
)
def test_samples_and_sheets_that_do_not_fit_are_refused(
    tmp_path: Path, good: str, bad: str, said: str
) -> None:
    assert good in SHEETS
    with pytest.raises(InputError) as refusal:
        load(tmp_path, SHEETS.replace(good, bad))
    assert said in str(refusal.value)
