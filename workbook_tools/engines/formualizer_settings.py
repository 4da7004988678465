"""How formualizer is configured, what it raises, and how its values become ours."""

import operator
from typing import Any

import formualizer as fz

from workbook_tools.package.cell_values import CellError, CellValue

_ERROR_CODES = {
    "Div": "#DIV/0!",
    "Na": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
ERRORS = (
    OSError, ValueError, RuntimeError, fz.FormualizerHostError, fz.ExcelEvaluationError
)  # fmt: skip

_GOOGLE_SHEETS = {
    "POW": operator.pow,
    "ADD": operator.add,
    "MINUS": operator.sub,
    "MULTIPLY": operator.mul,
    "DIVIDE": operator.truediv,
}


def prepare(workbook: fz.Workbook) -> None:
    """Have a workbook return dates as numbers, and register the functions of Google Sheets.

    Google Sheets writes these functions for arithmetic into the workbooks that it exports.
    """
    workbook.set_temporal_egress("serial")  # else numbers formatted as dates are rounded
    for name, function in _GOOGLE_SHEETS.items():
        workbook.register_function(name, function, min_args=2, max_args=2)


def config(date_system: str = "1900") -> fz.WorkbookConfig:
    """Return the settings of a workbook whose dates count from 1900 or 1904."""
    evaluation = fz.EvaluationConfig()
    evaluation.date_system = date_system
    # A training run is one long chain; handing its cells to threads took 2.7 times as long.
    evaluation.enable_parallel = False
    return fz.WorkbookConfig(eval_config=evaluation)


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
