"""A number is a number, however it is shown: as a date, a time of day or a duration."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from cases import cases
from handmade import HandMade
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, to_excel

from workbook_tools.checking.verify import verify
from workbook_tools.engines import libreoffice, recalculate
from workbook_tools.engines.cached_values import fill

EPOCHS = [CALENDAR_WINDOWS_1900, CALENDAR_MAC_1904]
FORMATS = [
    "h:mm", "h:mm:ss.000", "[h]:mm:ss", "[mm]:ss", "yyyy-mm-dd", "d/m/yy h:mm", "mmm-yy", "dddd",
    "[$-409]d mmm yyyy;@", "[$-F400]h:mm:ss AM/PM", '"day" d', "General", "0.00E+00", "0%", "@",
]  # fmt: skip
numbers = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 59.0, 60.0, 61.0, 0.123456789, 2958465.999999, 1e-9, -0.25]),
    st.floats(0, 1),
    st.floats(-3e6, 3e6),
    st.floats(-1e300, 1e300, allow_subnormal=False),
).map(lambda number: float(f"{number:.15g}"))  # openpyxl writes no more than 16 digits
shown = st.lists(st.tuples(numbers, st.sampled_from(FORMATS)), min_size=1, max_size=8)


def book_of(path: Path, cells: list[tuple[float, str]], epoch: object = EPOCHS[0]) -> Path:
    """Write numbers in these formats, each with formulas that read it, in the same format."""
    book = openpyxl.Workbook()
    book.epoch = epoch
    for row, (number, shown_as) in enumerate(cells, start=1):
        book.active.append([number, f"=A{row}", f"=A{row}*2", f"=SUM(A{row}:A{row})"])
        for cell in book.active[row]:
            cell.number_format = shown_as
    book.save(path)
    return path


def expected(cells: list[tuple[float, str]]) -> list[list[float]]:
    return [[number, number, number * 2, number] for number, _ in cells]


@given(shown, st.sampled_from(EPOCHS))
@cases(100)
def test_numbers_are_the_same_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[float, str]], epoch: object
) -> None:
    folder = tmp_path_factory.mktemp("dates")
    path = book_of(folder / "book.xlsx", cells, epoch)
    for engine in ("embedded", "ironcalc"):
        assert recalculate(path, engine).block("Sheet", 1, 1, len(cells), 4) == expected(cells)
    fill(path, folder / "filled.xlsx", recalculate(path, "embedded"))
    cached = recalculate(folder / "filled.xlsx", "cached")
    assert cached.block("Sheet", 1, 1, len(cells), 4) == expected(cells)


@pytest.mark.libreoffice
def test_numbers_are_the_same_in_every_format_to_libreoffice(tmp_path: Path) -> None:
    some = [0.0, 0.5, 0.123456789, 45000.1234567, 60.0, 1234567.0]
    cells = [(number, shown_as) for number in some for shown_as in FORMATS if shown_as != "@"]
    paths = [
        book_of(tmp_path / f"{number}.xlsx", cells, epoch) for number, epoch in enumerate(EPOCHS)
    ]
    for calculation in libreoffice.recalculate_all(paths):
        found = calculation.block("Sheet", 1, 1, len(cells), 4)
        for row, right in zip(found, expected(cells), strict=True):
            assert row == pytest.approx(right, rel=1e-14, abs=0)


@pytest.mark.parametrize("engine", ["embedded", "libreoffice"])
@pytest.mark.parametrize("epoch", EPOCHS)
def test_a_date_is_the_number_that_it_is_in_this_workbook(
    tmp_path: Path, epoch: object, engine: str
) -> None:
    book = openpyxl.Workbook()
    book.epoch = epoch
    book.active.append(["=DATE(2024,1,2)", "=A1+0.5", "=TIME(6,0,0)", "=YEAR(A1)"])
    book.save(tmp_path / "book.xlsx")
    day = to_excel(datetime(2024, 1, 2), epoch=epoch)
    [found] = recalculate(tmp_path / "book.xlsx", engine).block("Sheet", 1, 1, 1, 4)
    assert found == [day, day + 0.5, 0.25, 2024.0]


def test_a_rate_and_weights_that_are_shown_as_times_are_checked_like_others(
    tmp_path: Path,
) -> None:
    path = HandMade().save(tmp_path / "made.xlsx")
    book = openpyxl.load_workbook(path)
    for row in book.active.iter_rows():
        for cell in row:
            cell.number_format = FORMATS[cell.column % 8]
    book.save(tmp_path / "times.xlsx")
    report, plain = verify(tmp_path / "times.xlsx"), verify(path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].cells == plain.tables[0].cells
