"""The commands: parse, call, print, exit code.

Exit status: 0 everything agrees, 1 something differs, 2 could not check, or bad input.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from workbook_tools import __version__
from workbook_tools.engines import ENGINES
from workbook_tools.errors import BAD_INPUT, InputError, one_line_errors, print_error
from workbook_tools.files import make_folder, write_text
from workbook_tools.places import refuse_conflicts
from workbook_tools.vocabulary import Loss, Optimizer

if TYPE_CHECKING:
    from workbook_tools.checking.class_outputs import Outputs
    from workbook_tools.checking.classroom import How
    from workbook_tools.checking.findings import Report
    from workbook_tools.checking.submissions import Submission

# Each command imports what it needs: matplotlib and pandas would slow down every start.

PROGRAM = "workbook-tools"
AGREES, DIFFERS, NOT_CHECKED = 0, 1, BAD_INPUT
INTERRUPTED = 130  # as shells have it: 128 + SIGINT

app = typer.Typer(
    help="Train neural networks inside Excel workbooks, and prove every cell right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Engine = StrEnum("Engine", {name: name for name in ENGINES})  # type: ignore[misc]
DEFAULT_ENGINE = Engine("embedded")

Workbooks = Annotated[list[Path], typer.Argument(metavar="WORKBOOK.xlsx...", show_default=False)]
WorkbooksOrFolders = Annotated[
    list[Path], typer.Argument(metavar="WORKBOOK.xlsx|FOLDER...", show_default=False)
]
RecalculatedBy = Annotated[
    Engine, typer.Option(help="What recalculates the workbook; cached: nothing does.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workbook-tools {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Train neural networks inside Excel workbooks, and prove every cell right."""


@app.command()
def new(
    layers: Annotated[
        str,
        typer.Argument(
            metavar="LAYERS",
            help='Units by layer: 4-6-3. On images: "image 8x8, convolution 3x3 to 2, 10".',
        ),
    ],
    activation: Annotated[
        str,
        typer.Option(metavar="A,B", help="Of each layer with weights. Default: by the loss."),
    ] = "",
    loss: Annotated[Loss, typer.Option(help="What training makes small.")] = (
        Loss.HALF_SQUARED_ERROR
    ),
    optimizer: Annotated[
        Optimizer, typer.Option(help="How weights follow their gradients.")
    ] = Optimizer.GRADIENT_DESCENT,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Samples; its first row names columns.")
    ] = None,
) -> None:
    """Print a commented spec to start from."""
    from workbook_tools.new_spec import Wish, new_spec

    with one_line_errors(PROGRAM):
        refuse_conflicts([data] if data else [], [])  # it may be printed into the data
        activations = [word.strip() for word in activation.split(",") if word.strip()]
        typer.echo(new_spec(Wish(layers, activations, loss, optimizer, data)), nl=False)


@app.command()
def build(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC.toml...", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|DIR",
            help="Where to write: an .xlsx file (one spec), or a folder. Default: beside the spec.",
        ),
    ] = None,
) -> None:
    """Write the workbook of each spec, with every cell's value in it."""
    from workbook_tools.experiment import files_read
    from workbook_tools.writing.workbook import BUILD_STEPS
    from workbook_tools.writing.workbook import build as build_workbook

    out = Console(highlight=False)
    with one_line_errors(PROGRAM):
        targets = [_target(spec, output, len(specs)) for spec in specs]
        refuse_conflicts([path for spec in specs for path in files_read(spec)], targets)
        if output is not None and targets[0] != output:
            make_folder(output, "-o")
        for spec, target in zip(specs, targets, strict=True):
            with _progress(spec, BUILD_STEPS) as step:
                cells = build_workbook(spec, target, step, partial(_print_plan, out, target))
            size = target.stat().st_size / 1e6
            done = f"{target}: {cells:,} formula cells, {size:,.1f} MB"
            out.print(done, soft_wrap=True, markup=False)


def _print_plan(out: Console, target: Path, plan: str) -> None:
    out.print(f"{target}: {plan}", soft_wrap=True, markup=False)


def _target(spec: Path, output: Path | None, specs: int) -> Path:
    """Return the workbook that a spec is written to."""
    if not spec.name:
        raise InputError(f"{spec}: is a folder; give a spec")
    if output is None:
        return spec.with_suffix(".xlsx")
    if output.suffix == ".xlsx" and not os.path.isdir(output):
        if specs > 1:
            raise InputError(f"{output}: one file for {specs} specs; give -o a folder instead")
        return output
    return output / spec.with_suffix(".xlsx").name


