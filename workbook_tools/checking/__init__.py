"""Checks one workbook, from the file to its report, within limits of time and memory.

The steps themselves are in ``reading``, ``judging``, ``mending`` and ``reporting``.
"""
