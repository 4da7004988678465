"""What in a workbook's sheets formualizer reads otherwise than Excel, without a word."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from workbook_tools.formulas.references import forwards
from workbook_tools.package.archive import opened, reading
from workbook_tools.package.workbook import WorkbookPackage

_CHUNK = 1 << 20
# How a range of whole columns or rows may end. It is found fast, for its first letter is rare;
# then it is looked at with what stands before it.
_END_OF_WHOLE = re.compile(rb":\$?(?:[A-Za-z]{1,3}|[0-9]{1,7})(?![A-Za-z0-9_.$:(!\]])")
_SPELLED = (b"<![CDATA[", b"&#")
_LONGEST_CORNER = 9  # $1048576, and what stands before


@contextmanager
def unchecked(path: Path) -> Iterator[WorkbookPackage]:
    """Open a workbook without inflating all that is in it, which who hands it to us has done."""
    with reading(path), opened(path) as archive:
        yield WorkbookPackage(path, archive)


class Oddities(NamedTuple):
    """What is in the sheets of a workbook that formualizer reads otherwise, without a word."""

    backwards: bool  # a range of whole columns or rows, B:A, which is #REF! to it
    spelled: bool  # text as CDATA or by numbers of characters, which it leaves out


@lru_cache(maxsize=8)  # a workbook may be calculated again and again
def oddities(path: Path, size: int, changed: int) -> Oddities:
    """Look through the sheets of a workbook, of this size and time of its last change."""
    backwards = spelled = False
    with unchecked(path) as package:
        for sheet in package.sheets:
            with package.archive.open(sheet.part) as stream:
                before = b""
                while chunk := stream.read(_CHUNK):
                    text = before + chunk
                    spelled = spelled or any(sign in text for sign in _SPELLED)
                    for end in _END_OF_WHOLE.finditer(text) if not backwards else ():
                        corner = text[max(0, end.start() - _LONGEST_CORNER) : end.end()]
                        if corner.rfind(b"<") <= corner.rfind(b">"):  # not in a tag: <xm:f>
                            backwards = backwards or _runs_backwards(corner.decode("latin-1"))
                    before = text[-2 * _LONGEST_CORNER :]
    return Oddities(backwards, spelled)


def _runs_backwards(text: str) -> bool:
    return forwards(text) != text
