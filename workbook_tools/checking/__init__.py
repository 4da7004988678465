"""The check of one workbook, from the file to its report, within limits of time and memory.

The steps themselves are in the rooms below: ``reading``, ``judging``, ``mending``, ``reporting``.
"""
