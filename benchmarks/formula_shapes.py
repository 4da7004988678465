"""Which shape of a convolution formula recalculates fast; how long a network workbook takes.

One layer, 12 maps of 24 × 24 from 8 maps by 3 × 3 kernels (6,912 cells of 72 products), written
with each shape: a SUMPRODUCT for each map, as the sheets have it, or every product spelled out.
Then, if a workbook is given, all of it: loading and recalculating, one pixel changed, LibreOffice.

    python benchmarks/formula_shapes.py [WORKBOOK]
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from openpyxl import Workbook

from workbook_tools.convolutional.book import open_book
from workbook_tools.engines import libreoffice
from workbook_tools.engines.embedded import Rerun
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import Cell, cell_name, range_name

MAPS, MADE, SIDE, KERNEL = 8, 12, 26, 3
STEP = SIDE + 1  # columns from a map to the next

Shape = Callable[[int, int, int], str]  # of the map that is made, its row and column


def sumproducts(made: int, y: int, x: int) -> str:
    """Write a SUMPRODUCT for each map that is read."""
    return "=" + "+".join(
        f"SUMPRODUCT({window(c, y, x)},Kernels!{kernel(made, c)})" for c in range(MAPS)
    )


def spelled_out(made: int, y: int, x: int) -> str:
    """Write every product."""
    return "=" + "+".join(
        f"Maps!{cell_name(1 + y + v, 1 + c * STEP + x + u)}"
        f"*Kernels!{cell_name(1 + made * KERNEL + v, 1 + c * KERNEL + u, absolute=True)}"
        for c in range(MAPS)
        for v in range(KERNEL)
        for u in range(KERNEL)
    )


def window(c: int, y: int, x: int) -> str:
    """Name the window of a map."""
    row, column = 1 + y, 1 + c * STEP + x
    return f"Maps!{range_name(row, column, row + KERNEL - 1, column + KERNEL - 1)}"


def kernel(made: int, c: int) -> str:
    """Name a kernel, absolute."""
    row, column = 1 + made * KERNEL, 1 + c * KERNEL
    last = cell_name(row + KERNEL - 1, column + KERNEL - 1, absolute=True)
    return f"{cell_name(row, column, absolute=True)}:{last}"


def layer(shape: Shape, path: Path) -> Path:
    """Write the layer with formulas of one shape."""
    draw = random.Random(1)
    workbook = Workbook()
    maps = workbook.active
    maps.title = "Maps"
    kernels, made = workbook.create_sheet("Kernels"), workbook.create_sheet("Made")
    for sheet, rows, columns in (
        (maps, SIDE, MAPS * STEP),
        (kernels, MADE * KERNEL, MAPS * KERNEL),
    ):
        for row in range(1, rows + 1):
            for column in range(1, columns + 1):
                sheet.cell(row, column, draw.uniform(-1, 1))
    inner = SIDE - KERNEL + 1
    for k in range(MADE):
        for y in range(inner):
            for x in range(inner):
                made.cell(1 + y, 1 + k * STEP + x, shape(k, y, x))
    workbook.save(path)
    return path


def seconds(run: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def measured(path: Path, pixel: tuple[str, int, int]) -> str:
    """Return how long a workbook takes: recalculated, with one number changed, in LibreOffice."""
    rerun: list[Rerun] = []

    def whole() -> None:
        rerun.append(Rerun(path))
        rerun[0].with_inputs({})

    parts = [
        f"{seconds(whole):.1f} s loaded and recalculated",
        f"{seconds(lambda: rerun[0].with_inputs({pixel: 0.5})):.2f} s with one number changed",
    ]
    if libreoffice.is_installed():
        parts.append(f"{seconds(lambda: libreoffice.recalculate(path)):.1f} s in LibreOffice")
    return f"{', '.join(parts)}, {path.stat().st_size / 1e6:.2f} MB without values"


def measure_network(path: Path) -> None:
    """Print how long a network's workbook takes, with the drawing shown when a pixel changes."""
    book = open_book(path)
    rerun = Rerun(path)
    trials: dict[str, dict[Cell, float | str]] = {
        "loaded and recalculated": {},
        "another digit": {book.inputs[names.SELECTED]: 2.0},
        "the drawing": {book.inputs[names.SELECTED]: names.DRAW},
        "one pixel": {book.section(names.DRAWING).cells.cell((0, 14, 14)): 255.0},
    }
    print(f"{path}, {path.stat().st_size / 1e6:.1f} MB")
    for what, inputs in trials.items():
        print(f"  {what}: {seconds(partial(rerun.with_inputs, inputs)):.2f} s")
    if libreoffice.is_installed():
        print(f"  LibreOffice: {seconds(partial(libreoffice.recalculate, path)):.1f} s")


def main() -> None:
    """Measure the shapes, then the workbook that is given."""
    with tempfile.TemporaryDirectory() as folder:
        for shape in (sumproducts, spelled_out):
            path = layer(shape, Path(folder, f"{shape.__name__}.xlsx"))
            longest = len(shape(0, 0, 0))
            said = measured(path, ("Maps", 13, 13))
            print(f"{shape.__name__}, {longest} characters a formula: {said}")
    for name in sys.argv[1:]:
        measure_network(Path(name))


if __name__ == "__main__":
    main()
