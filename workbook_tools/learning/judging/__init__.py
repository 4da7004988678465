"""Judges gradients and updates, and finds the cells in which they go wrong."""
