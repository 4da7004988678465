"""Try a change of a recipe on training images that are set aside, without the test images.

Each fold holds 5,000 other training images out, trains on the 55,000 left with the fold's number
as the seed, and looks at the weights after the last epoch. What was tried is in `search.csv`;
a new line is added for every call. (Lines whose change this program does not know were tried
with code that was not kept, since they did not pay.)

    python benchmarks/search.py small dropout=0.01 augmentation.rotation=7 [--folds 3]
"""

import argparse
import csv
import json
import statistics
from dataclasses import replace
from pathlib import Path

from cnn import data
from cnn.checkpoint import Checkpoint
from cnn.recipes import RECIPES, Recipe
from cnn.training import Job, train
from cnn.watchers import Silence

TABLE = Path(__file__).with_suffix(".csv")


def changed(recipe: Recipe, changes: list[str]) -> Recipe:
    """Return the recipe with each ``name=value``, or ``augmentation.name=value``, put in."""
    for change in changes:
        name, value = change.split("=")
        if name.startswith("augmentation."):
            moved = replace(recipe.augmentation, **{name.split(".")[1]: json.loads(value)})
            recipe = replace(recipe, augmentation=moved)
        else:
            recipe = replace(recipe, **{name: json.loads(value)})
    return recipe


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", choices=list(RECIPES))
    arguments.add_argument("changes", nargs="*", metavar="name=value")
    arguments.add_argument("--folds", type=int, default=3)
    asked = arguments.parse_args()
    recipe = changed(RECIPES[asked.model], asked.changes)
    training = data.load(print).training
    accuracies, losses = [], []
    for fold in range(asked.folds):
        job = Job(asked.model, recipe, fold, "cpu", 1)
        _, log = train(job, data.hold_out(training, fold), Checkpoint(None, {}), Silence())
        accuracies.append(log[-1].validation_accuracy)
        losses.append(log[-1].validation_loss)
        print(f"fold {fold}: {accuracies[-1]:.2f} %, loss {losses[-1]:.4f}")
    mean, loss = statistics.mean(accuracies), statistics.mean(losses)
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        row = [asked.model, recipe.epochs, "; ".join(asked.changes), asked.folds]
        csv.writer(file, lineterminator="\n").writerow([*row, f"{mean:.3f}", f"{loss:.4f}"])
    print(f"mean {mean:.3f} %, loss {loss:.4f}: added to {TABLE}")


if __name__ == "__main__":
    main()
