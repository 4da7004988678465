"""Edits a copy of a workbook part by part: what is not changed stays as it is, byte for byte.

It knows cells, texts, formulas and styles, not what they mean.
"""
