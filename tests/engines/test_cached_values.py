"""Filling in values by rows at once gives what filling in cell by cell gives."""

import re
import zipfile
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openpyxl
from hypothesis import example, given
from hypothesis import strategies as st
from parts import SHEET

from workbook_tools.engines import cached_values
from workbook_tools.notation.addresses import cell_name, column_number
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Column, Columns

Cells = dict[tuple[int, int], CellValue]
NO_FORMULA = "no formula"  # a typed number
VALUES = (
    st.floats(allow_nan=False)
    | st.integers(-(10**16), 10**16).map(float)
    | st.sampled_from(["", "a < b & c", "1", True, False, CellError("#N/A"), None, NO_FORMULA])
)
CELLS = st.dictionaries(st.tuples(st.integers(1, 6), st.integers(1, 4)), VALUES)
EVERY_KIND: list[CellValue] = [1.5, 2.0, 1e15, -0.0, 1e300, float("inf"), True, "a&b", None]


def as_columns(cells: Cells) -> Columns:
    """Put values where engines have them."""
    columns: dict[int, Column] = {}
    for column in {column for _, column in cells}:
        own = {row: value for (row, at), value in sorted(cells.items()) if at == column}
        present = {row: value for row, value in own.items() if value is not None}
        numbers = {r: x for r, x in present.items() if type(x) is float}
        columns[column] = Column(
            np.array(list(present), np.int64),
            np.array([numbers.get(row, np.nan) for row in present]),
            {row: value for row, value in present.items() if row not in numbers},
        )
    return Columns({"Sheet": columns})


def element(value: CellValue) -> tuple[str, str]:
    """Return the type attribute and the text of one cell, worked out by itself."""
    match value:
        case bool():
            return ' t="b"', str(int(value))
        case float() if abs(value) == np.inf:
            return ' t="e"', "#NUM!"
        case float():
            short = abs(value) < 1e15 and value == int(value)
            return "", str(int(value)) if short else repr(value)
        case CellError():
            return ' t="e"', value.code
    return ' t="str"', escape(value or "", quote=False)


@given(CELLS)
@example({(1, column): value for column, value in enumerate(EVERY_KIND, start=1)})
@example({})
def test_rows_of_all_kinds_are_filled_as_cell_by_cell(cells: Cells) -> None:
    book = openpyxl.Workbook()
    for (row, column), value in cells.items():
        book.active.cell(row, column, 7 if value == NO_FORMULA else f"=A{row + 1}&B$1")

    def by_itself(match: re.Match[str]) -> str:
        kind, text = element(cells[int(match[2]), column_number(match[1])])
        return f'<c r="{match[1]}{match[2]}"{kind}>{match[3]}<v>{text}</v></c>'

    with TemporaryDirectory() as folder:
        source, filled = Path(folder, "source.xlsx"), Path(folder, "filled.xlsx")
        book.save(source)
        count = cached_values.fill(source, filled, as_columns(cells))
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(filled) as new:
            before, after = old.read(SHEET).decode(), new.read(SHEET).decode()
    formula_cell = r'<c r="([A-Z]+)(\d+)">(<f>[^<]*</f>)<v ?/?>(?:</v>)?</c>'
    assert (after, count) == re.subn(formula_cell, by_itself, before)
    assert count == sum(value != NO_FORMULA for value in cells.values())


def test_rows_that_are_read_in_several_pieces_keep_their_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in range(1, 12_001):
        book.active.cell(row, 1, f"=B{row}")
        book.active.cell(row, 3, "=" + "+".join(f"B{row}" for _ in range(20)))
    book.save(tmp_path / "source.xlsx")
    values: Cells = {(row, c): row + c / 8 for row in range(1, 12_001) for c in (1, 3)}
    filled = tmp_path / "filled.xlsx"
    assert cached_values.fill(tmp_path / "source.xlsx", filled, as_columns(values)) == 24_000
    with zipfile.ZipFile(filled) as package:
        found = re.findall(
            r'<c r="([A-Z]+\d+)"><f>[^<]*</f><v>([^<]*)', package.read(SHEET).decode()
        )
    assert {name: float(x) for name, x in found} == {
        cell_name(*place): value for place, value in values.items()
    }
