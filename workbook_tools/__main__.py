"""``python -m workbook_tools``: the same as the ``workbook-tools`` command."""

from workbook_tools.cli import app

if __name__ == "__main__":
    app(prog_name="workbook-tools")
