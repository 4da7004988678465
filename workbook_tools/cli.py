"""The commands: parse, call, print, exit code.

Exit status: 0 everything agrees, 1 something differs, 2 could not check, or bad input.
"""

import io
import math
import os
import signal
import sys
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
from workbook_tools.checking.limits import TIMEOUT
from workbook_tools.engines import ENGINES
from workbook_tools.errors import BAD_INPUT, InputError, one_line_errors, print_error
from workbook_tools.notation.vocabulary import Loss, Optimizer
from workbook_tools.package.files import make_folder, put_file, write_text
from workbook_tools.package.places import refuse_conflicts

if TYPE_CHECKING:
    from workbook_tools.checking.alone import Wish
    from workbook_tools.classroom.outputs import Outputs
    from workbook_tools.classroom.run import How
    from workbook_tools.classroom.submissions import Submission

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


def _place(text: str) -> Path:
    if not text:  # to a path that is the folder one stands in
        raise typer.BadParameter("an empty name; give a workbook")
    return Path(text)


Workbooks = Annotated[
    list[Path],
    typer.Argument(metavar="WORKBOOK.xlsx...", show_default=False, parser=_place),
]
WorkbooksOrFolders = Annotated[
    list[Path],
    typer.Argument(metavar="WORKBOOK.xlsx|FOLDER...", show_default=False, parser=_place),
]
RecalculatedBy = Annotated[
    Engine, typer.Option(help="What recalculates the workbook; cached: nothing does.")
]
Timeout = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="How long one workbook may take.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an unexpected failure came from.")]


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


