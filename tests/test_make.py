"""What make does again and what it does not, in a copy of the project with a ready environment."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone with one spec, and an environment that is this one."""
    return new_clone(tmp_path)


def new_clone(folder: Path) -> Path:
    (folder / "workbooks").mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "workbooks/mazur.toml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "workbook_tools", folder / "workbook_tools")
    environment = folder / ".venv"
    (environment / "bin").mkdir(parents=True)
    command = environment / "bin" / "workbook-tools"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m workbook_tools "$@"\n')
    command.chmod(0o755)
    (environment / "installed").touch()
    return folder


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_clone(tmp_path_factory.mktemp("made"))
    make(folder, "-j2")
    return folder


@pytest.fixture
def made(made_once: Path, tmp_path: Path) -> Path:
    """A clone in which make has done its work; it may be changed."""
    return Path(shutil.copytree(made_once, tmp_path, dirs_exist_ok=True))  # with its times


def make(folder: Path, *arguments: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, check=False, env=clean
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def later(path: Path) -> None:
    """Give a file a time after everything that make has written."""
    moment = time.time() + 5
    os.utime(path, (moment, moment))


def test_a_fresh_clone_builds_and_checks_whatever_times_git_left(clone: Path) -> None:
    shutil.copy(ROOT / "workbooks" / "mazur.xlsx", clone / "workbooks")
    later(clone / "workbooks" / "mazur.xlsx")
    printed = make(clone)
    assert "workbook-tools build workbooks/mazur.toml" in printed
    assert "PASS" in printed


def test_a_second_make_builds_and_checks_nothing_and_shows_the_verdict(made: Path) -> None:
    would_do = make(made, "--dry-run")
    assert "build workbooks" not in would_do
    assert "verify workbooks" not in would_do
    assert "PASS" in make(made)


@pytest.mark.parametrize("newer", ["workbooks/mazur.toml", "workbook_tools/writing/formulas.py"])
def test_a_newer_spec_or_newer_code_is_built_again(made: Path, newer: str) -> None:
    later(made / newer)
    assert "build workbooks/mazur.toml" in make(made, "--dry-run")


def test_a_newer_checker_checks_again_but_builds_nothing(made: Path) -> None:
    later(made / "workbook_tools" / "mathematics" / "reference.py")
    would_do = make(made, "--dry-run")
    assert "verify workbooks/mazur.xlsx" in would_do
    assert "build workbooks" not in would_do


def test_a_removed_workbook_is_built_again(made: Path) -> None:
    (made / "workbooks" / "mazur.xlsx").unlink()
    make(made)
    assert (made / "workbooks" / "mazur.xlsx").exists()


def test_an_edited_workbook_is_checked_again(made: Path) -> None:
    later(made / "workbooks" / "mazur.xlsx")
    assert "verify workbooks/mazur.xlsx" in make(made, "--dry-run")


def test_an_interrupted_set_up_is_done_anew(clone: Path) -> None:
    (clone / ".venv" / "installed").unlink()
    would_do = make(clone, "--dry-run")
    assert "rm -rf .venv" in would_do
    assert "pip install" in would_do


def test_a_failed_check_fails_make_and_is_not_remembered(made: Path) -> None:
    (made / "build" / "mazur.verified").unlink()
    command = made / ".venv" / "bin" / "workbook-tools"
    command.write_text("#!/bin/sh\necho FAIL: 1 mistake\nexit 1\n")
    done = subprocess.run(["make"], cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "FAIL: 1 mistake" in done.stdout
    assert not (made / "build" / "mazur.verified").exists()


def test_help_lists_every_target(clone: Path) -> None:
    printed = make(clone, "help")
    for target in (
        "all",
        "help",
        "workbooks",
        "verify",
        "cnn",
        "cnn-seeds",
        "test",
        "lint",
        "clean",
    ):
        assert f"make {target}" in printed


def test_the_network_is_trained_where_it_was_interrupted(clone: Path) -> None:
    would_do = make(clone, "--dry-run", "cnn", "MODEL=tiny")
    assert "pip install" in would_do
    assert "python -m cnn train --model tiny --resume" in would_do
    (clone / ".venv" / "installed-cnn").touch()
    later(clone / ".venv" / "installed-cnn")
    assert "pip install" not in make(clone, "--dry-run", "cnn")
