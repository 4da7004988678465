"""Networks in NumPy, computed independently of the formulas in workbooks.

Nothing here reads a workbook, and nothing is shared with ``writing``.
"""
