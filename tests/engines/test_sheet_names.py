"""Every sheet name that Excel allows is one, in every engine; what an engine loses is said."""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import openpyxl
import pytest
from cases import cases
from handmade import FORMULAS, HandMade
from hypothesis import example, given
from hypothesis import strategies as st
from parts import BOOK, rewritten

from workbook_tools.checking.verify import verify
from workbook_tools.engines import ENGINES, libreoffice, recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.engines.plain_copy import plain_names
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import with_sheets
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import open_package
from workbook_tools.program.what_if import WhatIf
from workbook_tools.reporting.copies import write_mended

pytestmark = pytest.mark.slow

LEGAL = (
    "sheet1 SHEET1 sHEET1 Sheet1 ſheet1 R1C1 TRUE A1 XFD1048576 1st 2024 It's a!b A1!B1 a''b "
    "#REF! 😀 𝔘𝔫𝔦 é e\u0301 Straße STRASSE K \u212a İ ı ﬁ „Zahl“ 〔a〕 100% a,b a;b (1) {1} "
    'Sheet.1 _x0041_ =1 +1 -1 @ & < > " …'
).split()
LEGAL += [" lead", "trail ", "two  spaces", "x" * 31, "Sheet 1", "Sheet1 ", "Lernrate 0,5", " "]
legal_names = st.one_of(
    st.sampled_from(LEGAL),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="[]:*?/\\"),
        min_size=1,
        max_size=31,
    ),
).filter(lambda name: not {name[0], name[-1]} & {"'"} and len(name.encode("utf-16")) <= 64)
# Excel takes names for the same if only case differs.
several_names = st.lists(legal_names, min_size=1, max_size=4, unique_by=str.lower)


def called(path: Path, source: Path, names: Sequence[str]) -> Path:
    """Copy a workbook with other names for its sheets."""

    def change(content: bytes) -> bytes:
        text = content.decode()
        for number, name in enumerate(openpyxl.load_workbook(source).sheetnames):
            assert text.count(f'name="{name}"') == 1
            text = text.replace(f'name="{name}"', f"name={quoteattr(names[number])}")
        return text.encode()

    return rewritten(source, path, {BOOK: change})


