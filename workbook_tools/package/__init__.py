"""Workbook files: opening one that nobody vouches for, its parts and stored cells, whole writes.

Nothing here knows what a formula means.
"""
