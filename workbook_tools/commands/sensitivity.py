"""``workbook-tools sensitivity``: which typed numbers move a cell of any workbook, and how much."""

from pathlib import Path
from typing import Annotated

import typer

from workbook_tools.checking.limits import TIMEOUT
from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.options import Debug, Timeout, Workbook
from workbook_tools.commands.terminal import console, write_json
from workbook_tools.errors import one_line_errors
from workbook_tools.package.places import refuse_conflicts


def sensitivity(
    workbook: Workbook,
    of: Annotated[str, typer.Option(metavar="CELL", help="The result: Sheet1!F20.")],
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CELLS",
            help="Which cells are changed: Sheet1!B2:C4. May be given several times. "
            "Default: all typed numbers that the result depends on.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a web page with a chart.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the whole table as CSV.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the table as JSON; - is standard output."
        ),
    ] = None,
    timeout: Timeout = TIMEOUT,
    debug: Debug = False,
) -> None:
    """Say which typed numbers move a result of any workbook, and how much."""
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import done_alone
        from workbook_tools.reporting.sensitivity import as_json, print_sensitivity, write_table
        from workbook_tools.reporting.sensitivity_page import write_page
        from workbook_tools.sensitivity.asked import Question, answered

        refuse_conflicts([workbook], [path for path in (html, csv, json_file) if path])
        found = done_alone(timeout, answered, Question(workbook, of, tuple(by or ())))
        if html:
            write_page(found, html)
        if csv:
            write_table(found, csv)
        if json_file:
            write_json(as_json(found), json_file)
        if str(json_file) != "-":
            print_sensitivity(found, console())
