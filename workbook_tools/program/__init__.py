"""A workbook as a program: formulas compiled, ordered, and run on the sheet's numbers or others.

Nothing here knows what a formula is for. ``formulas`` reads them; here they calculate.
"""
