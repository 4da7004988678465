"""python -m cnn workbook: a workbook that agrees, or one line that says what is wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from networks import settled
from typer.testing import CliRunner, Result

from cnn import __main__, cross_check, data
from cnn.checkpoint import MODEL, load_model, save_model
from cnn.data import Mnist
from cnn.model import build
from cnn.workbook.digits import choose
from workbook_tools.checking.verify import verify
from workbook_tools.errors import InputError
from workbook_tools.judging.comparison import Comparison

RUNNER = CliRunner()
TINY = (1, 2, 1, 1, 2)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    save_model(settled(build(TINY, 0.1)), "mine", path)
    return path


@pytest.fixture(autouse=True)
def few_images(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Mnist(mnist.training[:10], mnist.validation[:100])
    monkeypatch.setattr(data, "load", lambda say: few)


def call(*words: object) -> Result:
    return RUNNER.invoke(__main__.app, ["workbook", *map(str, words)])


def test_it_writes_a_workbook_and_says_how_the_two_agree(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "mnist.xlsx"
    result = call("--checkpoint", checkpoint, "--digits", 2, "--select", 2, "-o", out)
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{out}: ")
    assert "numbers of 2 digits compared with the trained network" in second
    assert "autograd): 0 off; " in second
    assert second.endswith(" 0 read as another digit")
    report = verify(out)
    assert report.verdict == "pass"
    assert report.network is not None
    assert report.network.network.startswith("28 × 28 pixels to 10 digits")


def test_a_workbook_that_disagrees_is_an_error(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disagreeing = cross_check.Agreement(Comparison(compared=10, off=1), digits=1)
    monkeypatch.setattr(cross_check, "cross_check", lambda *of: disagreeing)
    result = call("--checkpoint", checkpoint, "--digits", 1, "-o", tmp_path / "mnist.xlsx")
    assert result.exit_code == 1
    assert "1 off" in result.stdout


def damaged(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        document = torch.load(path, weights_only=True)
        change(document["weights"])
        torch.save(document, path)

    return damage


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo harm",)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:5_000]), "cut off"),
        (lambda path: path.write_bytes(b"no weights"), "not a file of weights"),
        (lambda path: torch.save({"format": MODEL, "weights": Harmful()}, path), "not run"),
        (lambda path: torch.save([1, 2], path), "not a"),
        (damaged(lambda w: w["conv1.weight"].fill_(torch.nan)), "NaN or infinity"),
        (damaged(lambda w: w.pop("conv2.weight")), "not the weights of a network of this family"),
        (damaged(lambda w: w.update(other=torch.zeros(1))), "not the weights of a network"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_is_none_is_refused_in_one_line(
    checkpoint: Path, tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(checkpoint)
    out = tmp_path / "mnist.xlsx"
    result = call("--checkpoint", checkpoint, "-o", out)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(f"cnn: {checkpoint}: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not out.exists()


def test_digits_out_of_range_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    place = ("--checkpoint", checkpoint, "-o", tmp_path / "mnist.xlsx")
    result = call("--digits", 3, "--select", 4, *place)
    assert result.exit_code == 2
    assert result.stderr == "cnn: digit 4: give a number from 1 to 3\n"
    for count in (0, 201):
        result = call("--digits", count, *place)
        assert result.exit_code == 2
        assert result.stderr == f"cnn: {count} digits: give a number from 1 to 100\n"
    assert not (tmp_path / "mnist.xlsx").exists()


def test_the_checkpoint_is_never_overwritten(checkpoint: Path, tmp_path: Path) -> None:
    before = checkpoint.read_bytes()
    (tmp_path / "link.xlsx").symlink_to(checkpoint)
    os.link(checkpoint, tmp_path / "hard.xlsx")
    for output in (checkpoint, tmp_path / "link.xlsx", tmp_path / "hard.xlsx"):
        result = call("--checkpoint", checkpoint, "--digits", 1, "-o", output)
        assert result.exit_code == 2
        assert f"{output}: is an input" in result.stderr
    assert checkpoint.read_bytes() == before


def test_a_workbook_that_is_read_again_goes_to_no_pipe(checkpoint: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xlsx")
    result = call("--checkpoint", checkpoint, "--digits", 1, "-o", tmp_path / "pipe.xlsx")
    assert result.exit_code == 2
    assert "the workbook is read again" in result.stderr


def test_digits_read_rightly_take_turns_and_the_worst_mistakes_come_last(mnist: Mnist) -> None:
    _, model = load_model(__main__.SMALL)
    chosen = choose(model, mnist.validation, 20)
    assert chosen.pixels.shape == (20, 28, 28)
    assert chosen.truth[:16] == chosen.read_as[:16] == [n % 10 for n in range(16)]
    assert all(chosen.truth[n] != chosen.read_as[n] for n in range(16, 20))
    assert chosen.truth == mnist.validation.labels[chosen.numbers].tolist()


def test_as_many_digits_as_were_asked_for_however_few_are_read_rightly(mnist: Mnist) -> None:
    model = settled(build(TINY, 0.1))
    for count in (1, 20, 100):
        chosen = choose(model, mnist.validation[:100], count)
        assert len(set(chosen.numbers)) == count
        marks = [said == digit for said, digit in zip(chosen.read_as, chosen.truth, strict=True)]
        assert marks == sorted(marks, reverse=True)
    with pytest.raises(InputError, match="101 digits: give a number from 1 to 100"):
        choose(model, mnist.validation[:100], 101)
