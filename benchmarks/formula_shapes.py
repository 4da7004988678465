"""Which shape of a convolution formula recalculates fast.

One layer, 12 maps of 24 × 24 from 8 maps by 3 × 3 kernels (6,912 cells of 72 products), written
with each shape: a SUMPRODUCT for each map, as the sheets have it, or every product spelled out.

    python benchmarks/formula_shapes.py
"""

import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from openpyxl import Workbook

from workbook_tools.engines import ENGINES, libreoffice, recalculate
from workbook_tools.notation.addresses import cell_name, range_name

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


def measured(path: Path) -> str:
    """Return how long each engine takes for a workbook."""
    parts = [
        f"{seconds(partial(recalculate, path, engine)):.1f} s {engine}"
        for engine in ENGINES
        if engine != "cached" and (engine != "libreoffice" or libreoffice.is_installed())
    ]
    return f"{', '.join(parts)}, {path.stat().st_size / 1e6:.2f} MB without values"


def main() -> None:
    """Measure the shapes."""
    with tempfile.TemporaryDirectory() as folder:
        for shape in (sumproducts, spelled_out):
            path = layer(shape, Path(folder, f"{shape.__name__}.xlsx"))
            longest = len(shape(0, 0, 0))
            print(f"{shape.__name__}, {longest} characters a formula: {measured(path)}")


if __name__ == "__main__":
    main()
