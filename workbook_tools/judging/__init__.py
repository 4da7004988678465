"""Cell by cell: agrees, differs, or is not checked, and why. What differs becomes a finding.

Nothing here says what was meant.
"""
