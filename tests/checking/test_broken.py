"""Whatever is done to a table, it is reported on or refused in one line: never a traceback."""

import io
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from cases import cases
from handmade import HandMade
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from workbook_tools.checking.verify import verify
from workbook_tools.errors import InputError
from workbook_tools.reporting.json_document import to_json
from workbook_tools.reporting.terminal import print_explanation, print_report

pytestmark = pytest.mark.slow

LABELS = (
    "t1 x1 y1 η w1 w9 sample iteration η_k b1 b2 max_o accuracy E_mean δ_h1 h1_1 class m_w1 g_1"
)
CONTENTS = [None, "abc", 0, -1, 1e300, 0.5, True, "=1/0", "=NOSUCH(1)", "=SUM(", "=$A$1", "=C3+1"]


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, int, int, object]]:
    kinds = st.sampled_from(["cell", "label", "delete row", "delete column", "insert row"])
    contents = st.sampled_from([*CONTENTS, *LABELS.split()])
    one = st.tuples(kinds, st.integers(1, 27), st.integers(1, 34), contents)
    return draw(st.lists(one, min_size=1, max_size=6))


@cases(100)
@given(damages())
def test_a_damaged_table_is_reported_on_or_refused(
    damage: list[tuple[str, int, int, object]],
) -> None:
    with TemporaryDirectory() as folder:
        path = HandMade().save(Path(folder, "made.xlsx"))
        book = openpyxl.load_workbook(path)
        sheet = book.active
        for kind, row, column, content in damage:
            if kind == "cell":
                sheet.cell(row, column).value = content
            elif kind == "label":
                sheet.cell(5, column).value = content
            elif kind == "delete row":
                sheet.delete_rows(row)
            elif kind == "delete column":
                sheet.delete_cols(column)
            else:
                sheet.insert_rows(row)
        book.save(path)
        with suppress(InputError):
            report = verify(path)
            assert report.verdict in ("pass", "fail", "incomplete", "unchecked")
            to_json(report)
            console = Console(file=io.StringIO(), width=100)
            print_report(report, console)
            print_explanation(report, console)
