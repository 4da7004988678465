"""Tables as CSV files that are safe to open in a spreadsheet program."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from workbook_tools.package.files import write_text

_BYTE_ORDER_MARK = "\ufeff"  # tells Excel that it is UTF-8


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> None:
    """Write a table, whole or not at all; texts are made ``harmless``, None is an empty cell.

    Raises ``InputError`` if it cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(headings)
    for row in rows:
        table.writerow([harmless(own) if isinstance(own, str) else own for own in row])
    write_text(path, _BYTE_ORDER_MARK + text.getvalue())


def harmless(text: str) -> str:
    """Return a text that no spreadsheet program reads as a formula.

    If it begins with ``= + - @`` or a control character such as a tab, it gets an apostrophe.
    """
    if text and (text[0] in "=+-@" or unicodedata.category(text[0]) == "Cc"):
        return f"'{text}"
    return text
