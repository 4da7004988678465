"""Judges each cell: it agrees, it differs, or it is not checked, and why. Differences are faults.

Nothing here says which formula was meant.
"""
