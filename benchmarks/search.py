"""Try a change of a recipe on training images that are set aside, without the test images.

10,000 training images are held out, always the same, so that two recipes differ by their seeds'
luck alone; it trains on the other 50,000, once a seed, and looks at the weights after the last
epoch. What was tried is in `search.csv`; a new line is added for every call. (Lines with 5,000
images held out are older: each of their runs held others out, images were drawn evenly, and moved
as `tiny` still does it. Lines that name no batch had 128 images. Lines whose change this program
does not know, such as a leak of the ReLUs, were tried with code that was not kept, since they did
not pay. Lines of 16 or 32 seeds were trained side by side on a GPU, with matrix products in TF32,
by a program that was not kept either; it was compared with this one step by step.)

    python benchmarks/search.py small dropout=0.01 augmentation.rotation=7 [--seeds 4]
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
    """Return the recipe with each ``name=value``, or ``part.name=value``, put in."""
    for change in changes:
        names, value = change.split("=")
        *part, name = names.split(".")
        changed_part = {name: json.loads(value)}
        if part:
            changed_part = {part[0]: replace(getattr(recipe, part[0]), **changed_part)}
        recipe = replace(recipe, **changed_part)
    return recipe


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", choices=list(RECIPES))
    arguments.add_argument("changes", nargs="*", metavar="name=value")
    arguments.add_argument("--seeds", type=int, default=4)
    asked = arguments.parse_args()
    recipe = changed(RECIPES[asked.model], asked.changes)
    images = data.hold_out(data.load(print).training)
    accuracies, losses = [], []
    for seed in range(asked.seeds):
        job = Job(asked.model, recipe, seed, "cpu", 1)
        _, log = train(job, images, Checkpoint(None, {}), Silence())
        accuracies.append(log[-1].validation_accuracy)
        losses.append(log[-1].validation_loss)
        print(f"seed {seed}: {accuracies[-1]:.2f} %, loss {losses[-1]:.4f}")
    mean, loss = statistics.mean(accuracies), statistics.mean(losses)
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        row = [asked.model, recipe.epochs, "; ".join(asked.changes)]
        csv.writer(file, lineterminator="\n").writerow(
            [*row, len(images.validation), asked.seeds, f"{mean:.3f}", f"{loss:.4f}"]
        )
    print(f"mean {mean:.3f} %, loss {loss:.4f}: added to {TABLE}")


if __name__ == "__main__":
    main()
