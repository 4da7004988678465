"""The command line: it registers the commands and runs them.

Exit status: 0 everything agrees, 1 something differs, 2 could not check, or bad input.
"""

import io
import os
import signal
import sys
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer

from workbook_tools import __version__
from workbook_tools.commands.build import build
from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.explain import explain
from workbook_tools.commands.gradient import gradient
from workbook_tools.commands.new import new
from workbook_tools.commands.verify import verify
from workbook_tools.errors import BAD_INPUT, InputError, print_error

app = typer.Typer(
    help="Train neural networks inside Excel workbooks, and prove every cell right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (new, build, verify, explain, gradient):
    app.command()(command)


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
    """Run the command line; every failure is reported in one line.

    Exit status 1 always means that something differs, so no failure ends with it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the terminal may not be UTF-8
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name=PROGRAM)
    except SystemExit as leaving:
        status = leaving.code
        failures = [*_before(leaving)]
        if any(isinstance(failure, BrokenPipeError) for failure in failures[:1]):
            status = BAD_INPUT  # the reader has closed the pipe
            _forget_output()
        elif any(type(failure) is OSError and not failure.filename for failure in failures):
            _forget_output()  # it is full, and that has been said
    try:
        sys.stdout.flush()
    except OSError as error:
        _forget_output()
        if not isinstance(error, BrokenPipeError):
            print_error(PROGRAM, InputError(f"standard output: {error.strerror}; make room"))
        status = BAD_INPUT
    sys.exit(status)


def _before(error: BaseException) -> Iterator[BaseException]:
    """Yield what an exception was raised after, the latest first."""
    while before := error.__cause__ or error.__context__:
        yield before
        error = before


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)  # raises SystemExit, so that temporary files are removed


def _forget_output() -> None:
    """Keep Python from writing the rest of the output at exit, which would fail again."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
