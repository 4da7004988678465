"""What was meant by a wrong formula: a small edit of it, or a new formula; each is proven.

Nothing here changes a file; that is done by ``editing``.
"""
