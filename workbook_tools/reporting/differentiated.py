"""What ``differentiate`` has written, printed on a terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from workbook_tools.gradients.workbook import Summary
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.reporting.cells import named
from workbook_tools.texts import counted

_MOST = 20  # parameters that are listed


def print_summary(found: Summary, to: Path, console: Console) -> None:
    """Print the derivative by each parameter, and where it is."""
    console.print(Text(str(to), style="bold"), soft_wrap=True)
    said = f"\n{named(found.of)} = {found.value:.10g}"
    if found.after is not None:
        said += f", after the step {_shown(found.after)}"
    console.print(Text(said + "\n"), soft_wrap=True)
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("parameter", no_wrap=True)
    for heading in ("its value", "derivative"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("written in", overflow="fold")
    for one in found.parameters[:_MOST]:
        row = [named(one.cell), f"{one.value:.4g}", _shown(one.derivative)]
        grid.add_row(*map(Text, [*row, named(one.written_in)]))
    console.print(grid)
    if (more := len(found.parameters) - _MOST) > 0:
        console.print(Text(f"and {counted(more, 'more parameter')}"), soft_wrap=True)
    sheets = ", ".join(map(repr, found.sheets.values()))
    said = f"\n{counted(found.count, 'derivative')} on {sheets}: each at the address of its cell"
    console.print(Text(said), soft_wrap=True)
    if found.left_out:
        left = f"Without one: {counted(found.left_out, 'cell')} ({found.why})"
        console.print(Text(left), soft_wrap=True)


def _shown(value: CellValue) -> str:
    if isinstance(value, CellError):
        return value.code
    return f"{value:.10g}" if isinstance(value, float) else str(value)
