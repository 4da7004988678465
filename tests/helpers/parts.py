"""Workbook files taken apart and put together again, part by part, as no program writes them."""

import re
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import open_package

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
BOOK = "xl/workbook.xml"
STYLES = "xl/styles.xml"

Change = Callable[[bytes], bytes]


def rewritten(
    source: Path,
    target: Path,
    changes: Mapping[str, Change] | None = None,
    without: str | None = None,
    added: Mapping[str, bytes] | None = None,
) -> Path:
    """Copy a workbook with some parts changed, one left out, others added."""
    changes = changes or {}
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        assert changes.keys() <= set(names)
        assert without is None or without in names
        for name in names:
            if name != without:
                content = old.read(name)
                new.writestr(name, changes[name](content) if name in changes else content)
        for name, content in (added or {}).items():
            new.writestr(name, content)
    return target


def with_rows(rows: bytes) -> Change:
    """Add rows, as XML, below all others of a sheet."""
    return replaced(b"</sheetData>", rows + b"</sheetData>")


def replaced(old: bytes, new: bytes) -> Change:
    """Replace what is there once."""

    def change(content: bytes) -> bytes:
        assert content.count(old) == 1, (old, content.count(old))
        return content.replace(old, new)

    return change


def with_value(cell: str, other: Callable[[float], bytes]) -> Change:
    """Let a sheet store another value of a formula, made of the one that it has."""

    def change(content: bytes) -> bytes:
        match = re.search(rb'<c r="%s"[^>]*><f>[^<]*</f><v>([^<]*)</v>' % cell.encode(), content)
        assert match is not None
        return content[: match.start(1)] + other(float(match[1])) + content[match.end(1) :]

    return change


def strict(content: bytes) -> bytes:
    """Return a part of a workbook as one of Strict Open XML."""
    office, iso = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    content = content.replace(office + b"spreadsheetml/2006/main", iso + b"spreadsheetml/main")
    names = b"officeDocument/2006/relationships"
    return content.replace(office + names, iso + b"officeDocument/relationships")


def edited(source: Path, target: Path, edit: Callable[[PackageCopy], object]) -> Path:
    """Copy a workbook, with what ``edit`` does to the copy."""
    with open_package(source) as package:
        copy = PackageCopy(package)
        edit(copy)
        copy.save(target)
    return target


def parts(path: Path) -> dict[str, bytes]:
    """Return the parts of a workbook."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def differences(source: Path, target: Path) -> tuple[set[str], set[str], set[str]]:
    """Return the parts that are not the same in two workbooks: changed, added, gone."""
    old, new = parts(source), parts(target)
    changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    return changed, new.keys() - old.keys(), old.keys() - new.keys()


_VALUE = re.compile(rb"<v>([^<]*)</v>")


def assert_same_workbook(one: Path, other: Path) -> None:
    """Compare two: parts, formulas, styles exactly; values to 1e-12, for a machine's last bit."""
    with zipfile.ZipFile(one) as new, zipfile.ZipFile(other) as old:
        assert new.namelist() == old.namelist()
        for part in new.namelist():
            a, b = new.read(part), old.read(part)
            if part.startswith("xl/worksheets/sheet"):
                assert _VALUE.sub(b"", a) == _VALUE.sub(b"", b), part
                (numbers, texts), (others, other_texts) = _values(a), _values(b)
                assert texts == other_texts, part
                assert numbers == pytest.approx(others, rel=1e-12, abs=0), part
            elif part.endswith(".png"):  # compressed differently by another zlib
                pictures = [Image.open(BytesIO(x)).convert("RGB") for x in (a, b)]
                assert pictures[0].size == pictures[1].size
                assert pictures[0].tobytes() == pictures[1].tobytes(), part
            else:
                assert a == b, part


def _values(sheet: bytes) -> tuple[list[float], list[bytes]]:
    """Return the numbers of a sheet, and what else its cells show."""
    numbers, texts = [], []
    for value in _VALUE.findall(sheet):
        try:
            numbers.append(float(value))
        except ValueError:
            texts.append(value)
    return numbers, texts
