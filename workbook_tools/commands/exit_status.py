"""The program's name in its messages, and the exit statuses of the commands."""

from workbook_tools.errors import BAD_INPUT

PROGRAM = "workbook-tools"
AGREES, DIFFERS, NOT_CHECKED = 0, 1, BAD_INPUT
INTERRUPTED = 130  # as in shells: 128 + SIGINT


def of_verdict(verdict: str) -> int:
    """Return the exit status of a report's verdict."""
    return {"pass": AGREES, "fail": DIFFERS}.get(verdict, NOT_CHECKED)
