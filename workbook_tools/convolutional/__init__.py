"""Checks the workbook of a convolutional network, from its cells alone.

Its forward half is checked by what the headings say, its backward half by differentiating that.

This is a separate checker for that one layout; other workbooks go through ``reading``.
"""
