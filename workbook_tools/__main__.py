"""``python -m workbook_tools``, and the ``workbook-tools`` command."""

import atexit
import gc
import sys
from contextlib import nullcontext


def main() -> None:
    """Run the command line; a check's process starts before all else, since it loads the most."""
    from workbook_tools.checking.alone import prepared

    atexit.register(gc.freeze)  # looking for garbage at the end takes longer than to print a report
    with prepared() if sys.argv[1:2] in (["verify"], ["explain"]) else nullcontext():
        from workbook_tools.cli import run

        run()


if __name__ == "__main__":
    main()
