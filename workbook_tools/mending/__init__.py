"""What was meant: small edits of a wrong formula, or the formula written anew, each proven.

Nothing here changes a file; that is done by ``editing``.
"""
