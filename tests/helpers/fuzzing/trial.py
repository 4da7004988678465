"""The program let loose on one case, and what is not as it must be."""

import contextlib
import json
import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from checks import named_cells

from fuzzing.book import Seen, look
from fuzzing.cases import make_case, standing
from fuzzing.hosts import host
from fuzzing.made import Level, Made
from fuzzing.mistakes import Mistake
from workbook_tools.checking import verify
from workbook_tools.engines import libreoffice
from workbook_tools.errors import InputError
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.workbook import open_package
from workbook_tools.reporting import copies
from workbook_tools.reporting.html import to_html
from workbook_tools.reporting.json_document import to_json

LONGEST = 300  # letters of a message
SLOW = 20.0  # seconds of the processor for one check, a third of its time limit; usual is 0.1


_RIGHT_BUT = (Kind.BROKEN_PATTERN, Kind.ODD_START)  # the value is right


@dataclass
class Outcome:
    """What a case came to."""

    number: int
    verdict: str
    engine: str
    seconds: float
    did: list[str]
    planted: str
    failures: list["Failure"] = field(default_factory=list)
    message: str = ""


@dataclass(frozen=True)
class Failure:
    """What is not as it must be: in words that are the same for the same cause, and in full."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


def without_libreoffice() -> None:
    """Let this process find no LibreOffice, which takes seconds a file."""
    libreoffice.is_installed = lambda: False


def try_case(folder: Path, seed: int, number: int, keep: Path | None = None) -> Outcome:
    """Make a case, let the program loose on it, and return what came out."""
    made, engine = make_case(folder, seed, number)
    content = made.book.finished()
    with tempfile.TemporaryDirectory() as scratch:
        trial = _Trial(made, engine, keep or Path(scratch), content, folder)
        began = time.process_time()
        with _silence() as printed:
            verdict = trial.verdict()
            if number % 3 == 0 and trial.report:
                trial.copies()
        seconds = time.process_time() - began
        if printed():
            trial.failures.append(Failure("something is printed", printed()[-300:]))
        if trial.path.read_bytes() != content:
            trial.failures.append(Failure("the input file is changed"))
    if trial.longest > SLOW:
        trial.failures.append(Failure("slow", f"{trial.longest:.0f} s"))
    planted = "; ".join(mistake.what for mistake in made.mistakes)
    return Outcome(
        number, verdict, engine, seconds, made.did, planted, trial.failures, trial.message
    )


class _Trial:
    """One case's run."""

    def __init__(self, made: Made, engine: str, folder: Path, content: bytes, hosts: Path) -> None:
        self.failures: list[Failure] = []
        self.message = ""
        self.report: Report | None = None
        self.longest = 0.0  # seconds of the processor that a check or a copy took
        self.path = folder / "case.xlsx"
        self.path.write_bytes(content)
        self._content = content
        self._made, self._engine, self._hosts = made, engine, hosts

    def verdict(self) -> str:
        """Check the workbook; return the verdict."""
        said = self._ends(lambda: verify.verify(self.path, self._engine))
        if said is None:
            return "refused" if self.message else "broken"
        self.report = said
        named = named_cells(said)  # what is right with any numbers is harmless, but it is named
        found = standing(self._made, self._content)
        wrong = [place for place in found if (self._made.sheet(place[0]), place[1]) not in named]
        if said.verdict == "pass" and wrong:
            places = ", ".join(f"{sheet}!{cell}" for sheet, cell in wrong[:3])
            self.failures.append(Failure("wrong verdict: pass, with a mistake", places))
        if said.verdict == "pass" and (left := sum(p.cells.not_checked for p in said.parts)):
            self.failures.append(Failure("wrong verdict: pass, with cells not checked", str(left)))
        self._compare(said)
        return said.verdict

    def _compare(self, said: Report) -> None:
        """Compare with the report of the workbook before it was damaged."""
        if self._made.level is Level.ANY:
            return
        mistake = self._made.mistakes[0] if self._made.mistakes else None
        host = self._made.host.name
        before = report_before(self._hosts, host, mistake, self._engine)
        if before is None:
            return
        names = self._made.names
        expected = [(names.get(sheet, sheet), *rest) for sheet, *rest in before[1]]
        # A circular reference among what was put beside a table is a mistake of its own.
        circular = _named(f for f in said.faults if "circular reference" in f.message)
        beside = [found for found in circular if found not in expected]
        verdict = before[0] if beside else said.verdict
        now = verdict, [found for found in _named(said.faults) if found not in beside]
        if now != (before[0], expected):
            more, less = (
                [f for f in a if f not in b] for a, b in ((now[1], expected), (expected, now[1]))
            )
            changes = sorted({f"+{f[1]}" for f in more} | {f"-{f[1]}" for f in less})
            kind = f"other report: {before[0]} → {now[0]} {' '.join(changes)}"
            self.failures.append(Failure(kind, f"more {more[:4]}, less {less[:4]}"))

    def _ends(self, function: Any) -> Any:
        """Call what must end with a result or an ``InputError`` of one line."""
        began = time.process_time()
        try:
            return function()
        except InputError as error:
            self.message = str(error)
            told = self.message.replace(str(self.path), "case.xlsx")
            if len(told) > LONGEST or "\n" in told:
                self.failures.append(Failure("long message", f"{len(told)} letters: {told[:80]}"))
            if (
                self._made.level is Level.SAME
                and self._engine not in told
                and not self._refused_before()
            ):
                what = re.sub(r"xl/\S+|docProps/\S+|\d+", "…", told)
                self.failures.append(Failure(f"refused: {what[:150]}", told[:200]))
        except BaseException as error:  # PanicException is no Exception
            if isinstance(error, (KeyboardInterrupt, SystemExit)) or _is_timeout(error):
                raise
            self.failures.append(failure_of(error))
        finally:
            self.longest = max(self.longest, time.process_time() - began)
        return None

    def _refused_before(self) -> bool:
        mistakes = self._made.mistakes
        mistake = mistakes[0] if mistakes else None
        return report_before(self._hosts, self._made.host.name, mistake, self._engine) is None

    def copies(self) -> None:
        """Write both copies, the JSON and the page."""
        report = self.report
        assert report is not None
        folder = self.path.parent
        self._ends(lambda: json.dumps(to_json(report), allow_nan=False))
        self._ends(lambda: to_html(report))
        marked, mended = folder / "marked.xlsx", folder / "mended.xlsx"
        self._ends(lambda: copies.write_marked(report, self.path, marked) or True)
        if marked.exists():
            self._compare_copy(marked, set())
        engine = "embedded" if self._engine == "cached" else self._engine
        summary = self._ends(lambda: copies.write_mended(report, self.path, mended, engine))
        if mended.exists():
            put = {place for found in report.faults for place in found.put_right}
            self._compare_copy(mended, {(s, cell_name(r, c)) for s, r, c in put})
        if summary and not summary.left and self._made.level is Level.SAME:
            again = self._ends(lambda: verify.verify(mended, engine))
            wrong = [f for f in again.faults if f.kind not in _RIGHT_BUT] if again else []
            if wrong:
                found = ", ".join(f"{f.kind.value} {f.cells}" for f in wrong[:3])
                self.failures.append(Failure("the mended copy fails", found))

    def _compare_copy(self, copy: Path, mended: set[tuple[str, str]]) -> None:
        """Compare what a copy must keep."""
        name = copy.stem

        def opens() -> bool:
            with open_package(copy) as package:
                for sheet in package.sheets:
                    for _ in package.cells(sheet):
                        pass
            return True

        if not self._ends(opens):
            self.failures.append(Failure(f"the {name} copy cannot be opened"))
        before, after = look(self._content), look(copy.read_bytes())
        if before is None:
            return
        if after is None:
            self.failures.append(Failure(f"the {name} copy cannot be read"))
            return
        for sheet, cells in before.items():
            unrelated = sheet in map(self._made.sheet, self._made.host.others)
            free = {self._made.sheet(other) for other in self._made.changed_formulas}
            for cell, seen in cells.items():
                if (sheet, cell) in mended:
                    continue
                new = after.get(sheet, {}).get(cell)
                whole = name == "marked" or (unrelated and sheet not in free)
                if not _kept(seen, new, whole):
                    told = f"{sheet}!{cell} was {seen}, is {new}"
                    self.failures.append(Failure(f"the {name} copy has another cell", told[:300]))
                    return


