"""The check of many workbooks: processes, Dask, a journal, a CSV table, and the page of a class.

How one workbook is checked is not decided here.
"""
