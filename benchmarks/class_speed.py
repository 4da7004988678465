"""How many workbooks of a class are checked a second, over processes and over Dask workers.

Copies of the project's own workbooks, or the workbooks of a folder, with a page written for each.
The start-up of the processes is not counted: each has checked a workbook before the clock starts.

    python benchmarks/class_speed.py [FOLDER] [--count N] [--jobs N]
"""

import argparse
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from itertools import cycle, islice
from pathlib import Path

from distributed import Client, LocalCluster

from workbook_tools.checking.workers import pool_of
from workbook_tools.classroom.cluster import _check_there
from workbook_tools.classroom.processes import outcome_of
from workbook_tools.classroom.run import How
from workbook_tools.classroom.submissions import find_submissions
from workbook_tools.classroom.task import Outcome, Task, check

WORKBOOKS = Path(__file__).parent.parent / "workbooks"
OWN = [WORKBOOKS / "mazur.xlsx", WORKBOOKS / "Back_Propogation.xlsx"]
TIMEOUT = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=40, help="workbooks to check")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at most")
    options = parser.parse_args()
    places = [options.folder] if options.folder else OWN
    paths = list(islice(cycle(s.path for s in find_submissions(places)), options.count))
    tasks = [Task(path, path.name, "", How().engine, None, True, False) for path in paths]
    print(f"{len(tasks)} workbooks; a page written for each\n")
    print("workers              seconds   a second   a second and worker   failures")
    for jobs in range(1, options.jobs + 1):
        report(f"{jobs} process" + "es" * (jobs > 1), jobs, here(tasks, jobs))
    for jobs in range(1, options.jobs + 1):
        report(f"{jobs} Dask worker" + "s" * (jobs > 1), jobs, there(tasks, jobs))


def report(name: str, workers: int, run: tuple[float, list[Outcome]]) -> None:
    seconds, outcomes = run
    rate = len(outcomes) / seconds
    lost = sum(not outcome.row.tables for outcome in outcomes)
    print(f"{name:<20} {seconds:7.1f} {rate:10.2f} {rate / workers:21.2f} {lost:10}", flush=True)


def timed(run: Callable[[list[Task]], Iterator[Outcome]], tasks: list[Task], workers: int):
    list(run(tasks[:1] * 3 * workers))  # starts every process, and loads what a check needs
    began = time.perf_counter()
    outcomes = list(run(tasks))
    return time.perf_counter() - began, outcomes


def here(tasks: list[Task], jobs: int) -> tuple[float, list[Outcome]]:
    with pool_of(jobs) as pool:

        def run(some: list[Task]) -> Iterator[Outcome]:
            running = {pool.schedule(check, (task,), timeout=TIMEOUT): task for task in some}
            return (outcome_of(f, running[f], TIMEOUT) for f in as_completed(running))

        found = timed(run, tasks, jobs)
        pool.stop()
    return found


def there(tasks: list[Task], workers: int) -> tuple[float, list[Outcome]]:
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):

        def run(some: list[Task]) -> Iterator[Outcome]:
            futures = [client.submit(_check_there, check, t, TIMEOUT, pure=False) for t in some]
            return iter(client.gather(futures))

        return timed(run, tasks, workers)


if __name__ == "__main__":
    main()
