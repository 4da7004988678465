"""Training learns, can be stopped and continued exactly, and does not go on with nonsense."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from cnn import runs
from cnn.checkpoint import Checkpoint, State, load_model
from cnn.data import Images, Mnist
from cnn.evaluation import answers
from cnn.metrics import Metrics, read_metrics
from cnn.model import build
from cnn.recipes import RECIPES, Recipe
from cnn.runs import identity, run
from cnn.sampling import Difficulty
from cnn.training import Epoch, Job, gradient_descent, moving_average, train
from cnn.watchers import Silence
from workbook_tools.errors import InputError

SHORT = replace(RECIPES["tiny"], epochs=3)


def part(mnist: Mnist, training: int, validation: int) -> Mnist:
    return Mnist(mnist.training[:training], mnist.validation[:validation])


def job(recipe: Recipe = SHORT, seed: int = 0, target: float | None = None) -> Job:
    return Job("tiny", recipe, seed, "cpu", 1, target)


class StopAfter(Silence):
    """Interrupts a training in the middle of an epoch, as Ctrl-C does."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.done = epochs, 0

    def step(self, step: int, steps: int, loss: float) -> None:
        if self.done == self.epochs:
            raise KeyboardInterrupt

    def epoch(self, row: Epoch) -> None:
        self.done = row.epoch


def test_one_epoch_on_10000_images_reaches_97_percent(mnist: Mnist) -> None:
    one = replace(RECIPES["standard"], epochs=1, batch=32)  # 312 steps
    model, log = train(job(one), part(mnist, 10_000, 10_000), Checkpoint(None, {}), Silence())
    assert answers(model, mnist.validation).accuracy >= 97
    assert log[0].validation_accuracy == pytest.approx(answers(model, mnist.validation).accuracy)


@pytest.fixture(scope="module")
def whole(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Metrics]:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, run(job(), part(mnist, 1_000, 500), folder, Silence(), resume=False)


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_a_resumed_run_ends_in_the_same_weights_bit_for_bit(
    mnist: Mnist,
    whole: tuple[Path, Metrics],
    tmp_path: Path,
    epochs: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "_report", lambda *_: None)  # its pictures take a second
    data = part(mnist, 1_000, 500)
    with pytest.raises(KeyboardInterrupt):
        run(job(), data, tmp_path / "two", StopAfter(epochs), resume=False)
    assert (tmp_path / "two" / "checkpoint.pt").exists()
    assert not (tmp_path / "two" / "model.pt").exists()
    torch.manual_seed(99)  # whatever chance the world outside has left
    resumed = run(job(), data, tmp_path / "two", Silence(), resume=True)
    assert not (tmp_path / "two" / "checkpoint.pt").exists()
    _, first = load_model(whole[0] / "model.pt")
    _, second = load_model(tmp_path / "two" / "model.pt")
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert [replace(row, seconds=0) for row in resumed.epochs] == [
        replace(row, seconds=0) for row in whole[1].epochs
    ]


def test_a_finished_run_is_not_trained_again(
    mnist: Mnist, whole: tuple[Path, Metrics], tmp_path: Path
) -> None:
    data = part(mnist, 1_000, 500)
    shutil.copytree(whole[0], tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "model.pt").read_bytes()
    (tmp_path / "report.html").unlink()
    run(job(), data, tmp_path, StopAfter(0), resume=True)
    assert (tmp_path / "model.pt").read_bytes() == before
    assert (tmp_path / "report.html").exists()
    with pytest.raises(InputError, match="seed 0, not 1"):
        run(job(seed=1), data, tmp_path, Silence(), resume=True)


def test_a_checkpoint_of_another_training_is_refused(mnist: Mnist, tmp_path: Path) -> None:
    data = part(mnist, 1_000, 500)
    with pytest.raises(KeyboardInterrupt):
        run(job(), data, tmp_path, StopAfter(1), resume=False)
    other = replace(SHORT, channels=RECIPES["small"].channels)
    with pytest.raises(InputError, match="channels"):
        run(job(other), data, tmp_path, Silence(), resume=True)
    with pytest.raises(InputError, match="epochs 3, not 5"):
        run(job(replace(SHORT, epochs=5)), data, tmp_path, Silence(), resume=True)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(mnist: Mnist) -> None:
    data = part(mnist, 1_000, 500)
    logs = [train(job(seed=seed), data, Checkpoint(None, {}), Silence())[1] for seed in (3, 3, 4)]
    losses = [[row.training_loss for row in log] for log in logs]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(
    mnist: Mnist, tmp_path: Path
) -> None:
    data = part(mnist, 1_000, 500)
    steep = replace(SHORT, peak_rate=1e30)
    with pytest.raises(InputError, match="no longer a number; the checkpoint of epoch 0 is kept"):
        run(job(steep), data, tmp_path, Silence(), resume=False)
    assert not (tmp_path / "model.pt").exists()
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert all(value.isfinite().all() for value in kept["state"]["model"].values())


def test_a_target_stops_after_the_first_epoch_that_reaches_it(mnist: Mnist) -> None:
    data = part(mnist, 2_000, 1_000)
    free = train(job(), data, Checkpoint(None, {}), Silence())[1]
    second = free[1].validation_accuracy
    assert free[0].validation_accuracy < second
    aimed = train(job(target=second), data, Checkpoint(None, {}), Silence())[1]
    assert len(aimed) == 2


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    recipe = replace(SHORT, peak_rate=0.5, rising=0.25)
    assert recipe.rate(0) == 0
    assert recipe.rate(0.125) == pytest.approx(0.25)
    assert recipe.rate(0.25) == pytest.approx(0.5)
    assert recipe.rate(0.625) == pytest.approx(0.25)
    assert recipe.rate(1) == 0


