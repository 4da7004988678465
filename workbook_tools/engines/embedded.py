"""formualizer as an engine: a Python package that needs no other program."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import formualizer as fz

from workbook_tools.engines import is_panic
from workbook_tools.engines.answers import with_answers
from workbook_tools.engines.plain_copy import plain_copy, plain_file, plain_names
from workbook_tools.errors import InputError
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.formulas.words import runs_backwards
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Calculation
from workbook_tools.package.workbook import WorkbookPackage, open_package

_ERROR_CODES = {
    "Div": "#DIV/0!",
    "Na": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
_ERRORS = OSError, ValueError, RuntimeError, fz.FormualizerHostError, fz.ExcelEvaluationError
# Google Sheets writes these functions for arithmetic into the workbooks that it exports.
_GOOGLE_SHEETS = {
    "POW": operator.pow,
    "ADD": operator.add,
    "MINUS": operator.sub,
    "MULTIPLY": operator.mul,
    "DIVIDE": operator.truediv,
}
_NO_LIMIT = 1 << 40
_LOAD_LIMITS = {
    "max_input_bytes": _NO_LIMIT,
    "max_entries": 1_000_000,
    "max_expanded_bytes": _NO_LIMIT,
    "max_part_bytes": _NO_LIMIT,
    "max_xml_depth": 1_000,
}
_CHUNK = 1 << 20
_LEFT_OUT = b"<![CDATA[", b"&#"  # formualizer leaves out text that is written in these ways


class FormualizerCalculation(Calculation):
    """The values of a workbook that formualizer has calculated."""

    engine = f"formualizer {version('formualizer')}"


def recalculate(path: Path) -> FormualizerCalculation:
    """Recalculate a workbook; raises ``InputError`` if formualizer cannot."""
    with open_package(path) as package, _errors_as_ours(path):
        sheets, stored = read_sheets(package)
        names = plain_names(package.sheet_names)
        _refuse_backwards(path, sheets)
        workbook = _loaded(package, names)
        for sheet in sheets:
            if names[sheet.name] not in workbook.sheet_names:
                raise InputError(
                    f"{path}: the embedded engine does not find its sheet {sheet.name!r}; rename "
                    "that, or try --engine libreoffice"
                )
        prepare(workbook)
        workbook.evaluate_all()

        def answers(sheet: str, column: int, rows: range) -> Iterator[CellValue]:
            place = names[sheet], rows[0], column, rows[-1], column
            found = workbook.sheet(names[sheet]).get_values(fz.RangeAddress(*place))
            return (value_of(own) for (own,) in found[:: rows.step])

        return FormualizerCalculation(with_answers(sheets, stored, answers))


@contextmanager
def _errors_as_ours(path: Path) -> Iterator[None]:
    """Raise whatever formualizer raises as ``InputError``."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, _ERRORS) and not is_panic(error):
            raise
        raise InputError(
            f"{path}: the embedded engine cannot calculate it ({error}); try --engine libreoffice"
        ) from error


def _loaded(package: WorkbookPackage, names: Mapping[str, str]) -> fz.Workbook:
    """Load a workbook whose sheets are to have these ``names``: the file, or a plain copy.

    The copy is needed if names differ, if there are tables, which formualizer does not know, or if
    it cannot read the file or some of its texts.
    """
    settings = config("1904" if package.counts_from_1904 else "1900")
    defined = Names.read(package)
    is_plain = not defined.tables and not _is_spelled_oddly(package)
    if is_plain and all(name == plain for name, plain in names.items()):
        with suppress(*_ERRORS):
            return fz.Workbook.load_path(
                str(package.path), config=settings, load_limits=_LOAD_LIMITS
            )
    content = plain_file(plain_copy(package, names, defined if defined.tables else Names()))
    return fz.Workbook.from_bytes(content, config=settings, load_limits=_LOAD_LIMITS)


def config(date_system: str = "1900") -> fz.WorkbookConfig:
    """Return the settings of a workbook whose dates count from 1900 or 1904."""
    evaluation = fz.EvaluationConfig()
    evaluation.date_system = date_system
    # A training run is one long chain; handing its cells to threads took 2.7 times as long.
    evaluation.enable_parallel = False
    return fz.WorkbookConfig(eval_config=evaluation)


def prepare(workbook: fz.Workbook) -> None:
    """Have a workbook return dates as numbers, and register the functions of Google Sheets."""
    workbook.set_temporal_egress("serial")  # else numbers formatted as dates are rounded
    for name, function in _GOOGLE_SHEETS.items():
        workbook.register_function(name, function, min_args=2, max_args=2)


def _refuse_backwards(path: Path, sheets: Sequence[Sheet]) -> None:
    """Refuse ranges such as ``B:A``, which formualizer takes for ``#REF!``."""
    for sheet in sheets:
        for run in chain.from_iterable(sheet.runs.values()):
            text = run.formula.at(run.first_row)
            if runs_backwards(text):
                raise InputError(
                    f"{path}: the embedded engine cannot calculate it (a range runs backwards: "
                    f"{text}); use another --engine"
                )


def _is_spelled_oddly(package: WorkbookPackage) -> bool:
    """Tell whether a sheet has text in the ways that formualizer leaves out."""
    for sheet in package.sheets:
        with package.archive.open(sheet.part) as stream:
            before = b""
            while chunk := stream.read(_CHUNK):
                if any(sign in before + chunk for sign in _LEFT_OUT):
                    return True
                before = chunk[-len(_LEFT_OUT[0]) :]
    return False


def value_of(value: Any) -> CellValue:
    """Convert a value of formualizer's to ours."""
    if value is None or isinstance(value, float | str | bool):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, dict) and value.get("type") == "Error":
        kind = str(value["kind"])
        return CellError(_ERROR_CODES.get(kind, f"#{kind.upper()}!"))
    return str(value)
