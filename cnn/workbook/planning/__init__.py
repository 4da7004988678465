"""Plans the sheets of a network's workbook: their sections, where these are, what cells hold.

One file a part of the workbook. Nothing here writes a file.
"""
