"""The exception that a user sees, in one line: what is wrong, where, and what to do."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbook_tools.texts import shortened_inside

BAD_INPUT = 2
_PACKAGE = Path(__file__).parent
_MOST = 300  # characters of a message
_MOST_OF_PLACE = 100  # characters of the path at its beginning, if the message is too long


class InputError(Exception):
    """Something that the user can correct: a bad spec or workbook, a missing program, a full disk.

    The message is one line and needs no context; the command line prints it and exits with status
    2, without a traceback. It is cut to 300 characters: the path keeps its end, and the rest its
    beginning (what is wrong) and its end (what to do).
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
    """Return the message for an unexpected exception, with its place in the program."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    where = ""
    if own:
        where = f" in {Path(own[-1].filename).relative_to(_PACKAGE)}, line {own[-1].lineno}"
    what = f"{type(error).__name__}{where}: {error}"
    return f"the program failed ({what}); please report this, with the output of --debug"


class BrokenError(InputError):
    """An unexpected failure; ``trace`` is its traceback."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


def print_error(program: str, error: Exception, debug: bool = False) -> None:
    """Print a failure in one line; with ``debug``, after the traceback of an unexpected one."""
    with suppress(OSError):  # standard error may be closed
        if debug and isinstance(error, BrokenError):
            print(error.trace, end="", file=sys.stderr)
        print(f"{program}: {error}", file=sys.stderr, flush=True)


def forget_output() -> None:
    """Keep Python from writing the rest of the output at exit, which would fail again."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


@contextmanager
def one_line_errors(program: str, debug: bool = False) -> Iterator[None]:
    """Turn any failure into one line and exit status 2; ``debug`` shows its traceback too."""
    import typer  # here, because workers need no command line

    try:
        yield
    except InputError as error:
        print_error(program, error, debug)
        raise typer.Exit(BAD_INPUT) from error
    except (typer.Exit, typer.Abort, typer.BadParameter, KeyboardInterrupt, SystemExit):
        raise
    except OSError as error:  # for files that the user named, it would be an ``InputError``
        if isinstance(error, BrokenPipeError):
            raise
        place = f"{error.filename}: " if error.filename else "standard output or a temporary file: "
        print_error(program, InputError(f"{place}{error.strerror or error}; make room"))
        try:
            sys.stdout.flush()
        except OSError:  # it is the standard output that is full, and that has been said
            forget_output()
        raise typer.Exit(BAD_INPUT) from error
    except BaseException as error:  # a panic of an engine in Rust is no Exception
        print_error(program, BrokenError(broken(error), traceback.format_exc()), debug)
        raise typer.Exit(BAD_INPUT) from error
