"""The one exception that a user sees: what is wrong, where, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

BAD_INPUT = 2


class InputError(Exception):
    """Something the user can mend: a bad spec or workbook, a missing program, a full disk.

    The message is one line and complete as it stands; the command line prints it and exits
    with status 2, without a traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def print_error(program: str, error: Exception) -> None:
    """Print an expected failure in its one line."""
    typer.echo(f"{program}: {error}", err=True)


@contextmanager
def one_line_errors(program: str) -> Iterator[None]:
    """Turn an expected failure into its one line and exit status 2."""
    try:
        yield
    except InputError as error:
        print_error(program, error)
        raise typer.Exit(BAD_INPUT) from error
