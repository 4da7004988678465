"""Edits a copy of a workbook part by part: parts that are not changed stay the same, byte by byte.

It knows cells, texts, formulas and styles, but not what they mean.
"""