def test_weight_decay_is_for_weights_only() -> None:
    model = build((1, 1, 1, 1, 1), 0.1)
    decay = {
        id(p): group["weight_decay"]
        for group in gradient_descent(model, SHORT).param_groups
        for p in group["params"]
    }
    decayed = {name for name, p in model.named_parameters() if decay[id(p)] > 0}
    assert decayed == {*(f"conv{n}.weight" for n in range(1, 6)), "linear.weight"}
    assert len(decay) == len(list(model.parameters()))


def test_the_average_follows_its_rule() -> None:
    mean = [torch.tensor([1.0, 2.0]), torch.tensor(3)]
    moving_average(0.9)(mean, [torch.tensor([2.0, 2.0]), torch.tensor(7)], torch.tensor(1))
    assert mean[0].tolist() == pytest.approx([1 + 9 / 11, 2.0])  # decay 2/11
    assert mean[1].item() == 7
    moving_average(0.9)(mean, [torch.tensor([2.0, 2.0]), torch.tensor(8)], torch.tensor(1000))
    assert mean[0][0].item() == pytest.approx(0.9 * (1 + 9 / 11) + 0.1 * 2)


def test_the_folder_holds_what_it_should(whole: tuple[Path, Metrics]) -> None:
    folder, metrics = whole
    written = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert written["schema"] == 1
    assert written["versions"]["torch"] == torch.__version__.split("+")[0] or torch.__version__
    assert written["recipe"]["channels"] == list(SHORT.channels)
    assert len(written["epochs"]) == 3
    assert len(written["conditions"]) == 5
    assert written["final"]["mistakes"] == round((100 - written["final"]["accuracy"]) * 5)
    assert read_metrics(folder) == metrics
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    assert [float(row["training_loss"]) for row in rows] == [
        row.training_loss for row in metrics.epochs
    ]
    assert {path.name for path in folder.iterdir()} == {
        "metrics.json", "log.csv", "model.pt", "report.html", "report.md", "pictures",
    }  # fmt: skip


def test_an_interrupted_command_says_how_to_go_on(mnist: Mnist, tmp_path: Path) -> None:
    # Tests that run in the background may have been started deaf to Ctrl-C.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", listen + "from cnn.__main__ import app; app()"]
    command += ["train", "--model", "tiny", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "checkpoint.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        try:
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, error
    assert error.strip().endswith("--resume continues")
    assert len(error.strip().splitlines()) == 1
    assert (tmp_path / "checkpoint.pt").exists()


# The command with a part of the images; each process writes down what it has learnt.
SHARED = """
import sys, torch
from cnn import data, parallel, runs
from cnn.__main__ import app
from cnn.sampling import Difficulty

load, train, learn = data.load, runs.train, Difficulty.learn

def fewer(say):
    mnist = load(say)
    return data.Mnist(mnist.training[:6_000], mnist.validation[:1_000])

def kept_weights(*given):
    model, log = train(*given)
    torch.save(model.state_dict(), f"{parallel.rank()}.pt")
    return model, log

def kept_difficulty(self, sampling):
    learn(self, sampling)
    torch.save(self.known, f"known-{parallel.rank()}.pt")

data.load, runs.train, Difficulty.learn = fewer, kept_weights, kept_difficulty
app()
"""


def test_two_processes_train_one_network(mnist: Mnist, tmp_path: Path) -> None:
    """Each sees its half of every batch: the same weights mean that gradients were shared."""
    (tmp_path / "shared.py").write_text(SHARED)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "shared.py"]
    command += ["train", "--model", "tiny", "--epochs", "1", "--device", "cpu", "--out", "run"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 1, done.stderr  # one epoch does not reach 99.4 %
    metrics = read_metrics(tmp_path / "run")
    assert metrics.processes == 2
    assert metrics.final.accuracy > 80  # it depends on the processor by a percent or two
    assert done.stdout.count("epoch    rate") == 1  # one process speaks
    _, model = load_model(tmp_path / "run" / "model.pt")
    assert answers(model, mnist.validation[:1_000]).accuracy == metrics.final.accuracy
    first, second = (torch.load(tmp_path / f"{n}.pt", weights_only=True) for n in range(2))
    assert torch.equal(first["conv1.weight"], second["conv1.weight"])
    assert torch.equal(first["linear.weight"], second["linear.weight"])
    # What is hard, all know from all.
    known = [torch.load(tmp_path / f"known-{n}.pt", weights_only=True) for n in range(2)]
    assert torch.equal(*known)
    assert (known[0] < 1).sum() == 6_000 // 128 * 128
    # Each has seen other images: the norms' running means tell.
    assert not torch.equal(first["norm5.running_mean"], second["norm5.running_mean"])


def test_a_state_goes_into_a_checkpoint_and_out_again(tmp_path: Path) -> None:
    def state() -> State:
        model = build((2, 2, 2, 2, 2), 0.1)
        average = torch.optim.swa_utils.AveragedModel(model, use_buffers=True)
        return State(model, gradient_descent(model, SHORT), average, Difficulty(4))

    kept, other = state(), state()
    row = Epoch(1, 0.1, 1.0, 50.0, 0.9, 60.0, 1.5)
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", identity(job()), resume=True)
    checkpoint.keep(kept, [row])
    assert checkpoint.restore(other) == [asdict(row)]
    for name, value in kept.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name])


def test_images_are_taken_by_number() -> None:
    images = Images(torch.arange(4).reshape(4, 1), torch.arange(4))
    assert images[torch.tensor([2, 0])].labels.tolist() == [2, 0]
    assert len(images[1:]) == 3
