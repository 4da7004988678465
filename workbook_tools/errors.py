"""The one exception that a user sees: what is wrong, where, and what to do."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from workbook_tools.shortening import shortened_inside

BAD_INPUT = 2
_PACKAGE = Path(__file__).parent
_LEAVING = (typer.Exit, typer.Abort, typer.BadParameter, KeyboardInterrupt, SystemExit)
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


def broken(error: BaseException) -> str:
    """Say of an unexpected failure what it is, and where in the program it came about."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    where = ""
    if own:
        where = f" in {Path(own[-1].filename).relative_to(_PACKAGE)}, line {own[-1].lineno}"
    what = f"{type(error).__name__}{where}: {error}"
    return f"the program broke ({what}); please report it, with what --debug shows"


class BrokenError(InputError):
    """Something that was not expected; ``trace`` says where it came about."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


def print_error(program: str, error: Exception, debug: bool = False) -> None:
    """Print a failure in its one line, with ``debug`` after the traceback of a broken check."""
    with suppress(OSError):  # there may be nobody to hear it
        if debug and isinstance(error, BrokenError):
            typer.echo(error.trace, err=True, nl=False)
        typer.echo(f"{program}: {error}", err=True)


@contextmanager
def one_line_errors(program: str, debug: bool = False) -> Iterator[None]:
    """Turn any failure into its one line and exit status 2; ``debug`` shows its traceback too."""
    try:
        yield
    except InputError as error:
        print_error(program, error, debug)
        raise typer.Exit(BAD_INPUT) from error
    except _LEAVING:
        raise
    except OSError as error:  # of files that the user named, ``InputError`` is raised
        if isinstance(error, BrokenPipeError):
            raise
        place = f"{error.filename}: " if error.filename else "standard output or a temporary file: "
        print_error(program, InputError(f"{place}{error.strerror or error}; make room"))
        raise typer.Exit(BAD_INPUT) from error
    except BaseException as error:  # what Rust panics with is no Exception
        print_error(program, BrokenError(broken(error), traceback.format_exc()), debug)
        raise typer.Exit(BAD_INPUT) from error
