"""How soon `standard` reaches 99.4 % of the 10,000 test images, seed by seed.

Each seed is `python -m cnn train --target 99.4`; a step of the exercise's recipe (see
training_speed.py) is timed before each, so that both have the same machine.

    python benchmarks/sprint.py [SEEDS]
"""

import statistics
import sys
import time
from dataclasses import replace

import torch
from training_speed import BATCH, STEPS_AN_EPOCH, way

from cnn import data
from cnn.checkpoint import Checkpoint
from cnn.recipes import RECIPES, SPRINT
from cnn.training import Job, train
from cnn.watchers import Silence

TARGET = 99.4
STEPS = 30


def main(seeds: int) -> None:
    mnist = data.load(print)
    pixels, labels = data.normalised(mnist.training.pixels[: STEPS * BATCH]), mnist.training.labels
    exercise = way("the exercise's recipe", None, channels_last=False)
    recipe = replace(RECIPES["standard"], epochs=SPRINT)
    epochs, ratios = [], []
    print("seed  epochs  accuracy  seconds  an epoch  the exercise's  ratio")
    for seed in range(seeds):
        torch.set_num_threads(1)
        start = time.perf_counter()
        for number in range(STEPS):
            part = slice(number * BATCH, (number + 1) * BATCH)
            exercise.step(pixels[part], labels[part])
        yardstick = (time.perf_counter() - start) / STEPS * STEPS_AN_EPOCH
        job = Job("standard", recipe, seed, "cpu", 1, TARGET)
        _, log = train(job, mnist, Checkpoint(None, {}), Silence())
        seconds = sum(row.seconds for row in log)
        epochs.append(len(log))
        ratios.append(seconds / len(log) / yardstick)
        print(
            f"{seed:4}  {len(log):6}  {log[-1].validation_accuracy:6.2f} %  {seconds:7.1f}  "
            f"{seconds / len(log):6.1f} s  {yardstick:12.1f} s  {ratios[-1]:5.3f}",
            flush=True,
        )
    print(f"epochs: mean {statistics.mean(epochs):.1f}, most {max(epochs)}")
    print(f"an epoch, validation included: {statistics.median(ratios):.3f} of the exercise's")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
