"""What is committed, and what the README says of it, is what the committed weights give."""

import csv
import statistics
from pathlib import Path

import pytest

from cnn.checkpoint import load_model
from cnn.data import Mnist
from cnn.evaluation import answers, conditions
from cnn.metrics import read_metrics
from cnn.recipes import CONFIGURATIONS_TRIED, RECIPES
from cnn.runs import adopt, report
from cnn.seeds import SEEDS, read_seeds

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "cnn" / "results"
README = (ROOT / "docs" / "mnist.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.parametrize("name", list(RECIPES))


def test_the_committed_weights_give_exactly_the_accuracy_that_their_metrics_state(
    mnist: Mnist, name: str
) -> None:
    kind, model = load_model(RESULTS / name / "model.pt")
    metrics = read_metrics(RESULTS / name)
    found = answers(model, mnist.validation)
    assert kind == metrics.model == name
    assert found.accuracy == metrics.final.accuracy
    assert found.accuracy == pytest.approx(metrics.epochs[-1].validation_accuracy)
    assert len(found.wrong) == metrics.final.mistakes
    assert conditions(model, found.accuracy, len(metrics.epochs)) == metrics.conditions
    assert all(condition.met for condition in metrics.conditions)


def test_the_committed_run_is_of_the_recipe_as_it_stands(name: str) -> None:
    assert read_metrics(RESULTS / name).recipe == RECIPES[name]


def test_the_committed_run_is_the_best_of_its_seeds(name: str) -> None:
    metrics, seeds = read_metrics(RESULTS / name), read_seeds(RESULTS / name)
    assert seeds is not None
    assert len(seeds.runs) == 5
    assert metrics.final.accuracy == max(seeds.accuracies)
    assert seeds.runs[metrics.seed].accuracy == metrics.final.accuracy
    assert seeds.every_one_meets_the_accuracy


def test_the_committed_report_is_what_is_reported(mnist: Mnist, name: str, tmp_path: Path) -> None:
    adopt(RESULTS / name, tmp_path)
    (tmp_path / SEEDS).write_bytes((RESULTS / name / SEEDS).read_bytes())
    report(tmp_path, mnist.validation)
    assert (tmp_path / "report.md").read_text() == (RESULTS / name / "report.md").read_text()


def test_the_readme_states_the_result_over_seeds(name: str) -> None:
    seeds, metrics = read_seeds(RESULTS / name), read_metrics(RESULTS / name)
    assert seeds is not None
    low, high = min(seeds.accuracies), max(seeds.accuracies)
    seconds = statistics.mean(run.seconds for run in seeds.runs)
    row = (
        f"| `{name}` | {metrics.parameters:,} | {len(metrics.epochs)} | "
        f"**{seeds.mean:.3f}** ± {seeds.deviation:.3f} | {low:.2f}–{high:.2f} | {seconds:.0f} s |"
    )
    assert row in README, row


def test_the_number_of_configurations_is_that_of_the_table(name: str) -> None:
    with (ROOT / "benchmarks" / "search.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == CONFIGURATIONS_TRIED
    assert f"{CONFIGURATIONS_TRIED} configurations" in README
