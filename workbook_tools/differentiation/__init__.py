"""Derivatives of a workbook's cells, worked out from its own formulas, in reverse mode.

Nothing here knows what a formula is for: which cell is a loss, and which ones are parameters, is
asked from outside.
"""
