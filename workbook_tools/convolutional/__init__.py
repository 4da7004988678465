"""Checks the workbook of a convolutional network, from its cells alone, against PyTorch.

This is a separate checker for that one layout; other workbooks go through ``reading``.
"""
