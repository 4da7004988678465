"""``workbook-tools verify``: check workbooks one by one, or a class of them."""

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from workbook_tools.checking.limits import TIMEOUT
from workbook_tools.commands.exit_status import (
    AGREES,
    INTERRUPTED,
    NOT_CHECKED,
    PROGRAM,
    of_verdict,
)
from workbook_tools.commands.options import (
    DEFAULT_ENGINE,
    Debug,
    Engine,
    RecalculatedBy,
    Timeout,
    WorkbooksOrFolders,
)
from workbook_tools.commands.terminal import console, progress, write_json
from workbook_tools.errors import InputError, one_line_errors, print_error
from workbook_tools.package.files import put_file, write_text
from workbook_tools.package.places import refuse_conflicts

if TYPE_CHECKING:
    from workbook_tools.checking.alone import Wish
    from workbook_tools.classroom.outputs import Outputs
    from workbook_tools.classroom.run import How
    from workbook_tools.classroom.submissions import Submission


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
            help="Largest relative difference that counts as agreement. Default: by engine.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Harmless findings fail a workbook, too.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the report as a web page; for a class, an overview and a page each.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="For a class: write a table with a row for each workbook."
        ),
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
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="CELL",
            help="The loss, if the sheet does not say: Sheet1!F20; see --parameters.",
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CELLS",
            help="What is learned by --loss: Sheet1!B2:C4. May be given several times.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="For a class: number of processes. Default: all cores."
        ),
    ] = os.cpu_count() or 1,
    timeout: Timeout = TIMEOUT,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="For a class: Dask scheduler that distributes the work."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Find each training table by its labels and check every formula cell in it.

    A folder, or several workbooks with --html or --csv, are checked as a class.
    """
    if tolerance is not None and not math.isfinite(tolerance):
        raise typer.BadParameter("give a finite number", param_hint="--tolerance")
    if (loss is None) != (not parameters):
        raise typer.BadParameter("give both or none", param_hint="--loss, --parameters")
    out = console(stderr=str(json_file) == "-")
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.checking.alone import Wish
        from workbook_tools.classroom.outputs import Outputs
        from workbook_tools.classroom.submissions import find_submissions

        several = len(workbooks) > 1 and html is not None
        is_class = bool(several or csv or scheduler or any(map(os.path.isdir, workbooks)))
        outputs = Outputs(csv, html, json_file)
        copies = _copies(workbooks, marked, mended, engine)
        submissions = find_submissions(workbooks)
        read = [submission.path for submission in submissions]
        refuse_conflicts(read, copies + (outputs.written(read) if is_class else outputs.files))
        if loss is not None and len(workbooks) > 1 - is_class:
            raise InputError("--loss: is a cell of one workbook; give one workbook only")
        if is_class:
            from workbook_tools.classroom.run import How

            how = How(engine.value, tolerance, timeout, jobs, scheduler, strict)
            raise typer.Exit(_verify_class(submissions, how, outputs, out))
        wishes = [
            Wish(
                path,
                engine.value,
                tolerance,
                bool(html),
                marked,
                mended,
                strict,
                loss=loss,
                parameters=tuple(parameters or ()),
            )
            for path in workbooks
        ]
        raise typer.Exit(_verify_each(wishes, outputs, timeout, out, debug))


def _copies(
    workbooks: list[Path], marked: Path | None, mended: Path | None, engine: Engine
) -> list[Path]:
    """Return where copies are to be written; raise ``InputError`` if none can be made."""
    copies = [path for path in (marked, mended) if path is not None]
    if copies:
        from workbook_tools.reporting.copies import refuse_cached, refuse_places

        if len(workbooks) > 1 or os.path.isdir(workbooks[0]):
            raise InputError(f"{copies[0]}: is a copy of one workbook; give one workbook only")
        refuse_places(workbooks[0], *copies)
        if mended:
            refuse_cached(mended, engine.value)
    return copies


def _verify_each(
    wishes: list["Wish"], outputs: "Outputs", timeout: float, out: Console, debug: bool
) -> int:
    """Check workbooks one after the other, print and write the reports; return the exit status."""
    from workbook_tools.checking.alone import CHECK_STEPS, checks
    from workbook_tools.reporting.json_document import to_json
    from workbook_tools.reporting.terminal import print_report

    status = AGREES
    documents = []
    with checks(timeout) as check:
        for wish in wishes:
            try:
                with progress(wish.path, CHECK_STEPS) as step:
                    found = check(wish, step)
            except InputError as error:
                print_error(PROGRAM, error, debug)
                status = NOT_CHECKED
                continue
            print_report(found.report, out)
            status = max(status, of_verdict(found.report.verdict))
            documents.append(to_json(found.report))
            if outputs.html is not None and found.html is not None:
                write_text(outputs.html, found.html)
            if wish.marked is not None and found.marked is not None:
                put_file(found.marked, wish.marked)
            if wish.mended is not None and found.mended is not None:
                put_file(found.mended, wish.mended)
                out.print(f"{wish.mended}: {found.summary}", soft_wrap=True, markup=False)
    if outputs.json is not None and documents:
        write_json(documents[0] if len(wishes) == 1 else documents, outputs.json)
    return status


def _verify_class(
    submissions: "list[Submission]", how: "How", outputs: "Outputs", out: Console
) -> int:
    """Check a class, print and write the reports; return the exit status."""
    from workbook_tools.checking.alone import discard_prepared
    from workbook_tools.classroom.run import InterruptedRunError, check_class
    from workbook_tools.classroom.terminal import class_progress, print_class

    discard_prepared()
    try:
        with class_progress(len(submissions)) as on_done:
            result = check_class(submissions, how, outputs, on_done)
    except InterruptedRunError as interruption:
        print_error(PROGRAM, interruption)
        return INTERRUPTED
    print_class(result.rows, out)
    if str(outputs.json) == "-" and result.documents:
        write_json(result.documents, Path("-"))
    return max(NOT_CHECKED if row.why else of_verdict(row.verdict) for row in result.rows)
