"""What things are called: quantities, layers, activations, cells; the words of a spec.

Nothing here computes a network, and nothing opens a file.
"""
