"""Shows a class on the terminal: a progress bar while it is checked, then one row per workbook."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid
from rich.text import Text

from workbook_tools.classroom.row import Row, Verdict
from workbook_tools.texts import counted, shortened

_LONGEST = 110  # characters of a finding; the workbook's own report has all of it
_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red"}


@contextmanager
def class_progress(total: int) -> Iterator[Callable[[Row], None]]:
    """Show a progress bar, but only on a terminal; yield a function to call for each workbook."""
    console = Console(stderr=True)
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda row: bar.update(task, description=row.file, advance=1)


def print_class(rows: Sequence[Row], console: Console) -> None:
    """Print a row for each workbook, and the number of each verdict."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("workbook", overflow="fold")
    grid.add_column("verdict", no_wrap=True)
    grid.add_column("findings", justify="right", no_wrap=True)
    grid.add_column("first finding, or why there is no verdict", overflow="fold")
    for row in rows:
        findings = sum(row.counts.values())
        verdict = Text(row.verdict, style=_COLOURS.get(Verdict(row.verdict), "yellow"))
        shown = f"{findings:,}" if findings else ""
        said = shortened(row.why or row.first, _LONGEST)
        grid.add_row(Text(row.file), verdict, shown, Text(said))
    console.print(grid)
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in Verdict}
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items() if count)
    console.print(Text(f"{counted(len(rows), 'workbook')}: {said}.", style="bold"))
