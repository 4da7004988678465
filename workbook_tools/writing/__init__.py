"""From an experiment to a workbook: quantities, their formulas in symbols, layout, sheets.

Nothing here knows the checker, and the checker knows nothing of this.
"""
