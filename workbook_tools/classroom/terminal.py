"""What a terminal shows of a class: a bar while it is checked, then a row a workbook."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid
from rich.text import Text

from workbook_tools.classroom.row import Row, Verdict
from workbook_tools.judging.findings import counted
from workbook_tools.shortening import shortened

_LONGEST = 110  # letters of a finding; its report has all
_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red"}


@contextmanager
def class_progress(total: int) -> Iterator[Callable[[Row], None]]:
    """Show a bar on a terminal, nothing in a pipe; yield what hears of each workbook."""
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
    """Print a row for each workbook, and how many there are of each verdict."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("workbook", overflow="fold")
    grid.add_column("verdict", no_wrap=True)
    grid.add_column("findings", justify="right", no_wrap=True)
    grid.add_column("the first, or why there is no verdict", overflow="fold")
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
