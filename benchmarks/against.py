"""How fast the program is: against what a user would pick instead, and against another commit.

Every line is a whole process of the program, in turn with its yardstick (LibreOffice converting the
same file; openpyxl's write-only mode writing the same cells without values) and with the program
as it was at another commit. What counts are the ratios: medians over rounds, each of the runs of
one round. Memory is the peak of all processes of a command together; what they share counts twice.

    python benchmarks/against.py [--beside COMMIT] [--only LINE...] [--rounds N] [--shrink N]
                                 [--class FOLDER]

On another machine, or a busy one, seconds mean little. The machine should do nothing else.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import psutil
from trees import ROOT, compile_modules, environment_of, tree_of

WORKBOOKS = ROOT / "workbooks"
OWN_CLASS = [WORKBOOKS / "mazur.xlsx", WORKBOOKS / "Back_Propogation.xlsx"]
CELLS_AN_ITERATION = 31  # of the classic network
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
CELLS_OF_SEVERAL = 32 * 45 + 184  # in an iteration


@dataclass(frozen=True)
class Run:
    """The seconds that a command took, and the peak of its memory in MiB."""

    seconds: float
    memory: float


@dataclass(frozen=True)
class Line:
    """A line of the table: commands of the program, and what else is measured beside them."""

    name: str
    goal: str
    rounds: int
    commands: list[list[str]]  # of the program, one after the other
    yardstick: list[str] | None = None  # another program
    workbooks: int = 0  # of a class: then workbooks a second and core are printed, too


def run(
    command: list[str], environment: dict[str, str], folder: Path, worst_status: int = 1
) -> Run:
    """Run a command; findings are no failure."""
    peak = 0
    began = time.perf_counter()
    process = psutil.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while True:
        try:
            status = process.wait(0.02)
            seconds = time.perf_counter() - began
            break
        except psutil.TimeoutExpired:
            peak = max(peak, _memory(process))
    if not 0 <= status <= worst_status:
        sys.exit(f"failed with status {status}: {' '.join(command)}")
    return Run(seconds, peak / (1 << 20))


def _memory(process: psutil.Popen) -> int:
    """Return the bytes that a process and those that it started have in memory."""
    found = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            found += one.memory_info().rss
    except psutil.Error:  # one of them has just ended
        return 0
    return found


def of_tree(tree: Path, line: Line, folder: Path) -> Run:
    """Run the commands of a line with the program of a source tree."""
    tool = [sys.executable, "-m", "workbook_tools"]
    worst = 2 if line.workbooks else 1  # some workbooks of a class cannot be checked
    runs = [
        run([*tool, *command], environment_of(tree), folder, worst) for command in line.commands
    ]
    return Run(sum(one.seconds for one in runs), max(one.memory for one in runs))


def measure(line: Line, trees: list[Path], rounds: int, folder: Path) -> None:
    """Print a line of the table."""
    now, before, others = [], [], []
    for _ in range(min(rounds, line.rounds)):
        now.append(of_tree(trees[0], line, folder))
        for tree in trees[1:]:
            before.append(of_tree(tree, line, folder))
        if line.yardstick:
            others.append(run(line.yardstick, environment_of(trees[0]), folder))
    cells = [f"{line.name:28} {len(now):2}", _seconds(now), _seconds(others), _seconds(before)]
    cells += [_ratio(now, others), _ratio(now, before), _memory_of(now), _memory_of(before)]
    text = " ".join(cells) + f"  {line.goal}"
    if line.workbooks:
        rates = [
            line.workbooks / statistics.median(one.seconds for one in runs) / (os.cpu_count() or 1)
            for runs in (now, before)
            if runs
        ]
        text += f" ({' | '.join(f'{rate:.2f}' for rate in rates)} workbooks a second and core)"
    print(text, flush=True)


def _seconds(runs: list[Run]) -> str:
    return f"{statistics.median(one.seconds for one in runs):9.2f}" if runs else f"{'':9}"


def _memory_of(runs: list[Run]) -> str:
    return f"{max(one.memory for one in runs):7,.0f}" if runs else f"{'':7}"


def _ratio(runs: list[Run], others: list[Run]) -> str:
    pairs = zip(runs, others, strict=True) if others else ()
    ratios = [one.seconds / other.seconds for one, other in pairs]
    return f"{statistics.median(ratios):9.3f}" if ratios else f"{'':9}"


def classic(folder: Path, iterations: int) -> Path:
    """Write the spec of the classic network with one learning rate and so many iterations."""
    text = (WORKBOOKS / "Back_Propogation.toml").read_text(encoding="utf-8")
    text = text.replace("[0.1, 0.2, 0.5, 0.8, 1.0, 2.0]", "[0.5]")
    path = folder / f"classic_{iterations}.toml"
    path.write_text(text.replace("iterations = 68", f"iterations = {iterations}"), encoding="utf-8")
    return path


def several(folder: Path, iterations: int) -> Path:
    """Write the spec of a network with 32 samples in each of so many iterations."""
    inputs = [[(7 * n + 3 * k) % 11 + 0.5 for k in range(4)] for n in range(96)]
    classes = [f"kind {n % 3}" for n in range(96)]
    path = folder / "several.toml"
    path.write_text(SEVERAL.format(inputs=inputs, classes=classes, iterations=iterations))
    return path


def class_of(folder: Path, paths: list[Path], count: int) -> list[list[str]]:
    """Put so many workbooks into a folder; return the command that checks them, with pages."""
    folder.mkdir()
    for number, path in enumerate(islice(cycle(paths), count)):
        shutil.copyfile(path, folder / f"{number:03}{path.suffix}")
    return [["verify", str(folder), "--html", f"{folder}.html"]]


def convert(path: Path, folder: Path) -> list[str]:
    """Return the command with which LibreOffice converts a workbook."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    out = ["--outdir", str(folder / "converted")]
    return ["soffice", profile, "--headless", "--convert-to", "xlsx", *out, str(path)]


