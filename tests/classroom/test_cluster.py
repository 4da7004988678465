"""The same work on a Dask cluster: no result is lost, none comes twice, whoever is killed."""

import gc
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from checks import refused
from handmade import HandMade
from hostile import SOON_OR_LATER, hostile_check, slow_check

from workbook_tools.classroom import cluster
from workbook_tools.classroom.outputs import Outputs
from workbook_tools.classroom.row import Row, Verdict
from workbook_tools.classroom.run import How, check_class
from workbook_tools.classroom.submissions import find_submissions

pytestmark = pytest.mark.slow

distributed = pytest.importorskip("distributed")


WORKERS = 3


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Any]:
    """A cluster of three worker processes on this machine."""
    with distributed.LocalCluster(
        n_workers=WORKERS,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    ) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_client_is_left() -> Iterator[None]:
    """Collect what is left of clients that found no scheduler, while no other one is starting.

    They close themselves when they are collected. Dask waits forever if that happens just while it
    starts or stops another client.
    """
    yield
    gc.collect()


def pids(scheduler: Any) -> list[int]:
    """Return the workers' processes; one that was killed has to be replaced first."""
    with distributed.Client(scheduler, set_as_default=False) as client:
        client.wait_for_workers(WORKERS, timeout=60)
        return list(client.run(os.getpid).values())


def test_a_worker_killed_midway_loses_nothing_and_nothing_comes_twice(
    scheduler: Any, tmp_path: Path
) -> None:
    folder, log = tmp_path / "class", tmp_path / "log"
    folder.mkdir()
    log.mkdir()
    names = [f"{number:02}.xlsx" for number in range(30)]
    for name in names:
        (folder / name).write_text(name)
    victim = pids(scheduler)[0]
    heard: list[Row] = []

    def kill_midway(row: Row) -> None:
        heard.append(row)
        if len(heard) == 6:
            os.kill(victim, signal.SIGKILL)

    result = check_class(
        find_submissions([folder]),
        How(scheduler=scheduler.scheduler_address, timeout=30),
        Outputs(csv=tmp_path / "g.csv"),
        kill_midway,
        partial(slow_check, log, 0.4),
    )
    assert victim not in pids(scheduler)
    assert sorted(row.file for row in heard) == names
    assert [row.file for row in result.rows] == names
    assert {row.verdict for row in result.rows} == {Verdict.PASS}
    assert not (tmp_path / ".g.csv.unfinished").exists()


def test_hostile_workbooks_get_their_row_and_the_workers_live_on(
    scheduler: Any, tmp_path: Path
) -> None:
    good = HandMade().save(tmp_path / "good.xlsx")
    for name in ("hangs", "dies", "greedy"):
        shutil.copy(good, tmp_path / f"{name}.xlsx")
    before = pids(scheduler)
    for seconds in SOON_OR_LATER:
        how = How(scheduler=scheduler.scheduler_address, timeout=seconds)
        result = check_class(find_submissions([tmp_path]), how, Outputs(), check=hostile_check)
        if [row.verdict for row in result.rows].count(Verdict.TIMED_OUT) == 1:
            break
    assert {row.file: row.verdict for row in result.rows} == {
        "dies.xlsx": Verdict.CRASHED,
        "good.xlsx": Verdict.PASS,
        "greedy.xlsx": Verdict.CRASHED,
        "hangs.xlsx": Verdict.TIMED_OUT,
    }
    assert sorted(pids(scheduler)) == sorted(before)


@pytest.mark.parametrize(("strict", "verdict"), [(False, Verdict.PASS), (True, Verdict.FAIL)])
def test_harmless_findings_fail_a_workbook_only_if_strict(
    strict: bool, verdict: Verdict, scheduler: Any, tmp_path: Path
) -> None:
    HandMade(cells={"F12": "=F11-D2*Y11"}).save(tmp_path / "a.xlsx")
    how = How(scheduler=scheduler.scheduler_address, strict=strict)
    [row] = check_class(find_submissions([tmp_path]), how, Outputs()).rows
    assert (row.verdict, row.counts) == (verdict, {"broken-pattern": 1})


def said(tmp_path: Path, scheduler: str) -> str:
    path = HandMade().save(tmp_path / "a.xlsx")
    line = refused("verify", path, "--csv", tmp_path / "g.csv", "--scheduler", scheduler)
    assert [file.name for file in tmp_path.iterdir()] == ["a.xlsx"]
    return line


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x", "tcp://:"])
def test_a_cluster_out_of_reach_is_one_line(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    assert "no Dask scheduler answers there" in said(tmp_path, address)


def test_whatever_goes_wrong_in_reaching_a_cluster_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_program(*_: object, **__: object) -> None:
        raise AssertionError  # as of one that greets otherwise than a scheduler

    monkeypatch.setattr(distributed, "Client", other_program)
    assert "no Dask scheduler answers there" in said(tmp_path, "tcp://127.0.0.1:8786")


def test_a_cluster_without_workers_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with distributed.LocalCluster(
        n_workers=0, dashboard_address=":0", silence_logs=logging.CRITICAL
    ) as empty:
        assert "has no workers" in said(tmp_path, empty.scheduler_address)


def test_workers_of_another_version_are_refused(
    scheduler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "__version__", "0.0.0")
    assert "install 0.0.0 there" in said(tmp_path, scheduler.scheduler_address)


def test_without_the_package_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "workbook-tools[cluster]" in said(tmp_path, "tcp://127.0.0.1:8786")
