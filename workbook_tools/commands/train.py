"""``workbook-tools train``: lay out the model of a workbook as a training."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid
from rich.text import Text

from workbook_tools.checking.limits import TIMEOUT
from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.options import Debug, Of, Parameters, Timeout, Workbook
from workbook_tools.commands.terminal import console
from workbook_tools.errors import InputError, one_line_errors
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.texts import counted


def train(
    workbook: Workbook,
    of: Of,
    by: Parameters,
    learning_rates: Annotated[
        str, typer.Option(metavar="RATES", help="One sheet for each: 0.1,0.5,1.")
    ],
    iterations: Annotated[int, typer.Option(min=2, help="How many rows each sheet has.")] = 100,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="How many samples an iteration uses; by default all."),
    ] = None,
    optimizer: Annotated[
        Optimizer, typer.Option(help="How the parameters are updated.")
    ] = Optimizer.GRADIENT_DESCENT,
    schedule: Annotated[
        Schedule, typer.Option(help="How the learning rate changes.")
    ] = Schedule.CONSTANT,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=NUMBER",
            help="A setting of the optimizer or schedule, as in specs: momentum=0.8.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The new workbook. Default: beside the other, with _training in its name.",
        ),
    ] = None,
    timeout: Timeout = TIMEOUT,
    debug: Debug = False,
) -> None:
    """Let the model in a workbook learn: a new workbook with one row for each iteration."""
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import done_alone
        from workbook_tools.package.files import put_file
        from workbook_tools.package.places import refuse_conflicts
        from workbook_tools.training.options import training_of
        from workbook_tools.training.workbook import Wanted, trained

        to = output or workbook.with_name(f"{workbook.stem}_training.xlsx")
        if to.suffix != ".xlsx":
            raise InputError(f"{to}: the new workbook needs the suffix .xlsx")
        refuse_conflicts([workbook], [to])
        training = training_of(
            learning_rates, iterations, optimizer, schedule, settings or [], batch
        )
        found = done_alone(
            timeout,
            trained,
            Wanted(workbook, of, tuple(by), training),
            finish=lambda done: put_file(done.file, to),
        )
        out = console()
        out.print(Text(str(to), style="bold"), soft_wrap=True)
        said = f"{counted(found.parameters, 'parameter')}, {counted(found.columns, 'column')}"
        out.print(Text(f"\n{said}\n"), soft_wrap=True)
        grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        grid.add_column("learning rate", justify="right")
        for heading in ("at iteration 1", f"at iteration {iterations:,}"):
            grid.add_column(f"{found.of} {heading}", justify="right")
        for own in found.results:
            last = own.last if isinstance(own.last, str) else f"{own.last:.10g}"
            grid.add_row(f"{own.rate:g}", f"{own.first:.10g}", last)
        out.print(grid)
