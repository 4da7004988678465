"""``workbook-tools differentiate``: write the derivatives of a cell into a copy of a workbook."""

from pathlib import Path
from typing import Annotated

import typer

from workbook_tools.checking.limits import TIMEOUT
from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.options import Debug, Of, Parameters, Timeout, Workbook
from workbook_tools.commands.terminal import console
from workbook_tools.errors import one_line_errors


def differentiate(
    workbook: Workbook,
    of: Of,
    by: Parameters,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The copy. Default: beside the workbook, with _gradients in its name.",
        ),
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Also show one step of gradient descent with this learning rate.",
        ),
    ] = None,
    timeout: Timeout = TIMEOUT,
    debug: Debug = False,
) -> None:
    """Write the derivatives of a cell by all that it depends on, as formulas beside its own."""
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import done_alone
        from workbook_tools.gradients.workbook import Wanted, differentiated
        from workbook_tools.package.files import put_file
        from workbook_tools.reporting.copies import refuse_places
        from workbook_tools.reporting.differentiated import print_summary

        to = output or workbook.with_name(f"{workbook.stem}_gradients{workbook.suffix}")
        refuse_places(workbook, to)
        found = done_alone(
            timeout,
            differentiated,
            Wanted(workbook, of, tuple(by), step),
            finish=lambda done: put_file(done.file, to),
        )
        print_summary(found, to, console())