def _kept(before: Seen, after: Seen | None, whole: bool) -> bool:
    """Tell whether a cell is as it was; ``whole`` says that its stored value must be, too."""
    if before == after:
        return True
    if after is None:
        return before == Seen(None, "n", None, None)
    return before.formula is not None and before.formula == after.formula and not whole


def _essence(report: Report) -> tuple[str, list[tuple[Any, ...]]]:
    return report.verdict, _named(report.faults)


def _named(findings: Iterable[Fault]) -> list[tuple[Any, ...]]:
    return [(f.sheet, f.kind.value, f.cells) for f in findings]


@cache
def report_before(
    folder: Path, name: str, mistake: Mistake | None, engine: str
) -> tuple[str, list[tuple[Any, ...]]] | None:
    """Return what is said of a host with a mistake in it, undamaged; None where it is refused."""
    from fuzzing.cases import plant

    own = host(folder, name)
    made = Made(own, own.book())
    if mistake is not None:
        plant(made, mistake)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "before.xlsx")
        path.write_bytes(made.book.finished())
        try:
            return _essence(verify.verify(path, engine))
        except InputError:
            return None


def failure_of(error: BaseException) -> Failure:
    """Say where an error came from, in the same words each time."""
    frames = [
        f"{Path(frame.filename).relative_to(_ROOT)}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_ROOT / "workbook_tools")
    ]
    kind = f"{type(error).__name__} in {' < '.join(reversed(frames[-3:]))}"
    return Failure(kind, str(error)[:200])


_ROOT = Path(__file__).parents[3]


def _is_timeout(error: BaseException) -> bool:
    return type(error).__name__ == "TimeoutError"


@contextlib.contextmanager
def _silence() -> Iterator[Any]:
    """Catch whatever is printed, by extensions too; yield what reads it."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)

        def printed() -> str:
            file.seek(0)
            return file.read().decode("utf-8", "replace")

        said: list[str] = []
        try:
            yield lambda: said[0]
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, old in enumerate(kept, start=1):
                os.dup2(old, number)
                os.close(old)
            said.append(printed())
