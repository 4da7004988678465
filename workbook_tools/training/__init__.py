"""Lays out the model of any workbook as a training: one row an iteration, one sheet a rate."""
