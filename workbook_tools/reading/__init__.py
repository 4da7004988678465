"""Reads training tables from sheets: labels, columns, wiring, learning rate, activations, loss.

Nothing here says whether a cell is right.
"""
