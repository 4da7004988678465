"""``python -m workbook_tools``, and the ``workbook-tools`` command."""

import atexit
import gc
import os
import sys
from contextlib import AbstractContextManager, nullcontext


def main() -> None:
    """Run the command line; a check's process starts before all else, since it loads the most."""
    atexit.register(gc.freeze)  # looking for garbage at the end takes longer than to print a report
    one: AbstractContextManager[None] = nullcontext()
    command, given = sys.argv[1:2], sys.argv[2:]
    if command == ["verify"] and any(map(os.path.isdir, given)):  # a class
        from workbook_tools.checking.fork_server import begin_fork_server

        begin_fork_server()
    elif command in (["verify"], ["explain"]):
        from workbook_tools.checking.alone import prepared

        one = prepared(given)
    with one:
        from workbook_tools.cli import run

        run()


if __name__ == "__main__":
    main()
