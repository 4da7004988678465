"""Many cases in a row, in processes that can be killed; what they came to is counted."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pebble import ProcessPool

from fuzzing.hosts import make_hosts
from fuzzing.trial import Failure, Outcome, try_case, without_libreoffice

TIMEOUT = 60.0  # seconds a case, as a workbook has by default
MEMORY = 4 << 30  # bytes that a case may take; PyTorch alone maps two


@dataclass
class Counts:
    """What the cases of a sitting came to."""

    seed: int
    verdicts: Counter[str] = field(default_factory=Counter)
    failures: dict[str, list[tuple[Outcome, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count a case."""
        self.verdicts[outcome.verdict] += 1
        self.seconds += outcome.seconds
        for failure in outcome.failures:
            self.failures[failure.kind].append((outcome, failure.detail))

    def in_short(self) -> str:
        """Say the counts in a line."""
        cases = sum(self.verdicts.values())
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in self.verdicts.most_common())
        return f"seed {self.seed}, {cases:,} cases: {counts}; {self.seconds:,.0f} s of checking"

    def __str__(self) -> str:
        """Say the counts, then each kind of failure with its cases."""
        lines = [self.in_short()]
        for kind, found in sorted(self.failures.items(), key=lambda pair: -len(pair[1])):
            numbers = ", ".join(str(outcome.number) for outcome, _ in found[:8])
            first, detail = min(found, key=lambda one: (len(one[0].did), one[0].number))
            lines += [
                f"{len(found)}× {kind}",
                f"    cases {numbers}",
                f"  {first.number}: {detail[:300]}",
            ]
            lines.append(f"    --engine {first.engine}; planted: {first.planted or 'nothing'}")
            lines += [f"    {one[:200]}" for one in first.did]
        return "\n".join(lines)


def hold(
    seed: int,
    numbers: Iterable[int],
    jobs: int,
    on_done: Callable[[Outcome], None] = lambda outcome: None,
) -> Counts:
    """Try cases, each in one of so many processes; return the counts."""
    counts = Counts(seed)
    with tempfile.TemporaryDirectory() as folder:
        make_hosts(Path(folder))
        for outcome in _outcomes(Path(folder), seed, numbers, jobs):
            counts.add(outcome)
            on_done(outcome)
    return counts


def _outcomes(folder: Path, seed: int, numbers: Iterable[int], jobs: int) -> Iterator[Outcome]:
    pool = ProcessPool(
        jobs, initializer=_begin, initargs=(str(folder),), context=get_context("spawn")
    )
    try:
        running: dict[Any, int] = {
            pool.schedule(try_case, (folder, seed, number), timeout=TIMEOUT): number
            for number in numbers
        }
        for future in as_completed(running):
            number = running.pop(future)
            error = future.exception()
            if error is None:
                yield future.result()
                continue
            what = Failure(f"the process ends: {type(error).__name__}", str(error)[:200])
            if isinstance(error, TimeoutError):
                what = Failure("hangs", f"not done after {TIMEOUT:g} s")
            yield Outcome(number, "broken", "", TIMEOUT, [], "", [what])
    finally:
        pool.stop()
        pool.join()


def _begin(folder: str) -> None:
    """Let a process that has just begun have so much more memory, and one place for its files."""
    without_libreoffice()
    tempfile.tempdir = folder  # what a killed process leaves there goes with the sitting
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limits, macOS none
        import resource

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
