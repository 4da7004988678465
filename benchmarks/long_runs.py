"""Time and memory of long runs, against what a user would pick instead.

Building a 2-2-2 sheet, cached values included, is measured against openpyxl's write-only mode
writing the same cells without values; verifying it against LibreOffice converting the same
file. Each is a whole process, in turn with its yardstick; what counts is the ratio.

    python benchmarks/long_runs.py [ITERATIONS] [RUNS]
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable


def spec(iterations: int) -> str:
    """Return the classic spec with one learning rate and this many iterations."""
    text = (ROOT / "workbooks" / "Back_Propogation.toml").read_text(encoding="utf-8")
    text = text.replace("[0.1, 0.2, 0.5, 0.8, 1.0, 2.0]", "[0.5]")
    return text.replace("iterations = 68", f"iterations = {iterations}")


def write_only(spec_file: Path, workbook: Path) -> None:
    """Write the same cells with openpyxl's write-only mode: the yardstick for building."""
    from openpyxl import Workbook

    from workbook_tools.formulas.references import FilledFormula
    from workbook_tools.spec.load import load_experiment
    from workbook_tools.writing.layout import FIRST_ROW, HEADER_ROW, Book

    [layout] = Book(load_experiment(spec_file)).sheets
    book = Workbook(write_only=True)
    sheet = book.create_sheet("LR 0.5")
    for _ in range(HEADER_ROW - 1):
        sheet.append([])
    sheet.append([quantity.symbol for quantity in layout.quantities])
    sheet.append([layout.formula(quantity, FIRST_ROW) for quantity in layout.quantities])
    second = FIRST_ROW + 1
    filled = [FilledFormula.parse(layout.formula(q, second), second) for q in layout.quantities]
    for row in range(second, layout.last_row + 1):
        sheet.append([formula.at(row) for formula in filled])
    book.save(workbook)


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command; return its seconds and the peak memory in MiB of its largest process."""
    start = time.monotonic()
    pid = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"failed: {' '.join(command)}")
    return seconds, usage.ru_maxrss / 1024


def compare(name: str, command: list[str], yardstick: list[str] | None, runs: int) -> None:
    """Print the medians of a command and its yardstick, run in turn, and their ratio."""
    ours, theirs, memory = [], [], []
    for _ in range(runs):
        seconds, peak = measure(command)
        ours.append(seconds)
        memory.append(peak)
        if yardstick:
            theirs.append(measure(yardstick)[0])
    line = f"{name:34} {statistics.median(ours):8.2f} s {max(memory):8.0f} MiB"
    if theirs:
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        line += f"   yardstick {statistics.median(theirs):8.2f} s   ratio {ratio:5.2f}"
    print(line, flush=True)


def main() -> None:
    iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        spec_file, workbook = Path(folder, "long.toml"), Path(folder, "long.xlsx")
        spec_file.write_text(spec(iterations), encoding="utf-8")
        print(f"{iterations:,} iterations, {iterations * 31:,} formula cells, median of {runs}")
        tool = [PYTHON, "-m", "workbook_tools"]
        plain = str(Path(folder, "plain.xlsx"))
        compare(
            "build (openpyxl write-only)",
            [*tool, "build", str(spec_file)],
            [PYTHON, __file__, "--write-only", str(spec_file), plain],
            runs,
        )
        profile = f"-env:UserInstallation=file://{folder}/profile"
        convert = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir"]
        soffice = [*convert, f"{folder}/converted", str(workbook)]
        office = soffice if shutil.which("soffice") else None
        if office:
            measure(office)  # the first start makes the profile
        compare(
            "verify (soffice --convert-to xlsx)", [*tool, "verify", str(workbook)], office, runs
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write-only"]:
        write_only(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
