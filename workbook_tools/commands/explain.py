"""``workbook-tools explain``: say how each training table was understood."""

import typer

from workbook_tools.checking.limits import TIMEOUT
from workbook_tools.commands.exit_status import AGREES, NOT_CHECKED, PROGRAM
from workbook_tools.commands.options import (
    DEFAULT_ENGINE,
    Debug,
    RecalculatedBy,
    Timeout,
    Workbooks,
)
from workbook_tools.commands.terminal import console, progress
from workbook_tools.errors import InputError, one_line_errors, print_error
from workbook_tools.package.places import refuse_conflicts


def explain(
    workbooks: Workbooks,
    engine: RecalculatedBy = DEFAULT_ENGINE,
    timeout: Timeout = TIMEOUT,
    debug: Debug = False,
) -> None:
    """Say how each training table was understood, and what learns by which loss in any layout."""
    out = console()
    status = AGREES
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import CHECK_STEPS, Wish, checks
        from workbook_tools.reporting.terminal import print_explanation

        refuse_conflicts(workbooks, [])
        with checks(timeout) as check:
            for workbook in workbooks:
                try:
                    with progress(workbook, CHECK_STEPS) as step:
                        report = check(Wish(workbook, engine.value, explained=True), step).report
                except InputError as error:
                    print_error(PROGRAM, error, debug)
                    status = NOT_CHECKED
                    continue
                print_explanation(report, out)
                is_any = report.tables or report.network or report.models
                status = status if is_any else NOT_CHECKED
    raise typer.Exit(status)
