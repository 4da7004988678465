"""What the pages of docs/ show as printed about workbooks with mistakes, and these workbooks.

``python tests/helpers/doc_examples.py`` writes it into the pages again, after a change to what the
program prints.
"""

import json
import re
import runpy
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import openpyxl
from any_layout import classifier
from doc_pages import PAGES, ROOT, Page
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from rich.console import Console

from workbook_tools.checking.verify import verify
from workbook_tools.judging.findings import Finding
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import cell_name
from workbook_tools.reporting.json_document import to_json
from workbook_tools.reporting.terminal import print_explanation, print_report


class Example(NamedTuple):
    """A part of what is printed about a workbook."""

    workbook: str
    # A cell of a finding, as "LR 0.5!Z32"; how its first line begins; "models" of the JSON; or a
    # heading of what is explained.
    part: str


EXAMPLES: Mapping[str, list[Example]] = {  # by page, in the order in which they stand there
    "docs/checking.md": [
        Example("one column", "LR 0.5!Z32"),
        Example("one column", "Trained again"),
    ],
    "docs/findings.md": [
        Example("two columns", "LR 0.5!Z32"),
        Example("without $", "LR 0.1!E33"),
        Example("pasted row", "LR 1!E60"),
        Example("broken pattern", "Harmless"),
        Example("unknown column", "INCOMPLETE"),
        Example("pasted weights", "UNCHECKED"),
    ],
    "docs/derivatives.md": [
        Example("wrong slope", "loss "),
        Example("logistic unit", "by differentiation"),
        Example("matrices", "Network!G19"),
        Example("samples", "Regression!G11"),
        Example("blocks", "Steps!C9"),
    ],
    "docs/json.md": [Example("no labels", "models")],
    "docs/findings/wrong-formula.md": [
        Example("one column", "LR 0.5!Z32"),
        Example("circular", "LR 0.5!E33"),
        Example("without a bias", "Sheet!D2"),
    ],
    "docs/findings/wrong-reference-rate.md": [Example("without $", "LR 0.1!E33")],
    "docs/findings/wrong-gradient.md": [Example("wrong slope", "LR 0.5!AB32")],
    "docs/findings/wrong-update.md": [
        Example("wrong column", "LR 0.5!P33"),
        Example("moving rate", "LR 0.5!P34"),
    ],
    "docs/findings/error-value.md": [Example("many mistakes", "LR 2!F60")],
    "docs/findings/wrong-value.md": [Example("many mistakes", "LR 0.2!W70")],
    "docs/findings/typed-value.md": [
        Example("many mistakes", "LR 1!J40"),
        Example("pasted row", "LR 1!E60"),
        Example("series", "Descent!A9"),
    ],
    "docs/findings/latent.md": [Example("many mistakes", "LR 0.2!U32")],
    "docs/findings/stale-value.md": [Example("out of date", "LR 0.5!K40")],
    "docs/findings/rounded.md": [
        Example("rounded weights", "LR 0.1!E33"),
        Example("rounded e", "Harmless"),
    ],
    "docs/findings/broken-pattern.md": [Example("broken pattern", "Harmless")],
    "docs/findings/odd-start.md": [Example("many mistakes", "LR 0.8!C70")],
}


