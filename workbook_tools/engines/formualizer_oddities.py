"""Finds what formualizer reads differently from Excel, without an error."""

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
# The end of a range of whole columns or rows. The search is fast because a colon is rare; what
# is found is then examined together with the text before it.
_END_OF_WHOLE = re.compile(rb":\$?(?:[A-Za-z]{1,3}|[0-9]{1,7})(?![A-Za-z0-9_.$:(!\]])")
_SPELLED = (b"<![CDATA[", b"&#")
_LONGEST_CORNER = 9  # letters: $1048576, and one before it


@contextmanager
def unchecked(path: Path) -> Iterator[WorkbookPackage]:
    """Open a workbook without checking its whole content: the caller has done that."""
    with reading(path), opened(path) as archive:
        yield WorkbookPackage(path, archive)


class Oddities(NamedTuple):
    """What a workbook contains that formualizer reads differently from Excel."""

    backwards: bool  # a range of whole columns or rows such as B:A, which becomes #REF!
    spelled: bool  # text as CDATA or character references, which is left out


@lru_cache(maxsize=8)  # a workbook may be calculated again and again
def oddities(path: Path, size: int, changed: int) -> Oddities:
    """Search the sheets of a workbook; its size and time of change are part of the cache's key."""
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
