"""Checks the workbook of a network that reads images from its cells alone, against PyTorch.

It is a checker of its own for that one layout; other workbooks go through ``reading``.
"""
