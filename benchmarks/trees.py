"""Source trees of the project, side by side: this one, and how it was at another commit."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def tree_of(name: str) -> Iterator[Path]:
    """Yield a source tree: a folder, or a commit, which is checked out for the time being."""
    if Path(name).is_dir():
        yield Path(name).absolute()
        return
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), name], check=True)
        compile_modules(tree)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def compile_modules(tree: Path) -> None:
    """Compile the modules of a tree, as those of an installed program are.

    Otherwise the first run would take longer than the others, or every run, where the environment
    keeps Python from storing what it compiles.
    """
    subprocess.run([sys.executable, "-m", "compileall", "-q", tree / "workbook_tools"], check=True)


def environment_of(tree: Path) -> dict[str, str]:
    """Return the environment in which ``python -m workbook_tools`` is that of a tree."""
    return {**os.environ, "PYTHONPATH": str(tree)}
