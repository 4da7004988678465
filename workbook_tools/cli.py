"""The command line: it registers the commands and runs them.

Exit status: 0 everything agrees, 1 something differs, 2 could not check, or bad input.
"""

import io
import signal
import sys
from typing import Annotated, NoReturn

import typer

from workbook_tools import __version__
from workbook_tools.commands.build import build
from workbook_tools.commands.differentiate import differentiate
from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.explain import explain
from workbook_tools.commands.gradient import gradient
from workbook_tools.commands.new import new
from workbook_tools.commands.sensitivity import sensitivity
from workbook_tools.commands.train import train
from workbook_tools.commands.verify import verify
from workbook_tools.errors import BAD_INPUT, InputError, forget_output, print_error

app = typer.Typer(
    help="Train neural networks inside Excel workbooks, and prove every cell right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (new, build, verify, explain, gradient, differentiate, train, sensitivity):
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
        if isinstance(leaving.__context__, BrokenPipeError):
            status = BAD_INPUT  # the reader has closed the pipe
            forget_output()
    try:
        sys.stdout.flush()
    except OSError as error:
        forget_output()
        if not isinstance(error, BrokenPipeError):
            print_error(PROGRAM, InputError(f"standard output: {error.strerror}; make room"))
        status = BAD_INPUT
    sys.exit(status)


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)  # raises SystemExit, so that temporary files are removed
