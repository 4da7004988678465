"""The one exception that a user sees: what is wrong, where, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from workbook_tools.shortening import shortened_inside

BAD_INPUT = 2
_MOST = 300  # letters of a message
_MOST_OF_PLACE = 100  # of the path at its beginning, if the message is too long


class InputError(Exception):
    """Something the user can mend: a bad spec or workbook, a missing program, a full disk.

    The message is one line and complete as it stands; the command line prints it and exits
    with status 2, without a traceback. However long the texts in it are, it has at most 300
    letters: the path keeps its end, what is said of it the beginning, and what to do at the end.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_of_a_line(" ".join(message.split())))


def _of_a_line(message: str) -> str:
    if len(message) <= _MOST:
        return message
    place, colon, said = message.partition(": ")
    if not colon:
        return shortened_inside(message, _MOST)
    if len(place) > _MOST_OF_PLACE:
        place = f"…{place[1 - _MOST_OF_PLACE :]}"
    return place + colon + shortened_inside(said, _MOST - len(place + colon))


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
