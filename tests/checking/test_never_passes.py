"""Whatever cannot be read: a workbook with a mistake in it, or unchecked formulas, never passes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cases import cases
from checks import named_cells
from fuzzing.book import Book, cell_of, child, look, set_cell
from fuzzing.hosts import Host, Target, host, make_hosts
from fuzzing.mistakes import Mistake, draw_mistake
from hypothesis import given, note
from hypothesis import strategies as st

from workbook_tools.checking.verify import verify
from workbook_tools.engines import libreoffice
from workbook_tools.errors import InputError

pytestmark = pytest.mark.slow

HOSTS = [
    "plain",
    "gaps",
    "single_cells",
    "two_on_a_sheet",
    "two_sheets",
    "samples",
    "adam",
    "image",
]
UNREADABLE: dict[str, dict[str, Any]] = {
    "a text": {"value": "n/a"},
    "a number in words": {"value": "0.5 or so"},
    "#VALUE!": {"value": "#VALUE!", "kind": "e"},
    "#N/A": {"value": "#N/A", "kind": "e"},
    "true": {"value": True},
    "emptied": {},
    "no function": {"formula": "FOO(1)"},
    "no syntax": {"formula": "1+"},
    "a lost reference": {"formula": "#REF!"},
    "an error of its own": {"formula": "1/0"},
    "a text of its own": {"formula": '"n/a"'},
    "another file": {"formula": "[1]Sheet1!A1"},
}
WRAPPED = ["MMULT({},1)", "FOO({})", "IFERROR({},FOO(1))", "IF(TRUE,{},FOO(1))", "{}+0*FOO(1)",
           "SUM({},0*CUBEVALUE(1))", "_xlfn.LAMBDA(_xlpm.x,_xlpm.x)({})"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hosts")
    make_hosts(folder, HOSTS)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _without_libreoffice() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libreoffice, "is_installed", lambda: False)
        yield


@dataclass(frozen=True)
class Change:
    """What becomes of some cells of a sheet."""

    sheet: str
    cells: tuple[str, ...]
    how: str  # of UNREADABLE, or a wrapping

    def make(self, book: Book) -> None:
        part = book.sheets()[self.sheet]
        root = book.root(part)
        for name in self.cells:
            cell = cell_of(root, name)
            formula = child(cell, "f")
            if self.how in UNREADABLE:
                set_cell(cell, **UNREADABLE[self.how])
            elif formula is not None and formula.text and not formula.attrib:
                value = getattr(child(cell, "v"), "text", None)
                set_cell(cell, self.how.format(formula.text), value, "n")
        book.put(part, root)


@cache
def mistakes(folder: Path, name: str) -> list[Mistake]:
    random = Random(name)
    return [draw_mistake(host(folder, name), random) for _ in range(40)]


@st.composite
def changes(draw: st.DrawFn, own: Host) -> Change:
    """Draw a cell, a column, a header or data, and what becomes of it."""
    target = draw(st.sampled_from(own.targets))
    what = draw(st.sampled_from(["cell", "cell", "column", "header", "data", "all data"]))
    how = draw(st.sampled_from([*UNREADABLE, *WRAPPED]))
    data = own.data.get(target.sheet, [])
    if what == "column":
        return Change(
            target.sheet, tuple(t.cell for t in own.targets if _same_column(t, target)), how
        )
    if what == "header" and target.header:
        return Change(target.sheet, (target.header,), draw(st.sampled_from(["emptied", "a text"])))
    if what in ("data", "all data") and data:
        cell = draw(st.sampled_from(data))
        letters = cell.rstrip("0123456789")
        column = tuple(one for one in data if one.rstrip("0123456789") == letters)
        return Change(target.sheet, column if what == "all data" else (cell,), how)
    return Change(target.sheet, (target.cell,), how)


def _same_column(one: Target, other: Target) -> bool:
    return (one.sheet, one.header) == (other.sheet, other.header)


@cases(250)
@given(data=st.data())
def test_pass_stands_only_where_every_formula_was_checked_and_none_is_wrong(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    own = host(folder, data.draw(st.sampled_from(HOSTS)))
    mistake = data.draw(st.none() | st.sampled_from(mistakes(folder, own.name)))
    made = data.draw(st.lists(changes(own), min_size=0 if mistake else 1, max_size=3))
    note(f"{own.name}: {mistake}, {made}")
    book = own.book()
    if mistake:
        mistake.plant(book)
    planted = mistake.cells if mistake else set()
    for change in made:
        change.make(book)
    path = tmp_path_factory.mktemp("made") / "made.xlsx"
    path.write_bytes(book.finished())
    try:
        report = verify(path)
    except InputError:
        return
    if report.verdict != "pass":
        return
    changed = {(change.sheet, cell) for change in made for cell in change.cells}
    labelled = [t for t in own.targets if (t.sheet, t.header) not in changed]
    # A cell that was emptied, or whose label is gone, is no formula cell of the table any more.
    # What is right with any numbers is harmless, but it is named.
    left = planted - changed - named_cells(report)
    assert not [t for t in labelled if (t.sheet, t.cell) in left]
    overwritten = {(c.sheet, cell) for c in made if c.how in UNREADABLE for cell in c.cells}
    columns = [{(t.sheet, t.cell) for t in labelled if _same_column(t, one)} for one in labelled]
    assert not [t for t, column in zip(labelled, columns, strict=True)
                if (t.sheet, t.cell) in overwritten and column - overwritten]  # fmt: skip
    assert [part.cells.not_checked for part in report.parts] == [0] * len(report.parts)
    sheets = look(path.read_bytes())
    assert sheets is not None
    formulas = [t for t in labelled if sheets[t.sheet][t.cell].formula is not None]
    assert sum(table.cells.checked for table in report.tables) >= len(formulas)
