"""What is no workbook is refused in one line that says what to do."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from workbook_tools.checking.verify import verify
from workbook_tools.errors import InputError
from workbook_tools.package import open_package


def text(path: Path, _: Path) -> None:
    path.write_text("t1,t2\n0.5,0.5\n")


def empty(path: Path, _: Path) -> None:
    path.touch()


def missing(path: Path, _: Path) -> None:
    pass


def folder(path: Path, _: Path) -> None:
    path.mkdir()


def truncated(path: Path, good: Path) -> None:
    path.write_bytes(good.read_bytes()[:-3000])


def corrupt_inside(path: Path, good: Path) -> None:
    content = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as archive:
        start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    content[start + 200 : start + 260] = bytes(60)
    path.write_bytes(content)


def old_xls(path: Path, _: Path) -> None:
    path.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + "Workbook".encode("utf-16-le"))


def encrypted(path: Path, _: Path) -> None:
    path.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + "EncryptedPackage".encode("utf-16-le"))


def plain_zip(path: Path, _: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


def without(part: str) -> Callable[[Path, Path], None]:
    def make(path: Path, good: Path) -> None:
        with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                if name != part:
                    new.writestr(name, old.read(name))

    return make


def without_sheets(path: Path, good: Path) -> None:
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/workbook.xml":
                start, end = content.index(b"<sheets>"), content.index(b"</sheets>")
                content = content[: start + len(b"<sheets>")] + content[end:]
            new.writestr(name, content)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (text, "not an .xlsx workbook"),
        (empty, "not an .xlsx workbook"),
        (missing, "cannot be read"),
        (folder, "cannot be read"),
        (truncated, "cut short"),
        (corrupt_inside, "damaged"),
        (old_xls, "an old .xls workbook"),
        (encrypted, "encrypted"),
        (plain_zip, "not a workbook"),
        (without("xl/workbook.xml"), "part of it is missing"),
        (without("xl/worksheets/sheet2.xml"), "is missing from the file"),
        (without_sheets, "without sheets"),
    ],
)
def test_what_is_no_workbook_is_refused_in_one_line(
    make: Callable[[Path, Path], None], problem: str, workbooks: Path, tmp_path: Path
) -> None:
    path = tmp_path / "book.xlsx"
    make(path, workbooks / "mazur.xlsx")
    with pytest.raises(InputError) as refusal:
        verify(path)
    message = str(refusal.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert "\n" not in message


def test_sheets_are_found_by_their_relations_in_the_order_of_the_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Second")
    book.create_sheet("First", 0)
    book.save(tmp_path / "book.xlsx")
    with open_package(tmp_path / "book.xlsx") as package:
        assert [sheet.name for sheet in package.sheets] == ["First", "Sheet", "Second"]


def test_a_part_that_inflates_beyond_the_limit_is_refused(
    workbooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(workbooks / "mazur.xlsx", tmp_path))
    monkeypatch.setattr("workbook_tools.package.MAX_PART_BYTES", 100_000)
    with pytest.raises(InputError, match="do not trust this file"):
        verify(path)
