"""Every engine gives the same numbers; the ones that calculate do not believe the file's own."""

import re
import zipfile
from pathlib import Path

import formualizer as fz
import openpyxl
import pytest
from handmade import FORMULAS, HandMade
from openpyxl.comments import Comment
from parts import SHEET, parts, replaced, rewritten, with_value

from workbook_tools.checking.verify import verify
from workbook_tools.engines import ENGINES, is_panic, recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.engines.ironcalc import silenced
from workbook_tools.errors import InputError
from workbook_tools.package.cell_values import CellError

CALCULATING = [name for name in ENGINES if name != "cached"]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A small workbook with a note, and without cached values, as openpyxl writes it."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "It's one"
    sheet["A1"], sheet["A2"], sheet["A3"] = 0.1, 0.2, "text"
    sheet["B1"], sheet["B2"] = "=A1+A2", "=1/(1+EXP(-B1))"
    sheet["B3"], sheet["B4"], sheet["B5"] = "=1/0", '=A3&"!"', "=A1<A2"
    sheet["C7"] = "=Two!A1*2"
    sheet["A1"].comment = Comment("a note", "somebody")
    workbook.create_sheet("Two")["A1"] = 21
    workbook.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_numbers_texts_truths_and_errors(
    book: Path, tmp_path: Path, engine: str
) -> None:
    if engine == "cached":
        fill(book, tmp_path / "filled.xlsx", recalculate(book, "embedded"))
        book = tmp_path / "filled.xlsx"
    calculation = recalculate(book, engine)
    block = calculation.block("It's one", 1, 1, 7, 3)
    assert [len(row) for row in block] == [3] * 7
    assert block[0][:2] == [0.1, pytest.approx(0.3, rel=1e-15)]
    assert block[1][1] == pytest.approx(0.574442516811659, rel=1e-14)
    assert block[2][0] == "text"
    assert block[2][1] == CellError("#DIV/0!")
    assert block[3][1] == "text!"
    assert block[4][1] is True
    assert block[5] == [None, None, None]
    assert block[6][2] == 42.0
    assert calculation.block("Two", 1, 1, 1, 1) == [[21.0]]


@pytest.mark.parametrize("engine", CALCULATING)
def test_an_engine_is_named_with_its_version(book: Path, engine: str) -> None:
    assert re.search(r"\d+\.\d+", recalculate(book, engine).engine)


@pytest.mark.parametrize("engine", CALCULATING)
def test_an_engine_compares_numbers_near_0_as_it_says(tmp_path: Path, engine: str) -> None:
    numbers = [1e-300, 1e-17, 2.0**-53, 1.01 * 2.0**-52, 1e-15]
    workbook = openpyxl.Workbook()
    for row, number in enumerate(numbers, start=1):
        workbook.active.append([number, f"=IF(A{row}>0,1,0)", f"=IF(-A{row}<0,1,0)"])
    workbook.save(tmp_path / "near.xlsx")
    calculation = recalculate(tmp_path / "near.xlsx", engine)
    told = [float(number >= calculation.zero) for number in numbers]
    found = calculation.block(workbook.active.title, 1, 2, len(numbers), 3)
    assert found == [[positive, positive] for positive in told]


def plant_wrong_values(source: Path, target: Path) -> int:
    """Copy a workbook with 0.125 as the cached value of every formula; return their number."""
    planted = 0

    def plant(content: bytes) -> bytes:
        nonlocal planted
        content, count = re.subn(rb"</f><v>[^<]*</v>", b"</f><v>0.125</v>", content)
        planted += count
        return content

    rewritten(source, target, dict.fromkeys(parts(source), plant))
    return planted


@pytest.mark.parametrize("engine", CALCULATING)
def test_wrong_cached_values_are_replaced(workbooks: Path, tmp_path: Path, engine: str) -> None:
    stale = tmp_path / "stale.xlsx"
    assert plant_wrong_values(workbooks / "mazur.xlsx", stale) == 3303
    believed = recalculate(stale, "cached").block("LR 0.5", 32, 1, 131, 33)
    assert {value for row in believed for value in row} == {0.125}
    right = recalculate(workbooks / "mazur.xlsx", "cached").block("LR 0.5", 32, 1, 131, 33)
    found = recalculate(stale, engine).block("LR 0.5", 32, 1, 131, 33)
    for found_row, right_row in zip(found, right, strict=True):
        assert found_row == pytest.approx(right_row, rel=1e-12)


def test_a_missing_libreoffice_is_said_with_how_to_install_it(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="libreoffice-calc-nogui"):
        recalculate(book, "libreoffice")


