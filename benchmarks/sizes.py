"""How time and memory grow with the number of cells: write, recalculate, cache, check.

One network of the classic kind (a row an iteration) and one with several samples (32 rows an
iteration), from a thousand to three million formula cells. Each size is a process of its own;
what should stay level is the last column, microseconds a cell.

    python benchmarks/sizes.py [LARGEST]
"""

import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

SIZES = (1_000, 10_000, 100_000, 1_000_000, 3_000_000)
ONE_SAMPLE = """
title = "one sample"
[network]
layers = [2, 2, 2]
[data]
inputs = [0.05, 0.1]
targets = [0.5, 0.5]
[start]
draw = "xavier"
[training]
learning_rates = [0.5]
iterations = {iterations}
"""
SEVERAL = """
title = "several samples"
[network]
layers = [4, 6, 3]
activation = ["tanh", "softmax"]
loss = "categorical-cross-entropy"
biases = "trained"
[data]
standardise = true
inputs = {inputs}
classes = {classes}
[start]
draw = "xavier"
[training]
learning_rates = [0.1]
iterations = {iterations}
batch = 32
optimizer = "adam"
"""
CELLS_AN_ITERATION = {"one sample": 31, "several": 32 * 45 + 184}


def spec(kind: str, cells: int) -> str:
    """Return a spec of about so many cells."""
    iterations = max(2, round(cells / CELLS_AN_ITERATION[kind]))
    if kind == "one sample":
        return ONE_SAMPLE.format(iterations=iterations)
    inputs = [[(7 * n + 3 * k) % 11 + 0.5 for k in range(4)] for n in range(96)]
    classes = [f"kind {n % 3}" for n in range(96)]
    return SEVERAL.format(iterations=iterations, inputs=inputs, classes=classes)


def measure(spec_file: Path) -> None:
    """Build and verify one workbook; print seconds by step, and the peak memory."""
    from workbook_tools.checking.verify import verify
    from workbook_tools.writing.workbook import build

    begun = [time.perf_counter()]
    workbook = spec_file.with_suffix(".xlsx")
    cells = build(spec_file, workbook, lambda step: begun.append(time.perf_counter()))
    begun.append(time.perf_counter())
    report = verify(workbook, on_step=lambda step: begun.append(time.perf_counter()))
    begun.append(time.perf_counter())
    if report.verdict != "pass":
        sys.exit(f"{spec_file}: {report.verdict}")
    # plan, write, recalculate, cache; then read (with a recalculation beside it), check
    seconds = [after - before for before, after in pairwise(begun)]
    plan, write, calculate, cache, _, read, check = seconds
    total = begun[-1] - begun[0]
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    size = workbook.stat().st_size / 1e6
    print(
        f"{cells:10,} {size:8.1f} {plan + write:8.2f} {calculate:11.2f} {cache:8.2f} {read:8.2f} "
        f"{check:8.2f} {peak:8.0f} {1e6 * total / cells:10.1f}",
        flush=True,
    )


def main() -> None:
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]
    for kind in CELLS_AN_ITERATION:
        print(
            f"{kind}\n{'cells':>10} {'MB':>8} {'write s':>8} {'calculate s':>11} {'cache s':>8} "
            f"{'read s':>8} {'check s':>8} {'MiB':>8} {'µs a cell':>10}",
            flush=True,
        )
        for cells in (size for size in SIZES if size <= largest):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "spec.toml")
                file.write_text(spec(kind, cells), encoding="utf-8")
                subprocess.run([sys.executable, __file__, "--measure", str(file)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
    else:
        main()
