"""How long it takes to write the derivatives of a model, and what they cost in a recalculation.

    python benchmarks/differentiate_cost.py [CELLS]

The model is a classifier with a hidden layer and a softmax over samples in rows, of about CELLS
formulas (20,000 if none are named). The yardsticks: 5 seconds for the whole command, and Griewank's
cheap gradient principle, by which all derivatives of a program by reverse mode cost at most four
times the program itself. Recalculations are the best of several, everything calculated in the
`compiled` engine, without reading the file.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from openpyxl import Workbook
from trees import ROOT

from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import Program

INPUTS, HIDDEN, CLASSES = 4, 8, 3
A_ROW = 2 * HIDDEN + 3 * CLASSES + 2  # formulas
ROUNDS = 7


def model(path: Path, cells: int) -> int:
    """Write the model; return how many formulas it has."""
    rows = cells // A_ROW
    draw = random.Random(1)
    book = Workbook()
    data, weights, net = book.active, book.create_sheet("Weights"), book.create_sheet("Net")
    data.title = "Data"
    for _ in range(rows):
        data.append([round(draw.gauss(0, 1), 3) for _ in range(INPUTS)] + [draw.randrange(CLASSES)])
    for size, top in ((INPUTS, 1), (HIDDEN, HIDDEN + 1)):
        for unit in range(HIDDEN if size == INPUTS else CLASSES):
            for j in range(size + 1):
                weights.cell(top + unit, j + 1, round(draw.gauss(0, 0.5), 3))
    letters = [net.cell(1, k + 1).column_letter for k in range(A_ROW)]
    z, a = letters[:HIDDEN], letters[HIDDEN : 2 * HIDDEN]
    o, e, p = (letters[2 * HIDDEN + k * CLASSES :][:CLASSES] for k in range(3))
    total, loss = letters[-2:]
    for row in range(1, rows + 1):
        for k in range(HIDDEN):
            net[f"{z[k]}{row}"] = (
                f"=SUMPRODUCT(Data!$A{row}:$D{row},Weights!$A${k + 1}:$D${k + 1})"
                f"+Weights!$E${k + 1}"
            )
            net[f"{a[k]}{row}"] = f"=TANH({z[k]}{row})"
        for k in range(CLASSES):
            at = HIDDEN + 1 + k
            net[f"{o[k]}{row}"] = (
                f"=SUMPRODUCT(${a[0]}{row}:${a[-1]}{row},Weights!$A${at}:$H${at})+Weights!$I${at}"
            )
            net[f"{e[k]}{row}"] = f"=EXP({o[k]}{row})"
            net[f"{p[k]}{row}"] = f"={e[k]}{row}/${total}{row}"
        net[f"{total}{row}"] = f"=SUM({e[0]}{row}:{e[-1]}{row})"
        net[f"{loss}{row}"] = f"=-LN(INDEX({p[0]}{row}:{p[-1]}{row},Data!$E{row}+1))"
    weights["L1"] = f"=AVERAGE(Net!{loss}1:{loss}{rows})"
    book.save(path)
    return rows * A_ROW + 1


def recalculated(path: Path) -> tuple[int, float]:
    """Return how many formulas a workbook has, and the seconds of their calculation."""
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        iterations = package.iterations
    program = Program(Graph.of(sheets), sheets, stored, iterations)
    memory = program.memory()
    every = range(len(program.graph.nodes))
    seconds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        program.run(memory, every)
        seconds.append(time.perf_counter() - begin)
    return sum(sheet.formula_count() for sheet in sheets), min(seconds)


def main() -> None:
    """Print what was written, the seconds and the ratio."""
    cells = int(sys.argv[1]) if sys.argv[1:] else 20_000
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder) / "model.xlsx", Path(folder) / "copy.xlsx"
        count = model(path, cells)
        last = HIDDEN + CLASSES
        parameters = [f"Weights!A1:E{HIDDEN}", f"Weights!A{HIDDEN + 1}:I{last}"]
        words = [sys.executable, "-m", "workbook_tools", "differentiate", path, "-o", copy]
        by = [word for area in parameters for word in ("--by", area)]
        begin = time.perf_counter()
        subprocess.run(
            [*map(str, words), "--of", "Weights!L1", *by], cwd=ROOT, check=True, capture_output=True
        )
        seconds = time.perf_counter() - begin
        own, forward = recalculated(path)
        both, with_derivatives = recalculated(copy)
    assert own == count
    print(f"a network over {(count - 1) // A_ROW:,} samples: {own:,} formulas")
    print(f"differentiate, the whole command: {seconds:.2f} s for {both - own:,} derivatives")
    print(
        f"recalculated: {forward * 1000:.1f} ms, with derivatives {with_derivatives * 1000:.1f} ms"
    )
    print(f"{with_derivatives / forward:.2f} times the model alone")


if __name__ == "__main__":
    main()
