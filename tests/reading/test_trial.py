"""Cells that formulas read beside a table are read once, and no others with them."""

from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.formulas.references import areas
from workbook_tools.notation.addresses import cell_name, range_name
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Calculation, Column
from workbook_tools.reading.trial import read_elsewhere

ROWS, COLUMNS = 60, 4


def at(row: int, column: int) -> CellValue:
    return float(100 * row + column) if (row + column) % 2 else "text"


CELLS = {
    column: Column.of({row: at(row, column) for row in range(1, ROWS + 4)})
    for column in range(1, COLUMNS + 3)
}


rows, columns = st.integers(1, ROWS), st.integers(1, COLUMNS)
single = st.builds(cell_name, rows, columns)
ranges = st.tuples(rows, columns, st.integers(0, 3), st.integers(0, 2)).map(
    lambda t: range_name(t[0], t[1], t[0] + t[2], t[1] + t[3])
)
elsewhere = single.map("other!{}".format) | single.map("missing!{}".format)


@given(st.lists(single | ranges | elsewhere, max_size=12), st.sets(st.tuples(rows, columns)))
def test_exactly_the_numbers_that_formulas_read_are_read(
    names: list[str], own: set[tuple[int, int]]
) -> None:
    planted = {("S", row, column) for row, column in own}
    found = read_elsewhere(
        [f"=SUM({name})" for name in names], "S", planted, Calculation({"S": CELLS, "other": CELLS})
    )
    cells = {cell for name in names for area in areas(name) for cell in area.cells("S")}
    expected = {
        cell: at(*cell[1:])
        for cell in cells - planted
        if cell[0] != "missing" and isinstance(at(*cell[1:]), float)
    }
    assert found == expected
