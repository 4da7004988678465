"""The page about which numbers move a result, and its chart."""

import re
from pathlib import Path

import pytest
from browser import CHROMIUM, DESKTOP, PHONE, Page, opened
from lxml import etree
from sensitivities import asked, written

from workbook_tools.reporting.sensitivity_page import to_html, write_page
from workbook_tools.reporting.tornado import Bar, draw_tornado

CELLS: dict[str, object] = {
    "A1": "Price <b>per</b> unit & more", "B1": 24.5, "A2": "Units sold in the first year",
    "B2": 12000, "A3": "Wages", "B3": 62000, "A4": "Target", "B4": 2.0,
    "A5": "Profit", "B5": "=B1*(B2+500)-B3+(B4-2)^2*1E5+B6*0", "B6": 4,
}  # fmt: skip


def page(folder: Path, cells: dict[str, object] = CELLS, of: str = "B5") -> str:
    return to_html(asked(written(folder / "a.xlsx", cells), of))


def rows(source: str) -> list[list[str]]:
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in source.split("<tr>")]
    return [row for row in cells if row]


def test_the_page_shows_the_result_a_chart_and_a_table(tmp_path: Path) -> None:
    source = page(tmp_path)
    read = Page(source)
    assert read.unclosed == []
    assert "<h1>What moves Profit</h1>" in source
    assert "244,250" in read.text
    assert "The strongest is Price <b>per</b> unit & more (B1): with 10\u00a0% more" in read.text
    assert "changes by +30,625, or +13\u00a0%" in read.text
    assert [row[0] for row in rows(source)] == ["B1", "B2", "B3", "B4"]
    assert "B6 does not move it." in read.text
    assert "svg" in read.tags
    assert "script" not in read.tags
    assert read.links == []


def test_a_hostile_label_is_a_text(tmp_path: Path) -> None:
    source = page(tmp_path, {"A1": "<script>alert(1)</script>", "B1": 2, "B2": "=B1*2"}, "B2")
    assert "script" not in Page(source).tags
    assert source.count("&lt;script&gt;") >= 2


def test_a_page_without_a_chart_is_complete(tmp_path: Path) -> None:
    read = Page(page(tmp_path, {"A1": 0, "B1": "=A1*2+1"}, "B1"))
    assert "svg" not in read.tags
    assert "1 typed number moves this result." in read.text
    nothing = Page(page(tmp_path, {"A1": 5, "A2": 3, "B1": "=IF(A1>99,A2,1)"}, "B1"))
    assert "None of the numbers moves it" in nothing.text


def test_200_numbers_are_in_the_table_and_15_in_the_chart(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"A{row}": row for row in range(1, 222)}
    source = page(tmp_path, {**cells, "C1": "=SUM(A1:A221)"}, "C1")
    assert len(rows(source)) == 200
    assert "And 21 more numbers; the CSV file has them all." in source
    assert source.count('class="name"') == 15
    assert "The 15 strongest are drawn." in source


def numbers_of(svg: str) -> list[tuple[str, float, float]]:
    """Return the bars: their class, where they begin and where they end, in percent."""
    found = etree.fromstring(svg).iter("rect")
    both = [(b.get("class"), float(b.get("x")[:-1]), float(b.get("width")[:-1])) for b in found]
    return [(name, begin, begin + width) for name, begin, width in both]


def test_bars_are_as_long_as_the_changes_and_begin_at_zero() -> None:
    svg = draw_tornado([Bar("A1", "one", -10.0, 20.0), Bar("A2", "two", 5.0, -2.5)], "t", "now 1")
    zero = float(etree.fromstring(svg).find("line").get("x1")[:-1])
    unit = (100 - 2 * 22) / 30
    assert numbers_of(svg) == [
        ("down", pytest.approx(zero - 10 * unit, abs=0.02), pytest.approx(zero, abs=0.02)),
        ("up", pytest.approx(zero, abs=0.02), pytest.approx(zero + 20 * unit, abs=0.02)),
        ("down", pytest.approx(zero, abs=0.02), pytest.approx(zero + 5 * unit, abs=0.02)),
        ("up", pytest.approx(zero - 2.5 * unit, abs=0.02), pytest.approx(zero, abs=0.02)),
    ]
    assert [t.text for t in etree.fromstring(svg).iter("text") if t.get("class") == "number"] == [
        "-10", "+20", "+5", "-2.5",
    ]  # fmt: skip


def test_two_bars_to_one_side_do_not_cover_each_other() -> None:
    svg = draw_tornado([Bar("A1", "one", 3.0, 4.0)], "t", "now 1")
    down, up = (
        (float(box.get("y")), float(box.get("height")))
        for box in etree.fromstring(svg).iter("rect")
    )
    assert down[0] + down[1] <= up[0]
    assert ">+3 / +4<" in svg


@pytest.mark.parametrize("change", [1e308, 1e-300, 5e-324, 1.0])
def test_any_change_can_be_drawn(change: float) -> None:
    svg = draw_tornado([Bar("A1", "\x00 a \ud800", -change, change)], "t", "now 1")
    assert all(0 <= begin <= end <= 100 for _, begin, end in numbers_of(svg))
    assert len(numbers_of(svg)) == 2


@pytest.mark.chromium
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_page_fits_a_desk_and_a_phone(width: int, tmp_path: Path) -> None:
    cells: dict[str, object] = {
        f"{letter}{row}": f"A name of {row} that is as long as names in such sheets are"
        if letter == "A"
        else 1000.0 * row
        for row in range(1, 30)
        for letter in "AB"
    }
    made = written(tmp_path / "a.xlsx", {**cells, "A40": "The result", "B40": "=SUM(B1:B29)^2"})
    write_page(asked(made, "B40"), tmp_path / "a.html")
    shown = opened(tmp_path / "a.html", width)
    assert shown.needs <= shown.width
    assert "What moves The result" in shown.text