def printed(report: Report, print_it: Callable[[Report, Console], None] = print_report) -> str:
    """Return what is printed about a workbook."""
    text = StringIO()
    print_it(report, Console(file=text, width=100, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def text_of(example: Example) -> str:
    """Return what is printed of an example."""
    report = report_of(example.workbook)
    if example.part == "models":
        return _compact(to_json(report)["models"])
    if example.part == "by differentiation":
        _, _, text = printed(report, print_explanation).partition(f"\n{example.part}\n")
        return text[: text.index("\n\n") + 1]
    text = printed(report)
    if "!" not in example.part:
        return text[text.index(f"\n{example.part}") + 1 :]
    paragraphs = [part for part in text.split("\n\n")[1:] if not part.startswith("Harmless:")]
    [number] = [k for k, finding in enumerate(report.findings) if _is_in(finding, example.part)]
    lines = paragraphs[number].splitlines()
    return "".join(f"{line}\n" for k, line in enumerate(lines) if not k or line.startswith("  "))


def _compact(models: list[dict[str, object]]) -> str:
    """Return the models of a JSON report, each field in a line, each entry of a list in its own."""

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    def field(value: object) -> str:
        if not isinstance(value, list) or len(value) < _FEW:
            return text(value)
        entries = ",\n".join(f"      {text(entry)}" for entry in value)
        return f"[\n{entries}\n    ]"

    shown = [
        ",\n".join(f'    "{key}": {field(value)}' for key, value in model.items())
        for model in models
    ]
    return '"models": [\n  {\n' + "\n  },\n  {\n".join(shown) + "\n  }\n]\n"


def _is_in(finding: Finding, cell: str) -> bool:
    return any(
        cell == f"{place.sheet}!{cell_name(row, place.column)}"
        for place in finding.places
        for row in place.rows
    )


def with_examples(page: Page) -> str:
    """Return the text of a page with its examples as they are printed now."""
    text, shown = page.text, zip(page.examples, EXAMPLES[page.name], strict=True)
    for block, example in reversed([*shown]):
        text = f"{text[: block.start(2)]}{text_of(example)}{text[block.end(2) :]}"
    return text


@cache
def report_of(workbook: str) -> Report:
    """Return the report of a workbook with mistakes."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "student.xlsx")
        _WORKBOOKS[workbook](path)
        return verify(path)


_CLASSIC, _MAZUR = (ROOT / "workbooks" / name for name in ("Back_Propogation.xlsx", "mazur.xlsx"))
_ROWS, _ROWS_OF_MAZUR = range(32, 100), range(32, 132)
_WEIGHTS = "EFGHMNOP"
_WEIGHTS_OF_MAZUR = "EFGHNOPQ"
_GRADIENTS_OF_MAZUR = "Z", "AA", "AB", "AC", "AD", "AE", "AF", "AG"
_FEW = 2  # entries of a list that stand in separate lines


def _many_mistakes(path: Path) -> None:
    book, values = _classic(), openpyxl.load_workbook(_CLASSIC, data_only=True)
    _replace(book["LR 0.2"], "U", _ROWS, "A{row}", "B{row}")
    for row in _ROWS:
        book["LR 0.2"][f"W{row}"] = values["LR 0.2"][f"W{row}"].value
        for column, number in zip("ABCD", (0.5, 0.5, 0.05, 0.1), strict=True):
            book["LR 0.8"][f"{column}{row}"] = number
    book["LR 0.2"]["W70"] = 0.0125
    book["LR 0.8"]["C70"] = 0.5
    book["LR 1"]["J40"] = 0.51
    book["LR 2"]["F60"] = "=F59-$G$30*#REF!"
    book.save(path)


def _one_column(path: Path) -> None:
    book = _classic()
    _replace(book["LR 0.5"], "Z", _ROWS, "L{row}*(1-L{row})", "J{row}*(1-J{row})")
    book.save(path)


def _two_columns(path: Path) -> None:
    book = _classic()
    for sheet in book.worksheets[1:]:
        _replace(sheet, ("Z", "AA"), _ROWS, "L{row}*(1-L{row})", "J{row}*(1-J{row})")
    book.save(path)


def _without_anchors(path: Path) -> None:
    book, mended = _classic(), (50, 51)
    rows = [row for row in _ROWS[1:] if row not in mended]
    _replace(book["LR 0.1"], _WEIGHTS, rows, "$G$30", "G{rate}")
    book.save(path)


def _pasted_row(path: Path) -> None:
    book, values = _classic(), openpyxl.load_workbook(_CLASSIC, data_only=True)
    for cell in book["LR 1"][60][4:]:
        cell.value = values["LR 1"][cell.coordinate].value
    book.save(path)


def _broken_pattern(path: Path) -> None:
    book = _classic()
    book["LR 0.8"]["P50"] = "=P49-G30*AE49"
    book.save(path)


def _rounded_weights(path: Path) -> None:
    book = _classic()
    for column in _WEIGHTS:
        for row in _ROWS[1:]:
            cell = book["LR 0.1"][f"{column}{row}"]
            cell.value = f"=ROUND({cell.value[1:]},3)"
    book.save(path)


def _rounded_e(path: Path) -> None:
    book = openpyxl.load_workbook(_MAZUR)
    _replace(book["LR 0.5"], "KMTV", _ROWS_OF_MAZUR, "EXP(-", "2.71828^(-")
    book.save(path)


def _circular(path: Path) -> None:
    book = openpyxl.load_workbook(_MAZUR)
    _replace(book["LR 0.5"], "E", _ROWS_OF_MAZUR[1:], "Z{above}", "Z{row}")
    book.save(path)


def _unknown_column(path: Path) -> None:
    book = openpyxl.load_workbook(_MAZUR)
    book["LR 0.5"]["AH31"] = "Δw1"
    for row in _ROWS_OF_MAZUR:
        book["LR 0.5"][f"AH{row}"] = f"=-$G$30*Z{row}"
    book.save(path)


def _pasted_weights(path: Path) -> None:
    book, values = openpyxl.load_workbook(_MAZUR), openpyxl.load_workbook(_MAZUR, data_only=True)
    book["LR 0.5"]["J31"] = "first"
    for column in (*_WEIGHTS_OF_MAZUR, *_GRADIENTS_OF_MAZUR):
        for row in _ROWS_OF_MAZUR:
            cell = f"{column}{row}"
            book["LR 0.5"][cell] = values["LR 0.5"][cell].value
    book.save(path)


def _no_labels(path: Path) -> None:
    _without_labels().save(path)


def _wrong_slope(path: Path) -> None:
    book = _without_labels()
    _replace(book["LR 0.5"], ["AB"], _ROWS_OF_MAZUR, "M{row}*(1-M{row})", "K{row}*(1-K{row})")
    book.save(path)


def _wrong_column(path: Path) -> None:
    book = _without_labels()
    _replace(book["LR 0.5"], "P", _ROWS_OF_MAZUR[1:], "AF{above}", "AG{above}")
    book.save(path)


def _moving_rate(path: Path) -> None:
    book = _without_labels()
    _replace(book["LR 0.5"], "P", _ROWS_OF_MAZUR[1:], "$G$30", "G{rate}")
    book.save(path)


def _series(path: Path) -> None:
    """Write the minimum of (x − 1)² that is looked for, where x is filled down as a series."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Descent"
    sheet["D3"], sheet["E3"] = "rate", 0.05
    for column, head in zip("ABCD", ("x", "f'", "new x", "f"), strict=True):
        sheet[f"{column}7"] = head
    for row in range(8, 31):
        sheet[f"A{row}"] = round(10 - 0.9 * (row - 8), 1)
        sheet[f"B{row}"], sheet[f"C{row}"] = f"=2*(A{row}-1)", f"=A{row}-$E$3*B{row}"
        sheet[f"D{row}"] = f"=(A{row}-1)^2"
    book.save(path)


def _out_of_date(path: Path) -> None:
    stored = rb'(<c r="K40".*?<v>)[^<]*'
    with zipfile.ZipFile(_MAZUR) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "xl/worksheets/sheet2.xml":
                content = re.sub(stored, rb"\g<1>0.6", content, count=1)
            new.writestr(info, content)


def _without_labels() -> Workbook:
    book = openpyxl.load_workbook(_MAZUR)
    for cell in book["LR 0.5"][31]:
        cell.value = None
    return book


def _classic() -> Workbook:
    return openpyxl.load_workbook(_CLASSIC)


def _replace(
    sheet: Worksheet, columns: Iterable[str], rows: Iterable[int], old: str, new: str
) -> None:
    """Replace a part of the formulas of some columns."""
    for row in rows:
        numbers = {"row": row, "above": row - 1, "rate": row - 3}
        for column in columns:
            cell = sheet[f"{column}{row}"]
            assert old.format(**numbers) in cell.value
            cell.value = cell.value.replace(old.format(**numbers), new.format(**numbers))


_LAYOUTS = runpy.run_path(str(ROOT / "workbooks" / "pictures" / "layouts.py"))


def _logistic_unit(path: Path) -> None:
    book = Workbook()
    for cell, value in classifier(iterations=3).items():
        book.active[cell] = value
    book.save(path)


def _without_bias(path: Path) -> None:
    book = Workbook()
    for cell, value in classifier(iterations=3).items():
        book.active[cell] = re.sub(r"\+\$C\$\d+", "", value) if isinstance(value, str) else value
    book.save(path)


_WORKBOOKS: Mapping[str, Callable[[Path], None]] = {
    "logistic unit": _logistic_unit,
    "without a bias": _without_bias,
    "many mistakes": _many_mistakes,
    "one column": _one_column,
    "two columns": _two_columns,
    "without $": _without_anchors,
    "pasted row": _pasted_row,
    "broken pattern": _broken_pattern,
    "rounded weights": _rounded_weights,
    "rounded e": _rounded_e,
    "circular": _circular,
    "unknown column": _unknown_column,
    "pasted weights": _pasted_weights,
    "no labels": _no_labels,
    "wrong slope": _wrong_slope,
    "wrong column": _wrong_column,
    "moving rate": _moving_rate,
    "series": _series,
    "out of date": _out_of_date,
    **{name: _LAYOUTS[f"write_{name}"] for name in ("matrices", "samples", "blocks")},
}


if __name__ == "__main__":
    for page in PAGES:
        if page.name in EXAMPLES:
            page.path.write_text(with_examples(page), encoding="utf-8")
