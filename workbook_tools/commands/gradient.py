"""``workbook-tools gradient``: differentiate a cell of any workbook by others."""

from pathlib import Path
from typing import Annotated

import typer

from workbook_tools.checking.limits import TIMEOUT
from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.options import Debug, Of, Timeout, Workbook
from workbook_tools.commands.terminal import console, write_json
from workbook_tools.errors import one_line_errors
from workbook_tools.package.places import refuse_conflicts


def gradient(
    workbook: Workbook,
    of: Of,
    by: Annotated[
        list[str],
        typer.Option(
            metavar="CELLS", help="By which cells: Sheet1!B2:C4. May be given several times."
        ),
    ],
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the derivatives as JSON; - is standard output."
        ),
    ] = None,
    timeout: Timeout = TIMEOUT,
    debug: Debug = False,
) -> None:
    """Differentiate a cell of any workbook by others, exactly, and name the cells that show it."""
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import done_alone
        from workbook_tools.differentiation.asked import Question, answered
        from workbook_tools.reporting.derivatives import as_json, print_derivatives

        refuse_conflicts([workbook], [json_file] if json_file else [])
        found = done_alone(timeout, answered, Question(workbook, of, tuple(by)))
        if json_file:
            write_json(as_json(found), json_file)
        if str(json_file) != "-":
            print_derivatives(found, console())
