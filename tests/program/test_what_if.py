"""Other contents for a moment give what a workbook with these contents gives."""

import random

import pytest
from cell_by_cell import (
    NUMBERS,
    CellByCell,
    Content,
    Draw,
    Formula,
    cells,
    columns_of,
    sheets_of,
    stored,
)
from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.what_if import WhatIf

Place = tuple[str, int, int]


def what_if(contents: dict[Place, Content]) -> WhatIf:
    return WhatIf(
        sheets_of(contents), columns_of({**stored(contents), **CellByCell(contents).all()})
    )


@given(st.integers(0, 10**6))
def test_what_if_gives_what_the_changed_workbook_gives(seed: int) -> None:
    drawing = Draw(seed)
    contents = drawing.workbook()
    own = random.Random(seed)
    changed: dict[Place, str | float] = {}
    for _ in range(own.randint(1, 5)):
        sheet, row, column = own.choice(sorted(contents))
        is_number = own.random() < 0.5 or row < 6
        new = own.choice(NUMBERS) if is_number else drawing.formula(
            drawing.names.index(sheet), column, row
        )  # fmt: skip
        changed[sheet, row, column] = new  # type: ignore[assignment]
    new_contents: dict[Place, Content] = {
        **contents,
        **{cell: Formula(new) if isinstance(new, str) else new for cell, new in changed.items()},
    }
    formulas = sorted(cell for cell, own in new_contents.items() if isinstance(own, Formula))
    reference, made = CellByCell(new_contents), what_if(contents)
    for wanted in own.sample(formulas, min(3, len(formulas))):
        found = made.value(changed, wanted)
        value = reference.value(*wanted)
        assert (type(found), found) == (type(value), value), wanted


@pytest.mark.parametrize(
    ("changed", "wanted", "value"),
    [
        ({("S", 1, 1): 5.0}, "C1", None),  # B1 reads A1, and cannot be calculated
        ({("S", 1, 1): "=5"}, "C1", None),
        ({("S", 1, 1): 5.0}, "B1", None),
        ({("S", 1, 1): 5.0}, "D1", 10.0),
        ({("S", 1, 1): "=5"}, "D1", 10.0),
        ({("S", 1, 5): 5.0}, "F1", 7.0),
    ],
)
def test_a_formula_that_is_not_understood_on_the_way_makes_a_value_unknown(
    changed: dict[Place, str | float], wanted: str, value: CellValue
) -> None:
    contents = cells(
        {"A1": 1, "B1": '=TEXT(A1,"0")+1', "C1": "=A1+B1", "D1": "=A1*2", "E1": 1, "F1": "=B1+E1"}
    )
    values = cells({"B1": 2, "C1": 3, "D1": 2, "F1": 3})
    made = WhatIf(sheets_of(contents), columns_of({**stored(contents), **values}))
    [place] = cells({wanted: 0})
    assert made.value(changed, place) == value


@pytest.mark.parametrize(
    ("changed", "wanted", "value"),
    [
        ({("S", 1, 1): 5.0}, "B1", 5.0),
        ({("S", 9, 26): 5.0}, "B1", 6.0),  # where nothing was
        ({("S", 9, 26): 5.0}, "C1", 0.0),
        ({("S", 9, 26): "=A1+4"}, "B1", 6.0),
        ({("S", 1, 2): "=A1+4"}, "B1", 5.0),
        ({("S", 1, 2): 7.0}, "B1", 7.0),
        ({("S", 1, 2): 7.0}, "D1", 14.0),
        ({("S", 1, 2): "=FOO()"}, "B1", None),
        ({("S", 1, 2): 7.0}, "Y9", None),
    ],
)
def test_cells_may_have_been_empty(
    changed: dict[Place, str | float], wanted: str, value: CellValue
) -> None:
    contents = cells({"A1": 1, "B1": "=A1+Z9", "C1": "=Y9+X8", "D1": "=B1*2"})
    [place] = cells({wanted: 0})
    assert what_if(contents).value(changed, place) == value