@pytest.mark.libreoffice
def test_a_slow_libreoffice_is_given_up(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbook_tools.engines.libreoffice.TIMEOUT", 0.01)
    with pytest.raises(InputError, match="took longer than"):
        recalculate(book, "libreoffice")


@pytest.mark.parametrize("engine", ["embedded", "ironcalc", "cached"])
def test_a_file_that_an_engine_cannot_read_is_said_in_one_line(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "no.xlsx"
    path.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(InputError, match=r"no\.xlsx"):
        recalculate(path, engine)


def test_filled_in_values_are_read_back_by_other_programs_libraries(
    book: Path, tmp_path: Path
) -> None:
    filled = tmp_path / "filled.xlsx"
    assert fill(book, filled, recalculate(book, "embedded")) == 6
    sheet = openpyxl.load_workbook(filled, data_only=True)["It's one"]
    values = [sheet[cell].value for cell in ("B1", "B3", "B4", "B5", "C7")]
    assert values == [pytest.approx(0.3), "#DIV/0!", "text!", True, 42]
    formulas = openpyxl.load_workbook(filled)["It's one"]
    assert formulas["B2"].value == "=1/(1+EXP(-B1))"


def test_filling_in_values_leaves_everything_else_as_it_was(book: Path, tmp_path: Path) -> None:
    filled = tmp_path / "filled.xlsx"
    fill(book, filled, recalculate(book, "embedded"))
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(filled) as new:
        assert old.namelist() == new.namelist()
        for name in old.namelist():
            if not name.startswith("xl/worksheets/sheet"):
                assert old.read(name) == new.read(name), name
            else:
                values = rb"(</f>)<v>[^<]*</v>|(</f>)<v ?/>"
                a, b = (re.sub(values, b"</f>", x.read(name)) for x in (old, new))
                assert a == re.sub(rb' t="(str|e|b)"(?=><f)', b"", b), name


def test_filling_in_again_replaces_the_older_values(workbooks: Path, tmp_path: Path) -> None:
    stale, again = tmp_path / "stale.xlsx", tmp_path / "again.xlsx"
    plant_wrong_values(workbooks / "mazur.xlsx", stale)
    fill(stale, again, recalculate(stale, "embedded"))
    assert recalculate(again, "cached").block("LR 0.5", 32, 1, 40, 33) == recalculate(
        workbooks / "mazur.xlsx", "cached"
    ).block("LR 0.5", 32, 1, 40, 33)


def test_a_formula_cell_that_cannot_be_filled_is_never_passed_over(
    book: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.xlsx"
    rewritten(book, other, {SHEET: replaced(b'<c r="B2">', b'<c cm="1" r="B2">')})
    with pytest.raises(AssertionError, match="It's one"):
        fill(other, tmp_path / "filled.xlsx", recalculate(book, "embedded"))


def test_values_that_an_exporter_rounded_are_known_to_be(workbooks: Path, tmp_path: Path) -> None:
    source, rounded = workbooks / "mazur.xlsx", tmp_path / "rounded.xlsx"

    def shorter(match: re.Match[bytes]) -> bytes:
        return b"</f><v>%.10g</v>" % float(match[1])

    def shortened(content: bytes) -> bytes:
        return re.sub(rb"</f><v>([-\d.eE]+)</v>", shorter, content)

    rewritten(source, rounded, dict.fromkeys(parts(source), shortened))
    assert recalculate(source, "cached").storage == 5e-15
    assert recalculate(rounded, "cached").storage == pytest.approx(5e-10)
    assert verify(rounded, "cached").verdict == "pass"
    wrong = with_value("Y40", lambda value: b"%.10g" % (value * (1 + 1e-7)))
    off = rewritten(rounded, tmp_path / "off.xlsx", {"xl/worksheets/sheet2.xml": wrong})
    assert [finding.cells for finding in verify(off, "cached").faults] == ["Y40"]


def test_a_function_that_an_engine_lacks_is_no_error_value(tmp_path: Path) -> None:
    path = HandMade({**FORMULAS, "E1": "=POW(B6-S6,2)/2"}).save(tmp_path / "made.xlsx")
    fill(path, tmp_path / "filled.xlsx", recalculate(path, "embedded"))
    report = verify(tmp_path / "filled.xlsx", "ironcalc")
    assert (report.verdict, report.faults) == ("incomplete", [])
    [(reason, count)] = report.tables[0].cells.reasons.items()
    assert reason.startswith("the engine does not know POW;")
    assert count == 40  # E1, and E_tot that reads it
    found = verify(path, "ironcalc").faults  # where nothing is stored, it may be misspelled
    assert {finding.kind for finding in found} == {"error-value"}


@pytest.mark.parametrize("engine", ["compiled", "ironcalc", "libreoffice"])
def test_a_range_that_runs_backwards_is_the_same_range(tmp_path: Path, engine: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"], sheet["A2"], sheet["B1"], sheet["B2"] = 1, 2, 3, 4
    sheet["C1"], sheet["C2"] = "=SUMPRODUCT(B2:A1,A1:B2)", "=C1+SUM($A2:A$1)"
    book.save(tmp_path / "backwards.xlsx")
    found = recalculate(tmp_path / "backwards.xlsx", engine).block("Sheet", 1, 3, 2, 3)
    assert found == [[30.0], [33.0]]


@pytest.mark.parametrize("engine", ["compiled", "libreoffice"])
def test_whole_columns_and_rows_that_run_backwards_are_the_same_range(
    tmp_path: Path, engine: str
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "It's"
    sheet.append([1, 2])
    sheet.append([3, 4])
    sheet["D5"], sheet["E5"] = "=SUM(B:A)", "=IFERROR(SUM($2:1),0)"
    other = book.create_sheet("Two")
    other["A1"] = "=SUM('It''s'!B:$A)"
    book.save(tmp_path / "backwards.xlsx")
    calculation = recalculate(tmp_path / "backwards.xlsx", engine)
    assert calculation.block("It's", 5, 4, 5, 5) == [[10.0, 10.0]]
    assert calculation.block("Two", 1, 1, 1, 1) == [[10.0]]
    with pytest.raises(InputError, match="a range runs backwards: =SUM"):
        recalculate(tmp_path / "backwards.xlsx", "embedded")


PanicException = type("PanicException", (BaseException,), {})  # as pyo3 makes it


def test_what_rust_raises_when_it_breaks_is_known() -> None:
    ironcalc = pytest.importorskip("ironcalc")
    with silenced(), pytest.raises(BaseException) as raised:
        ironcalc.test_panic()
    assert not isinstance(raised.value, Exception)
    assert is_panic(raised.value)
    assert not is_panic(KeyboardInterrupt())


def break_formualizer(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """Have one of its methods break."""

    def broken(*_: object, **__: object) -> None:
        raise PanicException("index out of bounds")

    class Broken:
        def __init__(self, workbook: object) -> None:
            self.workbook = workbook

        @classmethod
        def load_path(cls, *args: object, **options: object) -> object:
            return broken() if when == "load_path" else cls(real.load_path(*args, **options))

        def __getattr__(self, name: str) -> object:
            return broken if name == when else getattr(self.workbook, name)

    real = fz.Workbook
    monkeypatch.setattr(fz, "Workbook", Broken)


@pytest.mark.parametrize("when", ["load_path", "evaluate_all", "sheet"])
def test_an_embedded_engine_that_breaks_is_one_line(
    book: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    break_formualizer(monkeypatch, when)
    with pytest.raises(InputError, match=r"book\.xlsx: .*\(index out of bounds\); try --engine"):
        recalculate(book, "embedded")


@pytest.mark.parametrize(
    "engine", ["compiled", pytest.param("libreoffice", marks=pytest.mark.libreoffice)]
)
def test_a_link_that_nothing_depends_on_keeps_no_other_cell_from_being_calculated(
    engine: str, tmp_path: Path
) -> None:
    wrong = FORMULAS["∂E/∂w3"].replace("Q6", "P6")
    path = HandMade({**FORMULAS, "∂E/∂w3": wrong}, {"AK1": "=[1]Sheet1!A1"}).save(
        tmp_path / "made.xlsx"
    )
    with pytest.raises(InputError, match="the embedded engine cannot calculate it"):
        verify(path, "embedded")
    [finding] = verify(path, engine).findings
    assert finding.quantities == ("∂E/∂w3",)
    assert finding.effect is not None


@pytest.mark.parametrize("when", ["load_from_xlsx", "evaluate", "get_cell_value"])
def test_an_ironcalc_that_breaks_is_one_line_and_prints_nothing(
    book: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], when: str
) -> None:
    ironcalc = pytest.importorskip("ironcalc")
    load = ironcalc.load_from_xlsx

    class Broken:
        def __init__(self, path: str) -> None:
            self.model = ironcalc.test_panic() if when == "load_from_xlsx" else load(path)

        def __getattr__(self, name: str) -> object:
            if name != when:
                return getattr(self.model, name)
            return lambda *_: ironcalc.test_panic()

    monkeypatch.setattr(ironcalc, "load_from_xlsx", Broken)
    with pytest.raises(InputError, match=r"book\.xlsx: ironcalc cannot calculate it"):
        recalculate(book, "ironcalc")
    assert capfd.readouterr() == ("", "")