def lines(folder: Path, shrink: int, sample: Path | None) -> dict[str, Callable[[], Line]]:
    """Return what makes each line, by its name on the command line."""
    timeout = ["--timeout", "3600"]

    def verify(name: str, path: Path, goal: str, rounds: int, with_office: bool = True) -> Line:
        yardstick = convert(path, folder) if with_office and shutil.which("soffice") else None
        return Line(f"verify {name}", goal, rounds, [["verify", str(path), *timeout]], yardstick)

    def long(iterations: int, goal: str, rounds: int) -> Line:
        spec = classic(folder, iterations // shrink)
        path = spec.with_suffix(".xlsx")
        if not path.exists():
            of_tree(ROOT, Line("", "", 1, [["build", str(spec)]]), folder)
        cells = iterations // shrink * CELLS_AN_ITERATION
        return verify(f"{cells:,} cells", path, goal, rounds)

    def of_several() -> Line:
        iterations = 3_000_000 // CELLS_OF_SEVERAL // shrink
        spec, name = several(folder, iterations), f"{iterations * CELLS_OF_SEVERAL:,} cells"
        commands = [["build", str(spec)], ["verify", str(spec.with_suffix(".xlsx")), *timeout]]
        return Line(f"several samples {name}", "≤ 1/7 before, ≤ 1,536 MiB", 1, commands)

    def build() -> Line:
        spec = classic(folder, 10_000 // shrink)
        plain = [sys.executable, __file__, "--write-only", str(spec), str(folder / "plain.xlsx")]
        name = f"build {10_000 // shrink * CELLS_AN_ITERATION:,} cells"
        return Line(name, "≤ 1.0 openpyxl", 5, [["build", str(spec)]], plain)

    def own_class() -> Line:
        count = max(2, 40 // shrink)
        commands = class_of(folder / "class", OWN_CLASS, count)
        return Line(f"class of {count}", "≤ 1/4 before", 3, commands, workbooks=count)

    def sample_class() -> Line:
        assert sample is not None
        paths = sorted(sample.glob("*.xls[xm]"))
        commands = class_of(folder / "sample", paths, len(paths))
        return Line(f"sample of {len(paths)}", "≤ 1/4 before", 3, commands, workbooks=len(paths))

    def shipped(name: str, goal: str, rounds: int, with_office: bool = True) -> Callable[[], Line]:
        return lambda: verify(name, WORKBOOKS / f"{name}.xlsx", goal, rounds, with_office)

    return {
        "classic": shipped("Back_Propogation", "≤ 0.30 LibreOffice", 11),
        "long": lambda: long(10_000, "≤ 0.40 LibreOffice", 5),
        "longer": lambda: long(100_000, "≤ 0.40 LibreOffice, ≤ 600 MiB", 3),
        "iris": shipped("iris", "≤ 1/10 before", 5, False),
        "vanishing": shipped("vanishing", "≤ 1/10 before", 5, False),
        "several": of_several,
        "build": build,
        "mnist": shipped("mnist_cnn", "≤ 1/8 before", 1, False),
        "class": own_class,
        **({"sample": sample_class} if sample else {}),
    }


def write_only(spec: Path, workbook: Path) -> None:
    """Write the same cells with openpyxl's write-only mode: the yardstick for building."""
    from openpyxl import Workbook

    from workbook_tools.formulas.references import FilledFormula
    from workbook_tools.spec.load import load_experiment
    from workbook_tools.writing.layout import FIRST_ROW, HEADER_ROW, Book

    [layout] = Book(load_experiment(spec)).sheets
    book = Workbook(write_only=True)
    sheet = book.create_sheet("LR 0.5")
    for _ in range(HEADER_ROW - 1):
        sheet.append([])
    sheet.append([quantity.symbol for quantity in layout.quantities])
    sheet.append([layout.formula(quantity, FIRST_ROW) for quantity in layout.quantities])
    second = FIRST_ROW + 1
    filled = [FilledFormula.parse(layout.formula(q, second), second) for q in layout.quantities]
    for row in range(second, layout.last_row + 1):
        sheet.append([formula.at(row) for formula in filled])
    book.save(workbook)


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("--beside", metavar="COMMIT", help="the program at another commit, too")
    parser.add_argument("--only", nargs="+", metavar="LINE", help="classic, long, longer, iris …")
    parser.add_argument("--rounds", type=int, default=100, help="at most, of every line")
    parser.add_argument("--shrink", type=int, default=1, help="divide all sizes, to try it out")
    parser.add_argument("--class", dest="sample", type=Path, help="a folder of workbooks, as well")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        compile_modules(ROOT)
        trees = [ROOT, *([stack.enter_context(tree_of(asked.beside))] if asked.beside else [])]
        if shutil.which("soffice"):  # the first start makes its profile
            run(convert(OWN_CLASS[0], folder), environment_of(ROOT), folder)
        made = lines(folder, asked.shrink, asked.sample)
        if unknown := {*(asked.only or [])} - set(made):
            sys.exit(f"no such line: {', '.join(sorted(unknown))}; there are {', '.join(made)}")
        heads = ["seconds", "yardstick", "before", "÷ yards.", "÷ before", "MiB", "before"]
        widths = [9, 9, 9, 9, 9, 7, 7]
        texts = [f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)]
        print(f"{'whole processes':28} of", *texts, " goal")
        for name, line in made.items():
            if name in (asked.only or made):
                measure(line(), trees, asked.rounds, folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write-only"]:
        write_only(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