@app.command()
def verify(
    workbooks: WorkbooksOrFolders,
    engine: RecalculatedBy = DEFAULT_ENGINE,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the report as JSON; - is standard output."
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="R",
            help="Largest relative difference that agrees. Default: by engine.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the report as a web page; of a class, one for all and one for each.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a class: write a table, a row a workbook."),
    ] = None,
    marked: Annotated[
        Path | None,
        typer.Option(
            "--annotate", metavar="FILE.xlsx", help="Write a copy in which mistakes are marked."
        ),
    ] = None,
    mended: Annotated[
        Path | None,
        typer.Option(
            "--fix",
            metavar="FILE.xlsx",
            help="Write a copy with the suggested formulas, recalculated.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Of a class: processes. Default: all cores.")
    ] = os.cpu_count() or 1,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Of a class: how long one workbook may take."
        ),
    ] = 60.0,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a class: of a Dask cluster that does the work."),
    ] = None,
) -> None:
    """Find each training table by its labels and check every formula cell of it.

    A folder, or several workbooks with --html or --csv, are a class: a row for each.
    """
    from workbook_tools.checking.class_outputs import Outputs
    from workbook_tools.checking.copies import refuse_places, write_marked, write_mended
    from workbook_tools.checking.reports import print_report, to_json
    from workbook_tools.checking.submissions import find_submissions
    from workbook_tools.checking.verify import VERIFY_STEPS
    from workbook_tools.checking.verify import verify as verify_workbook

    copies = [path for path in (marked, mended) if path is not None]
    if copies:
        with one_line_errors(PROGRAM):
            if len(workbooks) > 1 or os.path.isdir(workbooks[0]):
                raise InputError(f"{copies[0]}: a copy of one workbook; give one workbook")
            refuse_places(workbooks[0], *copies)
    if tolerance is not None and not math.isfinite(tolerance):
        raise typer.BadParameter("give a finite number", param_hint="--tolerance")
    json_to_stdout = json_file is not None and str(json_file) == "-"
    out = Console(stderr=json_to_stdout, highlight=False)
    if not out.is_terminal:
        out.width = 100  # a pipe has no width; tables are cut to it
    several = len(workbooks) > 1 and html is not None
    is_class = several or csv or scheduler or any(map(os.path.isdir, workbooks))
    outputs = Outputs(csv, html, json_file)
    with one_line_errors(PROGRAM):
        submissions = find_submissions(workbooks)
        read = [submission.path for submission in submissions]
        refuse_conflicts(read, copies + (outputs.written(read) if is_class else outputs.files))
    if is_class:
        from workbook_tools.checking.classroom import How

        how = How(engine.value, tolerance, timeout, jobs, scheduler)
        _verify_class(submissions, how, outputs, out)
    status = AGREES
    reports: list[Report] = []
    for workbook in workbooks:
        try:
            with _progress(workbook, VERIFY_STEPS) as step:
                report = verify_workbook(workbook, engine.value, tolerance, step)
        except (InputError, OSError) as error:
            print_error(PROGRAM, error)
            status = NOT_CHECKED
            continue
        print_report(report, out)
        if html is not None:
            from workbook_tools.checking.html_report import write_html

            with one_line_errors(PROGRAM):
                write_html(report, html)
        reports.append(report)
        status = max(status, {"pass": AGREES, "fail": DIFFERS}.get(report.verdict, NOT_CHECKED))
    with one_line_errors(PROGRAM):
        if json_file is not None and reports:
            documents = [to_json(report) for report in reports]
            _write_json(documents[0] if len(workbooks) == 1 else documents, json_file)
        if marked is not None and reports:
            write_marked(reports[0], workbooks[0], marked)
        if mended is not None and reports:
            done = write_mended(reports[0], workbooks[0], mended, engine.value)
            out.print(f"{mended}: {done}", soft_wrap=True, markup=False)
    raise typer.Exit(status)


def _verify_class(
    submissions: "list[Submission]", how: "How", outputs: "Outputs", out: Console
) -> NoReturn:
    from workbook_tools.checking.class_terminal import class_progress, print_class
    from workbook_tools.checking.classroom import InterruptedRunError, check_class
    from workbook_tools.checking.reports import json_text

    with one_line_errors(PROGRAM):
        try:
            with class_progress(len(submissions)) as on_done:
                result = check_class(submissions, how, outputs, on_done)
        except InterruptedRunError as interruption:
            print_error(PROGRAM, interruption)
            raise typer.Exit(INTERRUPTED) from None
        print_class(result.rows, out)
        if str(outputs.json) == "-" and result.documents:
            typer.echo(json_text(result.documents), nl=False)
    statuses = {"pass": AGREES, "fail": DIFFERS}
    raise typer.Exit(
        max(
            NOT_CHECKED if row.why else statuses.get(row.verdict, NOT_CHECKED)
            for row in result.rows
        )
    )


@app.command()
def explain(
    workbooks: Workbooks,
    engine: RecalculatedBy = DEFAULT_ENGINE,
) -> None:
    """Say how each training table was understood: columns, wiring, rate, what was assumed."""
    from workbook_tools.checking.reports import print_explanation
    from workbook_tools.checking.verify import VERIFY_STEPS
    from workbook_tools.checking.verify import verify as verify_workbook

    with one_line_errors(PROGRAM):
        refuse_conflicts(workbooks, [])
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 100
    status = AGREES
    for workbook in workbooks:
        try:
            with _progress(workbook, VERIFY_STEPS) as step:
                report = verify_workbook(workbook, engine.value, on_step=step)
        except (InputError, OSError) as error:
            print_error(PROGRAM, error)
            status = NOT_CHECKED
            continue
        print_explanation(report, out)
        status = status if report.tables or report.network else NOT_CHECKED
    raise typer.Exit(status)


def _write_json(document: object, path: Path) -> None:
    from workbook_tools.checking.reports import json_text

    if str(path) == "-":
        typer.echo(json_text(document), nl=False)
        return
    write_text(path, json_text(document))


@contextmanager
def _progress(path: Path, steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal, nothing in a pipe; yield what says the next step."""
    console = Console(stderr=True)
    bar = Progress(
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(path.name, total=steps, completed=-1)  # the first step is not done yet
        yield lambda step: bar.update(task, description=f"{path.name}: {step}", advance=1)