def run() -> None:
    """Run the command line as a program of its own: whatever happens, it says so in one line.

    Exit status 1 says only that something differs.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # which may be no UTF-8
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name=PROGRAM)
    except SystemExit as leaving:
        status = leaving.code
        if isinstance(leaving.__context__, BrokenPipeError):
            status = BAD_INPUT  # whoever read the output has seen enough
            _forget_output()
    try:
        sys.stdout.flush()
    except OSError as error:
        _forget_output()
        if not isinstance(error, BrokenPipeError):
            print_error(PROGRAM, InputError(f"standard output: {error.strerror}; make room"))
        status = BAD_INPUT
    sys.exit(status)


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)  # not at once: what was begun is cleaned up


def _forget_output() -> None:
    """Keep Python from writing the rest of the output when it ends."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


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
    debug: Debug = False,
) -> None:
    """Print a commented spec to start from."""
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.spec.new import Wish, new_spec

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
    debug: Debug = False,
) -> None:
    """Write the workbook of each spec, with every cell's value in it."""
    out = Console(highlight=False)
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.spec.experiment import files_read
        from workbook_tools.writing.workbook import BUILD_STEPS
        from workbook_tools.writing.workbook import build as build_workbook

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
    timeout: Timeout = TIMEOUT,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a class: of a Dask cluster that does the work."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Find each training table by its labels and check every formula cell of it.

    A folder, or several workbooks with --html or --csv, are a class: a row for each.
    """
    if tolerance is not None and not math.isfinite(tolerance):
        raise typer.BadParameter("give a finite number", param_hint="--tolerance")
    out = _console(stderr=str(json_file) == "-")
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import Wish
        from workbook_tools.classroom.outputs import Outputs
        from workbook_tools.classroom.run import How
        from workbook_tools.classroom.submissions import find_submissions

        several = len(workbooks) > 1 and html is not None
        is_class = bool(several or csv or scheduler or any(map(os.path.isdir, workbooks)))
        outputs = Outputs(csv, html, json_file)
        copies = _copies(workbooks, marked, mended, engine)
        submissions = find_submissions(workbooks)
        read = [submission.path for submission in submissions]
        refuse_conflicts(read, copies + (outputs.written(read) if is_class else outputs.files))
        if is_class:
            how = How(engine.value, tolerance, timeout, jobs, scheduler)
            raise typer.Exit(_verify_class(submissions, how, outputs, out))
        wishes = [
            Wish(path, engine.value, tolerance, bool(html), marked, mended) for path in workbooks
        ]
        raise typer.Exit(_verify_each(wishes, timeout, json_file, html, marked, mended, out, debug))


def _copies(
    workbooks: list[Path], marked: Path | None, mended: Path | None, engine: Engine
) -> list[Path]:
    """Return where copies are to be written; raise ``InputError`` if none can be made of this."""
    copies = [path for path in (marked, mended) if path is not None]
    if copies:
        from workbook_tools.reporting.copies import refuse_places

        if len(workbooks) > 1 or os.path.isdir(workbooks[0]):
            raise InputError(f"{copies[0]}: a copy of one workbook; give one workbook")
        refuse_places(workbooks[0], *copies)
    if mended and engine.value == "cached":
        raise InputError(
            f"{mended}: a mended copy is recalculated, for which --engine cached will not do; "
            "use another"
        )
    return copies


def _verify_each(
    wishes: list["Wish"],
    timeout: float,
    json_file: Path | None,
    html: Path | None,
    marked: Path | None,
    mended: Path | None,
    out: Console,
    debug: bool,
) -> int:
    """Check workbooks one after the other, print and write the reports; return the exit status."""
    from workbook_tools.checking.alone import CHECK_STEPS, checks
    from workbook_tools.reporting.reports import print_report, to_json

    status = AGREES
    documents = []
    with checks(timeout) as check:
        for wish in wishes:
            try:
                with _progress(wish.path, CHECK_STEPS) as step:
                    found = check(wish, step)
            except InputError as error:
                print_error(PROGRAM, error, debug)
                status = NOT_CHECKED
                continue
            report = found.report
            print_report(report, out)
            status = max(status, {"pass": AGREES, "fail": DIFFERS}.get(report.verdict, NOT_CHECKED))
            documents.append(to_json(report))
            if html is not None and found.html is not None:
                write_text(html, found.html)
            if marked is not None and found.marked is not None:
                put_file(found.marked, marked)
            if mended is not None and found.mended is not None:
                put_file(found.mended, mended)
                out.print(f"{mended}: {found.summary}", soft_wrap=True, markup=False)
    if json_file is not None and documents:
        _write_json(documents[0] if len(wishes) == 1 else documents, json_file)
    return status


def _verify_class(
    submissions: "list[Submission]", how: "How", outputs: "Outputs", out: Console
) -> int:
    """Check a class, print and write the reports; return the exit status."""
    from workbook_tools.classroom.run import InterruptedRunError, check_class
    from workbook_tools.classroom.terminal import class_progress, print_class

    try:
        with class_progress(len(submissions)) as on_done:
            result = check_class(submissions, how, outputs, on_done)
    except InterruptedRunError as interruption:
        print_error(PROGRAM, interruption)
        return INTERRUPTED
    print_class(result.rows, out)
    if str(outputs.json) == "-" and result.documents:
        _write_json(result.documents, Path("-"))
    statuses = {"pass": AGREES, "fail": DIFFERS}
    return max(
        NOT_CHECKED if row.why else statuses.get(row.verdict, NOT_CHECKED) for row in result.rows
    )


@app.command()
def explain(
    workbooks: Workbooks,
    engine: RecalculatedBy = DEFAULT_ENGINE,
    timeout: Timeout = TIMEOUT,
    debug: Debug = False,
) -> None:
    """Say how each training table was understood: columns, wiring, rate, what was assumed."""
    out = _console()
    status = AGREES
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import CHECK_STEPS, Wish, checks
        from workbook_tools.reporting.reports import print_explanation

        refuse_conflicts(workbooks, [])
        with checks(timeout) as check:
            for workbook in workbooks:
                try:
                    with _progress(workbook, CHECK_STEPS) as step:
                        report = check(Wish(workbook, engine.value), step).report
                except InputError as error:
                    print_error(PROGRAM, error, debug)
                    status = NOT_CHECKED
                    continue
                print_explanation(report, out)
                status = status if report.tables or report.network else NOT_CHECKED
    raise typer.Exit(status)


def _console(stderr: bool = False) -> Console:
    out = Console(stderr=stderr, highlight=False)
    if not out.is_terminal:
        out.width = 100  # a pipe has no width; tables are cut to it
    return out


def _write_json(document: object, path: Path) -> None:
    from workbook_tools.reporting.reports import json_text

    if str(path) == "-":
        plain = "utf" not in sys.stdout.encoding.lower()
        typer.echo(json_text(document, ensure_ascii=plain), nl=False)
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
