"""``workbook-tools new``: what it prints can be built."""

from pathlib import Path

import pytest
from checks import call, refused

from workbook_tools.notation.vocabulary import Activation, Loss, Optimizer
from workbook_tools.spec.load import load_experiment

FLOWERS = "width,height,colour\n1,2,red\n2,3,blue\n3,5,red\n"


def new(*words: str) -> str:
    result = call("new", *words)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("optimizer", Optimizer)
@pytest.mark.parametrize("loss", Loss)
def test_what_is_printed_is_a_spec(tmp_path: Path, loss: Loss, optimizer: Optimizer) -> None:
    text = new("2-3-4-2", "--loss", loss, "--optimizer", optimizer)
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    made = load_experiment(tmp_path / "a.toml")
    assert (made.network.layers, made.network.loss) == ([2, 3, 4, 2], loss)
    assert made.training.optimizer is optimizer


@pytest.mark.parametrize("loss", Loss)
def test_a_network_on_images_can_be_asked_for(tmp_path: Path, loss: Loss) -> None:
    words = ["image 4x4", "convolution 3x3 to 2", "average pooling 2x1", 3, 2]
    text = new(", ".join(map(str, words)), "--loss", loss)
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    made = load_experiment(tmp_path / "a.toml")
    assert (made.network.layers, made.network.loss) == (words, loss)
    assert len(made.data.inputs[0]) == 16


def test_the_shipped_digits_train_from_what_is_printed(
    tmp_path: Path, workbooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits.csv").write_bytes((workbooks / "digits8.csv").read_bytes())
    loss = ["--activation", "relu,softmax", "--loss", "categorical-cross-entropy"]
    layers = "image 8x8, convolution 3x3 to 2, max pooling 2x2, 3"
    Path("a.toml").write_text(new(layers, *loss, "--data", "digits.csv"), encoding="utf-8")
    made = load_experiment(Path("a.toml"))
    assert made.data.input_names[0] == "r1c1"
    assert made.data.outputs == ["zero", "one", "two"]


def test_every_commented_line_that_could_be_switched_on_is_understood(tmp_path: Path) -> None:
    text = new("2-3-2", "--optimizer", "adam")
    for line in text.splitlines():
        if line.startswith("# ") and " = " in line and "…" not in line:
            setting = line.removeprefix("# ")
            lines = [other for other in text.splitlines() if other != line]
            lines.insert(text.splitlines().index(line), setting)
            if setting.startswith("classes"):
                lines = [other for other in lines if not other.startswith("targets")]
            if setting.startswith("schedule"):
                lines.append("span = 50")
            elif setting.startswith("span"):
                lines.append('schedule = "cosine"')
            elif setting.startswith("batch"):
                lines = [other.replace("batch = 8", "batch = 2") for other in lines]
            (tmp_path / "a.toml").write_text("\n".join(lines), encoding="utf-8")
            load_experiment(tmp_path / "a.toml")


def test_columns_of_a_file_are_taken_for_inputs_and_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flowers.csv").write_text(FLOWERS, encoding="utf-8")
    words = ["--activation", "tanh,softmax", "--loss", "categorical-cross-entropy"]
    text = new("2-3-2", *words, "--data", "flowers.csv")
    Path("flowers.toml").write_text(text, encoding="utf-8")
    made = load_experiment(Path("flowers.toml"))
    assert made.data.input_names == ["width", "height"]
    assert made.data.outputs == ["red", "blue"]
    assert made.network.activations == [Activation.TANH, Activation.SOFTMAX]
    text = new("1-1", "--activation", "linear", "--data", "flowers.csv")
    assert 'inputs = ["width"]' in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["4x6"], "4x6: write the units"),
        (["4-a"], "4-a: write the units"),
        (["image 8x8"], "image 8x8: write the units"),
        (["0-3-1"], "network.layers"),
        (["image 0x8, 2"], "'image 0x8' has no pixels"),
        (["image 8x8, convolution 9x9 to 2, 2"], "larger than its 8x8 images"),
        (["image 8x8, max pooling 2x2"], "cannot be the last layer"),
        (["2-2", "--data", "none.csv"], "none.csv: cannot be read"),
        (["2-2-2", "--activation", "softmax"], "softmax on a hidden layer"),
        (["2-2-2", "--activation", "relu,relu,relu"], "3 given"),
        (["2-2-2", "--activation", "cosine"], "network.activation"),
        (["5-2", "--data", "flowers.csv"], "2 columns of numbers and 1 of text"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flowers.csv").write_text(FLOWERS, encoding="utf-8")
    assert said in refused("new", *words)
