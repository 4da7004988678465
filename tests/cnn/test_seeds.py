"""What is said over seeds is what the seeds' own runs say."""

import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from cnn import runs, seeds
from cnn.data import Mnist
from cnn.metrics import read_metrics
from cnn.recipes import RECIPES
from cnn.runs import run
from cnn.seeds import read_seeds, train_seeds
from cnn.training import Epoch, Job
from cnn.watchers import Silence
from workbook_tools.errors import InputError


@pytest.fixture
def trained(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Trainings of a second each, in this process; the list of the seeds of all epochs."""
    done: list[int] = []
    part = Mnist(mnist.training[:1_000], mnist.validation[:500])

    def quick(model: str, seed: int, place: Path, options: list[str]) -> None:
        recipe = replace(RECIPES[model], epochs=1)
        run(Job(model, recipe, seed, "cpu", 1), part, place, Counting(seed), resume=True)

    class Counting(Silence):
        def __init__(self, seed: int) -> None:
            self.seed = seed

        def epoch(self, row: Epoch) -> None:
            done.append(self.seed)

    monkeypatch.setattr(seeds, "_train", quick)
    monkeypatch.setattr(runs, "_report", lambda *_: None)  # its pictures take a second
    return done


def test_the_summary_is_that_of_the_runs(trained: list[int], tmp_path: Path) -> None:
    said: list[str] = []
    found = train_seeds("tiny", 3, tmp_path, 1, [], said.append)
    accuracies = [read_metrics(tmp_path / f"seed-{n}").final.accuracy for n in range(3)]
    assert found.accuracies == accuracies
    assert len(set(accuracies)) > 1
    assert found.mean == pytest.approx(statistics.mean(accuracies))
    assert found.deviation == pytest.approx(statistics.stdev(accuracies))
    assert f"min {min(accuracies):.2f} %" in found.line()
    assert f"max {max(accuracies):.2f} %" in found.line()
    assert not found.every_one_meets_the_accuracy
    assert read_seeds(tmp_path) == found
    assert [line.split(":")[0] for line in said] == ["seed 0", "seed 1", "seed 2"]


def test_what_is_finished_is_not_trained_again(trained: list[int], tmp_path: Path) -> None:
    train_seeds("tiny", 2, tmp_path, 1, [], lambda line: None)
    train_seeds("tiny", 3, tmp_path, 1, [], lambda line: None)
    assert trained == [0, 1, 2]


def test_a_folder_of_another_model_is_refused(trained: list[int], tmp_path: Path) -> None:
    train_seeds("tiny", 1, tmp_path, 1, [], lambda line: None)
    with pytest.raises(InputError, match=r"holds a finished run of another training \(channels"):
        train_seeds("small", 1, tmp_path, 1, [], lambda line: None)


def test_seeds_of_another_recipe_are_refused(
    trained: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_seeds("tiny", 1, tmp_path, 1, [], lambda line: None)
    monkeypatch.setitem(RECIPES, "tiny", replace(RECIPES["tiny"], peak_rate=0.1))
    with pytest.raises(InputError, match=r"peak_rate 0\.2, not 0\.1"):
        train_seeds("tiny", 1, tmp_path, 1, [], lambda line: None)
    assert trained == [0]


def test_a_training_that_fails_is_said_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"seed 0: the training failed: .*no such device"):
        train_seeds("tiny", 1, tmp_path, 1, ["--device", "tpu"], lambda line: None)
    assert not (tmp_path / "seeds.json").exists()


def test_no_seeds_and_bad_seeds(tmp_path: Path) -> None:
    assert read_seeds(tmp_path) is None
    (tmp_path / "seeds.json").write_text('{"schema": 1, "model": "tiny", "runs": []}')
    with pytest.raises(InputError, match="not a valid seeds"):
        read_seeds(tmp_path)
