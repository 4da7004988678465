"""Writes the derivatives of a cell of any workbook by others as formulas, beside its own formulas.

It knows formulas, cells and sheets, but not what is learned with the derivatives.
"""
