"""The commands, one in each file, and what they share: options, exit status, terminal output.

A command parses its arguments, calls another room and prints the result. It imports what it needs
when it runs: matplotlib and openpyxl would slow down every start.
"""
