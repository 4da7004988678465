"""What a cell is called: the text left of it, or above it."""

import pytest

from workbook_tools.formulas.labels_beside import label_of
from workbook_tools.formulas.sheets import Sheet


def sheet(*rows: list[str]) -> Sheet:
    texts = {
        (row, column): text
        for row, cells in enumerate(rows, start=1)
        for column, text in enumerate(cells, start=1)
        if text
    }
    return Sheet("Sheet", texts=texts)


@pytest.mark.parametrize(
    ("rows", "place", "label"),
    [
        ([["Discount rate:", ""]], (1, 2), "Discount rate"),
        ([["Discount  \n rate : "]], (1, 2), "Discount rate"),
        ([["η ="]], (1, 2), "η"),
        ([["Price", "€", ""]], (1, 3), "Price"),
        ([["Length", "m", ""]], (1, 3), "Length, m"),
        ([["a", "b", "c", "d", ""]], (1, 5), "b, c, d"),
        ([["Length", "=", ""]], (1, 3), "Length"),
        ([["x", "y"], ["", ""]], (2, 2), "y"),
        ([["x"], [""], [""]], (3, 1), "x"),
        ([["fruit", "kilos", "price"], ["Apples", "", ""]], (2, 3), "Apples, price"),
        ([["fruit", "kilos", "price"], ["Apples", "", ""]], (2, 2), "Apples"),
        ([["", "", "A title"], ["Rate", "", ""]], (2, 3), "Rate"),
        ([["", ""], ["", ""]], (2, 2), None),
        ([["", "n" * 81], ["12", ""]], (2, 2), None),
        ([["", "below"]], (1, 1), None),
        ([[""], ["below"]], (1, 1), None),
    ],
)
def test_a_cell_is_called_as_the_text_beside_it_says(
    rows: list[list[str]], place: tuple[int, int], label: str | None
) -> None:
    assert label_of(sheet(*rows), *place) == label


@pytest.mark.parametrize(
    ("filled", "label"),
    [
        ({3}, "x"),  # the text is that of the number in C2; D2 and E2 are empty
        ({3, 5}, "x"),
        ({}, "Wages"),
        ({4, 5}, "Wages"),
        ({3, 4, 5}, "Wages"),
    ],
)
def test_a_text_beside_another_number_is_that_numbers(filled: set[int], label: str) -> None:
    own = sheet(["", "", "", "", "", "x"], ["", "Wages", "", "", "", ""])
    assert label_of(own, 2, 6, lambda row, column: column in filled) == label
