"""Workbook files: opening an untrusted one, its parts and stored cells, writing whole files.

Nothing here knows what a formula means.
"""
