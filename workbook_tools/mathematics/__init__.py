"""Networks in NumPy and pandas, worked out independently of the formulas that workbooks hold.

Nothing here reads a workbook, and nothing here is shared with ``writing``.
"""
