"""Plans the sheets of a network's workbook: their sections, where these are, what each cell holds.

There is one file for each part of the workbook. Nothing here writes a file.
"""
