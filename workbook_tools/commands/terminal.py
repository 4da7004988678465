"""What commands print on: a console, a progress bar, JSON on standard output or in a file."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from workbook_tools.package.files import write_text


def console(stderr: bool = False) -> Console:
    """Return the console that reports are printed on."""
    out = Console(stderr=stderr, highlight=False, emoji=False)
    if not out.is_terminal:
        out.width = 100  # a pipe has no width; tables are cut to it
    return out


def write_json(document: object, path: Path) -> None:
    """Write a JSON document; ``-`` is standard output."""
    from workbook_tools.reporting.json_document import json_text

    if str(path) == "-":
        plain = "utf" not in sys.stdout.encoding.lower()
        typer.echo(json_text(document, ensure_ascii=plain), nl=False)
        return
    write_text(path, json_text(document))


@contextmanager
def progress(path: Path, steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal, nothing in a pipe; yield what says the next step."""
    stderr = Console(stderr=True)
    bar = Progress(
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
    with bar:
        task = bar.add_task(path.name, total=steps, completed=-1)  # the first step is not done yet
        yield lambda step: bar.update(task, description=f"{path.name}: {step}", advance=1)
