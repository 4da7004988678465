"""The commands, one a file, and what they share: options, exit status, output on a terminal.

Nothing here checks or builds anything: a command parses its words, calls a room below, and prints.
"""
