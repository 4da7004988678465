"""Whether two versions of the checker say the same: verdicts, counts, findings, suggestions.

Both check the same workbooks, as a class: those of the folders, and mutants that are drawn from a
seed (``tests/helpers/fuzzing``: planted mistakes, damaged cells, labels, names and files). Every
difference between their reports is listed; the status is 1 if there is one. Left out are the name
of the engine and how large rounding errors are. Numbers are the same if they agree to 9 digits, in
texts too.

    python benchmarks/same_findings.py FOLDER... --than COMMIT [--mutants 300] [--seed 1]
"""

import argparse
import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trees import ROOT, environment_of, tree_of

LEFT_OUT = {"engine", "max_abs_error", "max_rel_error", "max_ulps", "seconds"}
NUMBER = re.compile(r"[-−]?\d+\.\d+(?:[eE][-+]?\d+)?")
ABSENT = "(nothing)"


def mutants(count: int, seed: int, folder: Path) -> None:
    """Write workbooks that are damaged at random, always the same ones, into a folder."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]
    from fuzzing.cases import make_case
    from fuzzing.hosts import make_hosts

    with tempfile.TemporaryDirectory() as hosts:
        make_hosts(Path(hosts))
        for number in range(count):
            made, _ = make_case(Path(hosts), seed, number)
            name = f"{seed}-{number}{'' if made.mistakes else '-right'}.xlsx"
            (folder / name).write_bytes(made.book.finished())


def reports(tree: Path, folder: Path, options: list[str]) -> dict[str, dict[str, Any]]:
    """Return what a version says of each workbook of a folder: its row and its report."""
    with tempfile.TemporaryDirectory() as out:
        table, document = Path(out, "table.csv"), Path(out, "report.json")
        command = [sys.executable, "-m", "workbook_tools", "verify", str(folder), *options]
        done = subprocess.run(
            [*command, "--csv", str(table), "--json", str(document)],
            env=environment_of(tree),
            stdout=subprocess.DEVNULL,
            cwd=out,
        )
        if not table.exists():
            sys.exit(f"{tree}: no table was written (status {done.returncode})")
        with table.open(encoding="utf-8-sig", newline="") as file:
            found = {row["file"]: {"row": row} for row in csv.DictReader(file)}
        if document.exists():  # none if no workbook could be read
            for report in json.loads(document.read_text(encoding="utf-8")):
                name = os.path.relpath(report.pop("workbook"), folder)
                found[name]["report"] = report
        return found


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Yield a line for each difference of two reports."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            if key not in LEFT_OUT:
                own, theirs = one.get(key, ABSENT), other.get(key, ABSENT)
                yield from differences(own, theirs, f"{place}.{key}".removeprefix("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for k, (own, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differences(own, theirs, f"{place}[{k}]")
    elif not _is_same(one, other):
        yield f"  {place}: {_short(one)} | {_short(other)}"


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        numbers = zip(NUMBER.findall(one), NUMBER.findall(other), strict=False)
        return NUMBER.sub("#", one) == NUMBER.sub("#", other) and all(
            _is_same(float(a.replace("−", "-")), float(b.replace("−", "-"))) for a, b in numbers
        )
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-15)
    return bool(one == other)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("places", nargs="*", type=Path, help="workbooks, or folders of them")
    parser.add_argument("--than", required=True, help="the other version: a commit or a folder")
    parser.add_argument("--tree", default=str(ROOT), help="this version; by default as it is here")
    parser.add_argument("--mutants", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", help="of both; by default each has its own")
    parser.add_argument("--jobs", default=str(os.cpu_count()))
    parser.add_argument("--timeout", default="600")
    asked = parser.parse_args()
    options = ["--jobs", asked.jobs, "--timeout", asked.timeout]
    options += ["--engine", asked.engine] if asked.engine else []
    with tempfile.TemporaryDirectory() as folder, tree_of(asked.tree) as own:
        for place in asked.places:
            paths = [place] if place.is_file() else sorted(place.rglob("*.xls[xm]"))
            for path in paths:
                copy = Path(folder, path.absolute().parent.name, path.name)
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, copy)
        Path(folder, "mutants").mkdir()
        mutants(asked.mutants, asked.seed, Path(folder, "mutants"))
        with tree_of(asked.than) as other:
            found, theirs = (reports(tree, Path(folder), options) for tree in (own, other))
    different = 0
    for name, report in found.items():
        lines = list(differences(theirs[name], report))
        different += bool(lines)
        if lines:
            print(f"{name}  (then | now)", *lines, sep="\n")
    said = f"in {len(found) - asked.mutants} workbooks and {asked.mutants} mutants"
    if different:
        sys.exit(f"{different} differ, {said}")
    print(f"no difference {said}")


if __name__ == "__main__":
    main()