def book_of(folder: Path, names: Sequence[str], name: str = "book.xlsx") -> Path:
    """Write a workbook with sheets of these names, which read each other."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    first, last = ("'" + name.replace("'", "''") + "'!" for name in (names[0], names[-1]))
    for number in range(len(names)):
        sheet = book.create_sheet(f"placeholder {number}")
        sheet.append([number + 1, "=A1*2", f"={first}A1+10", f"=SUM({last}A1:A2)"])
    book.save(folder / "made.xlsx")
    return called(folder / name, folder / "made.xlsx", names)


def expected(names: Sequence[str]) -> list[list[list[float]]]:
    return [[[n + 1.0, 2.0 * (n + 1), 11.0, float(len(names))]] for n in range(len(names))]


def found(path: Path, engine: str, names: Sequence[str]) -> list[object]:
    calculation = recalculate(path, engine)
    return [calculation.block(name, 1, 1, 1, 4) for name in names]


@given(several_names)
@example(["sheet1"])
@example(["SHEET1", "Other"])
@example(["Other", "sheet1"])
@example(["K", "\u212a"])
@example(["a!b", "It's"])
@cases(150)
def test_sheets_of_all_names_are_calculated(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    path = book_of(folder, names)
    for engine in ("embedded", "ironcalc"):
        assert found(path, engine, names) == expected(names), engine
    fill(path, folder / "filled.xlsx", recalculate(path, "embedded"))
    assert found(folder / "filled.xlsx", "cached", names) == expected(names)


@pytest.mark.libreoffice
def test_sheets_of_all_names_are_calculated_by_libreoffice(tmp_path: Path) -> None:
    several = [[name, f"other {number}"] for number, name in enumerate(LEGAL)]
    several.append(["K", "\u212a", "sheet1"])
    paths = [book_of(tmp_path, names, f"{number}.xlsx") for number, names in enumerate(several)]
    for names, calculation in zip(several, libreoffice.recalculate_all(paths), strict=True):
        assert [calculation.block(name, 1, 1, 1, 4) for name in names] == expected(names)


@given(st.lists(st.text(max_size=40), max_size=6, unique=True))
@example(["sheet1", "Sheet 1", "sheet 2"])
def test_plain_names_differ_in_more_than_case(names: list[str]) -> None:
    plain = plain_names(names)
    assert list(plain) == names
    for fold in (str.lower, str.upper, str.casefold):
        assert len({fold(name) for name in plain.values()}) == len(names)
    assert plain_names(list(plain.values())) == {name: name for name in plain.values()}


def test_references_to_sheets_are_renamed_and_nothing_else() -> None:
    names = {"a!b": "Sheet 1", "Two": "It's"}
    formula = (
        "='a!b'!A1+Two!$B2&\"Two!A1\"&Two+[1]Two!A1+'a!b:Two'!C3+Three!A1+'x''Two'!A1+TwoTwo!B1"
    )
    assert with_sheets(formula, lambda name: names.get(name, name)) == (
        "='Sheet 1'!A1+'It''s'!$B2&\"Two!A1\"&Two+[1]Two!A1+'Sheet 1:It''s'!C3+Three!A1"
        "+'x''Two'!A1+TwoTwo!B1"
    )


WRONG = {**FORMULAS, "∂E/∂w3": FORMULAS["∂E/∂w3"].replace("Q6", "P6")}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["sheet1", "SHEET1", "a!b", "A1"])
def test_a_mistake_is_found_whatever_its_sheet_is_called(
    tmp_path: Path, name: str, engine: str
) -> None:
    HandMade(WRONG).save(tmp_path / "one.xlsx")
    book = openpyxl.load_workbook(tmp_path / "one.xlsx")
    right = book.copy_worksheet(book.active)
    right.title = "right"
    for row in range(6, 26):
        right[f"AA{row}"] = FORMULAS["∂E/∂w3"].replace("6", str(row))
    book.save(tmp_path / "two.xlsx")
    path = called(tmp_path / "named.xlsx", tmp_path / "two.xlsx", [name, "right"])
    if engine == "cached":
        fill(path, tmp_path / "filled.xlsx", recalculate(path, "embedded"))
        path = tmp_path / "filled.xlsx"
    report = verify(path, engine)
    assert [(f.sheet, f.quantity) for f in report.faults] == [(name, "∂E/∂w3")]
    assert len(report.tables) == 2
    if engine == "embedded":
        write_mended(report, path, tmp_path / "mended.xlsx")
        assert verify(tmp_path / "mended.xlsx").verdict == "pass"
        [effect] = report.findings[0].effects
        assert effect.without == pytest.approx(float(report.tables[1].last_loss), rel=1e-9)


def test_what_if_knows_sheets_of_any_name(tmp_path: Path) -> None:
    with open_package(book_of(tmp_path, ["sheet1", "a!b"])) as package:
        what_if = WhatIf(*read_sheets(package))
    assert what_if.value({("sheet1", 1, 2): "='a!b'!A1*5"}, ("sheet1", 1, 2)) == 10.0
    assert what_if.value({("a!b", 1, 1): 7.0}, ("a!b", 1, 2)) == 14.0
    assert what_if.value({}, ("sheet1", 1, 2)) == 2.0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_sheet_that_is_not_there_shows_what_excel_shows(tmp_path: Path, engine: str) -> None:
    calculation = recalculate(book_of(tmp_path, ["One"]), engine)
    missing = CellError("#REF!")
    assert calculation.block("Nowhere", 1, 1, 2, 3) == [[missing] * 3] * 2
    assert calculation.block("ONE", 1, 1, 1, 1) == [[1.0]]


@pytest.mark.parametrize("engine", ["embedded", "ironcalc"])
def test_a_sheet_that_an_engine_loses_is_never_passed_over(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"workbook_tools.engines.{engine}.plain_copy", lambda package, *_: PackageCopy(package)
    )
    with pytest.raises(InputError, match=r"book\.xlsx: .* does not find its sheet 'sheet1'"):
        recalculate(book_of(tmp_path, ["sheet1", "Other"]), engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_two_sheets_of_one_name_are_refused(tmp_path: Path, engine: str) -> None:
    path = book_of(tmp_path, ["One", "One"])
    with pytest.raises(InputError, match="two sheets are called 'One'"):
        recalculate(path, engine)
