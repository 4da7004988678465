"""The names of things: quantities, layers, activations, cells, and the words of a spec.

Nothing here computes a network or opens a file.
"""
