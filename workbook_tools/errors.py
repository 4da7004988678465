"""The one exception that a user sees: what is wrong, where, and what to do."""


class InputError(Exception):
    """Something the user can mend: a bad spec or workbook, a missing program, a full disk.

    The message is one line and complete as it stands; the command line prints it and exits
    with status 2, without a traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
