"""Finds what learns in a workbook: updates, and the loss whose derivatives they are made of."""
