"""Suggestions made up for tests of what is done with them."""

from workbook_tools.judging.faults import Suggestion


def suggested(formulas: dict[int, str], edit: str = "replace J by L") -> Suggestion:
    """Return a suggestion with these formulas, by row."""
    return Suggestion(formulas, edit, None, len(formulas), 3)
