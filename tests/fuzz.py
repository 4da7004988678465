"""Damage workbooks at random, and see that nothing breaks and no verdict is wrong.

    python tests/fuzz.py [--cases 2000] [--seed 7] [--jobs 2]
    python tests/fuzz.py --seed 7 --case 123 --keep FOLDER

The first prints counts by outcome, and the numbers of the cases that failed; the status is 1 if any
did. The second tries one case again, says what was done to it, and keeps its files.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

_HERE = Path(__file__).parent
sys.path[:1] = [str(_HERE / "helpers"), str(_HERE.parent)]  # here, tests/cnn would hide cnn

from fuzzing.hosts import make_hosts  # noqa: E402
from fuzzing.sitting import hold  # noqa: E402
from fuzzing.trial import Outcome, try_case, without_libreoffice  # noqa: E402


def main() -> int:
    as_written = argparse.RawDescriptionHelpFormatter
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    arguments.add_argument("--cases", type=int, default=2000)
    arguments.add_argument("--first", type=int, default=0, help="number of the first case")
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("--case", type=int, help="try one case again")
    arguments.add_argument("--keep", type=Path, help="where to leave its files")
    given = arguments.parse_args()
    if given.case is not None:
        return _again(given.seed, given.case, given.keep)
    began = time.monotonic()
    done = 0

    def said(outcome: Outcome) -> None:
        nonlocal done
        done += 1
        for failure in outcome.failures:
            print(f"case {outcome.number}: {str(failure)[:200]}", file=sys.stderr, flush=True)
        if done % 500 == 0:
            print(f"{done:,} in {time.monotonic() - began:,.0f} s", file=sys.stderr, flush=True)

    counts = hold(given.seed, range(given.first, given.first + given.cases), given.jobs, said)
    print(counts)
    print(f"{time.monotonic() - began:,.0f} s")
    return 1 if counts.failures else 0


def _again(seed: int, case: int, keep: Path | None) -> int:
    without_libreoffice()
    with tempfile.TemporaryDirectory() as folder:
        make_hosts(Path(folder))
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
        outcome = try_case(Path(folder), seed, case, keep)
    print(outcome)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
