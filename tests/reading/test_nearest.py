"""The row nearest to a header is the one that names most kinds; what it lacks is counted."""

import pytest

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.reading.nearest import NearestRow, nearest_row


def rows(*lines: str, name: str = "S") -> Sheet:
    texts = {
        (row, column): word
        for row, line in enumerate(lines, start=1)
        for column, word in enumerate(line.split(), start=1)
    }
    return Sheet(name, len(lines), texts)


def nearest(*lines: str) -> NearestRow:
    found = nearest_row([rows(*lines)])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("labels", "lacking"),
    [
        ("i1 i2 t1 w1 w2 o1", ""),  # a single layer
        ("i1 i2 t1 w1 w2 w3 h1 o1", ""),
        ("i1 i2 t1 w1 w2 w3 h1 a_o1", "o1"),
        ("i1 i2 w1 w2 w3 h1 o1", "t1"),
        ("i1 t1 t2 w1 w2 w3 h1 o1 a_o2", "o2"),
        ("i1 i2 t1 w1 w2 w3 w4 w5 w6 a_h1 a_h2 o1", "h1 h2"),
        ("i1 i3 t1 w1 w2 w3 h1 o1", "i2"),
        ("i1 t1 w1 w2 w4 w7 h1_1 h1_2 h2_1 h2_2 o1", "w3 w5 w6 w8"),
        ("i1 t1 w1 h1_1 h1_2 h2_1 h2_2 o1", "w2 w3 w4 w5 …"),
        ("i1 i2 t1", "w1 … h1 … o1"),
        ("w1 w2", "i1 … t1 … h1 … o1 …"),
        ("i0 i1 t0 w0 w1 w2 h0 o0", ""),  # all from 0
        ("i0 i1 t0 w0 w1 h0 o0", "w3"),
    ],
)
def test_what_a_row_lacks(labels: str, lacking: str) -> None:
    found = nearest(labels)
    assert " ".join(symbol for own in found.lacking.values() for symbol in own) == lacking
    assert found.is_whole == (not lacking and "i0" not in labels)


def test_kinds_count_before_labels() -> None:
    assert nearest("w1 w2 w3 w4 w5", "i1 t1", "i1 i2 t1", "x1 y1 z9").header.row == 3


def test_labels_that_recur_are_looked_at_once() -> None:
    found = nearest(*["i1 w1", "0.1 n/a"] * 10_000, "i1 w1 o1")
    assert found.header.row == 20_001
    assert nearest(*["i1 w1", "0.1 n/a"] * 3).header.row == 1


def test_labels_that_are_not_understood() -> None:
    assert nearest("i1 w1 net i1 cost2go η t1").not_understood == ["net", "cost2go"]


def test_every_sheet_is_looked_at() -> None:
    found = nearest_row([rows("i1 i2", name="A"), rows("i1 w1", name="B")])
    assert found is not None
    assert found.sheet.name == "B"


def test_one_label_is_not_enough() -> None:
    assert nearest_row([rows("i1 price", "w1 cost"), rows("name")]) is None
    assert nearest_row([]) is None
