"""``python -m workbook_tools``: the same as the ``workbook-tools`` command."""

from workbook_tools.cli import run

if __name__ == "__main__":
    run()
