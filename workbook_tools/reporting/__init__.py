"""What a user gets to see of a check: text, JSON, web page, drawings, marked and mended copies.

Nothing here checks anything.
"""
