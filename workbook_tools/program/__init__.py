"""A workbook as a program: its formulas evaluated as Excel does.

Nothing here knows what a formula is for, and nothing here runs an engine.
"""
