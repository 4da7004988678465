"""Sheets become labels, labels become training tables: columns, wiring, rate, activations, loss.

Nothing here says whether a cell is right.
"""
