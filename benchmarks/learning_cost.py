"""How long it takes to find out what learns in a workbook, and to judge it, without any labels.

    python benchmarks/learning_cost.py [WORKBOOK...]

Without workbooks, those of two examples are taken, and one of 10,000 iterations is written first.
The yardstick is what comes before in any case: to read the workbook and to calculate it. Medians of
three rounds, all in one process.
"""

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from trees import ROOT

from workbook_tools.engines import compiled
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.learning.learned import learned
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.writing.workbook import build

ROUNDS, ITERATIONS = 3, 10_000


def timed(path: Path) -> tuple[int, float, float]:
    """Return the number of formulas, and the seconds before and for the derivatives."""
    begin = time.perf_counter()
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        iterations = package.iterations
    values = compiled.calculated(path, Graph.of(sheets), sheets, stored, iterations)
    middle = time.perf_counter()
    learned(sheets, values, iterations)
    end = time.perf_counter()
    return sum(sheet.formula_count() for sheet in sheets), middle - begin, end - middle


def main() -> None:
    """Print a line for each workbook."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(word) for word in sys.argv[1:]]
        if not paths:
            long = Path(folder) / f"{ITERATIONS:,} iterations.xlsx"
            spec = (ROOT / "workbooks" / "mazur.toml").read_text(encoding="utf-8")
            longer = Path(folder) / "long.toml"
            longer.write_text(
                re.sub("(?m)^iterations = .*", f"iterations = {ITERATIONS}", spec), encoding="utf-8"
            )
            build(longer, long)
            paths = [ROOT / "workbooks" / f"{name}.xlsx" for name in ("Back_Propogation", "xor")]
            paths.append(long)
        print(f"{'workbook':28} {'formulas':>9} {'before':>8} {'learning':>9} {'ratio':>6}")
        for path in paths:
            runs = [timed(path) for _ in range(ROUNDS)]
            count = runs[0][0]
            before, own = (statistics.median(run[k] for run in runs) for k in (1, 2))
            print(f"{path.name:28} {count:9,} {before:7.2f}s {own:8.2f}s {own / before:6.2f}")


if __name__ == "__main__":
    main()
