"""Checks the workbooks of a class: processes, Dask, a journal, a CSV table, and a web page.

How a single workbook is checked is up to ``checking``.
"""
