"""Suggestions and reports made up for tests of what is done with them."""

from workbook_tools.judging.faults import Fault, Suggestion
from workbook_tools.judging.findings import Finding
from workbook_tools.judging.report import Cells, Report, SummaryReport


def suggested(formulas: dict[int, str], edit: str = "replace J by L") -> Suggestion:
    """Return a suggestion with these formulas, by row."""
    return Suggestion(formulas, edit, None, len(formulas), 3)


def report_of(*faults: Fault) -> Report:
    """Return a report about a workbook without a table, in which each fault is a finding."""
    summary = SummaryReport("Sheet", Cells(), [*faults])
    findings = [Finding((fault,)) for fault in faults]
    return Report("a.xlsx", "no engine", [], [summary], {}, findings)
