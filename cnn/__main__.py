"""The commands of the MNIST network: parse, call, print, exit code.

Exit status: 0 all conditions are met, or workbook and network agree; 1 a condition is not met, or
they differ; 2 bad input; 130 interrupted.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from workbook_tools.errors import BAD_INPUT, InputError, one_line_errors, print_error
from workbook_tools.package.files import is_stream, make_folder
from workbook_tools.package.places import refuse_conflicts

if TYPE_CHECKING:
    from cnn.metrics import Metrics

# Each command imports what it needs: torch takes seconds to start.

PROGRAM = "cnn"
MET, NOT_MET, INTERRUPTED = 0, 1, 130
RUNS = Path("cnn/runs")
BEST = Path(__file__).parent / "results" / "standard" / "model.pt"
SMALL = Path(__file__).parent / "results" / "small" / "model.pt"

app = typer.Typer(
    help="Train a small network to read MNIST's digits, and report on it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Model(StrEnum):
    """The networks of ``recipes.py``."""

    standard = "standard"
    small = "small"
    tiny = "tiny"


ModelOption = Annotated[Model, typer.Option(help="Which network, and its recipe.")]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=1000, help="Default: the recipe's; 4 with a target.", show_default=False
    ),
]
DeviceOption = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda", help="Where to train; auto: a GPU if there is one.")
]
ThreadsOption = Annotated[
    int,
    typer.Option(
        min=1, max=256, help="CPU threads; more than one helps if the machine is not busy."
    ),
]
TargetOption = Annotated[
    float | None,
    typer.Option(
        min=0, max=100, metavar="PERCENT", help="Stop after the first epoch that reaches it."
    ),
]


@app.command()
def train(
    model: ModelOption = Model.standard,
    epochs: EpochsOption = None,
    seed: Annotated[int, typer.Option(min=0, max=10**6, help="Seed of all random numbers.")] = 0,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The run's folder. Default: cnn/runs/MODEL."),
    ] = None,
    target: TargetOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue where an interrupted run stopped.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write curves for TensorBoard.")
    ] = False,
) -> None:
    """Train a network, test it on the 10,000 test images, and write the report."""
    out = out or RUNS / model
    console = Console(highlight=False)
    with one_line_errors(PROGRAM):
        from cnn import data, parallel
        from cnn.recipes import RECIPES, SPRINT
        from cnn.runs import run
        from cnn.training import Job
        from cnn.watchers import Lines, Silence, Tensorboard

        recipe = RECIPES[model]
        recipe = replace(recipe, epochs=epochs or (SPRINT if target else recipe.epochs))
        job = Job(str(model), recipe, seed, _device(device), threads, target)
        make_folder(out, "--out")
        first = parallel.rank() == 0
        with parallel.group(job.device):
            with parallel.first_alone():
                mnist = data.load(_plain(console))
            if not first:
                run(job, mnist, out, Silence(), resume)
                return
            with Lines(console, recipe.epochs) as lines:
                watcher = Tensorboard(out, lines) if tensorboard else lines
                try:
                    metrics = run(job, mnist, out, watcher, resume)
                except KeyboardInterrupt:
                    typer.echo(
                        f"interrupted; {lines.done} epochs are saved in {out}: the same command "
                        "with --resume continues",
                        err=True,
                    )
                    raise typer.Exit(INTERRUPTED) from None
    if not lines.done:
        _plain(console)(f"{out}: already trained; without --resume it is trained again")
    _finish(metrics, out, console)


@app.command()
def seeds(
    model: ModelOption = Model.standard,
    epochs: EpochsOption = None,
    count: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="How many.")] = 5,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Trainings at a time. Default: one per core.", show_default=False),
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder. Default: cnn/runs/MODEL-seeds."),
    ] = None,
) -> None:
    """Train with several seeds; print mean, deviation, min and max; report on the best."""
    out = out or RUNS / f"{model}-seeds"
    console = Console(highlight=False)
    with one_line_errors(PROGRAM):
        from cnn import data
        from cnn.runs import adopt, report
        from cnn.seeds import train_seeds

        kind = _device(device)
        make_folder(out, "--out")
        mnist = data.load(_plain(console))
        options = ["--device", kind, "--threads", str(threads)]
        options += ["--epochs", str(epochs)] if epochs else []
        at_a_time = jobs or (1 if kind == "cuda" else max(1, (os.cpu_count() or 1) // threads))
        found = train_seeds(str(model), count, out, at_a_time, options, _plain(console))
        best = max(found.runs, key=lambda result: result.accuracy)
        adopt(out / f"seed-{best.seed}", out)
        metrics = report(out, mnist.validation)
    _plain(console)(f"\n{found.line()}")
    _plain(console)(f"report on the best, seed {best.seed}: {out / 'report.html'}")
    met = found.every_one_meets_the_accuracy and metrics.all_conditions_met
    raise typer.Exit(MET if met else NOT_MET)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", show_default=False)],
) -> None:
    """Write the report of a finished run again, from its weights and metrics.json."""
    console = Console(highlight=False)
    with one_line_errors(PROGRAM):
        from cnn import data
        from cnn.runs import report as report_again

        metrics = report_again(folder, data.load(_plain(console)).validation)
    _finish(metrics, folder, console)


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", show_default=False)],
    weights: Annotated[
        Path, typer.Option(metavar="FILE", help="Which network.", show_default="the best standard")
    ] = BEST,
) -> None:
    """Read the digit in each picture, dark on light or light on dark, of any size."""
    status = MET
    with one_line_errors(PROGRAM):
        import torch

        from cnn.checkpoint import load_model
        from cnn.data import Images
        from cnn.evaluation import answers
        from cnn.pictured import read_picture

        _, model = load_model(weights)
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("picture", overflow="fold")
        table.add_column("digit", justify="right")
        for digit in range(10):
            table.add_column(f"{digit}, %", justify="right", no_wrap=True)
        for path in images:
            try:
                picture = read_picture(path)
            except InputError as error:
                print_error(PROGRAM, error)
                status = BAD_INPUT
                continue
            asked = Images(picture[None], torch.zeros(1, dtype=torch.int64))
            chances = answers(model, asked).probabilities[0]
            likeliest = int(chances.argmax())
            table.add_row(str(path), str(likeliest), *(f"{100 * chance:.2f}" for chance in chances))
    if table.row_count:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = 1000  # a pipe has no width; paths must not be cut
        console.print(table, markup=False)
    raise typer.Exit(status)


@app.command()
def workbook(
    checkpoint: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Which network.", show_default="the best small"),
    ] = SMALL,
    digits: Annotated[int, typer.Option(help="How many test digits to select from.")] = 50,
    select: Annotated[
        int | None,
        typer.Option(
            help="Which of them is selected, from 1. Default: the network's worst mistake, if "
            "there is one."
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.xlsx", help="Where to write.")
    ] = Path("workbooks/mnist_cnn.xlsx"),
) -> None:
    """Write a network as a workbook of formulas, and compare the two."""
    console = Console(highlight=False)
    say = _plain(console)
    with one_line_errors(PROGRAM):
        from cnn import data
        from cnn.checkpoint import load_model
        from cnn.cross_check import cross_check
        from cnn.workbook.book import Look, build
        from cnn.workbook.digits import choose

        refuse_conflicts([checkpoint, *data.folder().glob("*")], [output])
        if is_stream(output):
            raise InputError(
                f"{output}: not a regular file, but the workbook is read again; give the name of a "
                "file"
            )
        name, model = load_model(checkpoint)
        chosen = choose(model, data.load(say).validation, digits)
        cells = build(model, chosen, Look.of(name, chosen, select), output)
        say(f"{output}: {cells:,} formula cells, {output.stat().st_size / 1e6:,.1f} MB")
        with console.status("comparing") as status:
            agreement = cross_check(output, model, status.update)
    say(str(agreement))
    raise typer.Exit(MET if agreement.agrees else NOT_MET)


def _device(name: str) -> str:
    """Return "cpu" or "cuda"; raises ``InputError`` for other names, or if there is no GPU."""
    import torch

    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"{name}: no such device; give --device auto, cpu or cuda")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise InputError("cuda: PyTorch finds no such GPU here; leave out --device, or give cpu")
    return "cuda" if there and name != "cpu" else "cpu"


def _plain(console: Console) -> Callable[[str], None]:
    """Return a function that prints a line unchanged: a path may contain brackets, and be long."""
    return lambda line: console.print(line, markup=False, soft_wrap=True)


def _finish(metrics: "Metrics", folder: Path, console: Console) -> NoReturn:
    """Print the table of the five conditions and the report's path, and exit accordingly."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("condition", "required", "reached", ""):
        table.add_column(heading, no_wrap=True)
    for condition in metrics.conditions:
        verdict = "[green]met[/]" if condition.met else "[red]NOT MET[/]"
        table.add_row(condition.name, condition.required, condition.reached, verdict)
    if not console.is_terminal:
        console.width = 120
    console.print()
    console.print(table)
    _plain(console)(f"\nreport: {folder / 'report.html'}")
    raise typer.Exit(MET if metrics.all_conditions_met else NOT_MET)


if __name__ == "__main__":
    app(prog_name="python -m cnn")
