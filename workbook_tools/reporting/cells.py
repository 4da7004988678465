"""The names of single cells in reports."""

from workbook_tools.notation.addresses import Cell, cell_name, full_name
from workbook_tools.texts import shortened

_LONGEST = 60  # characters of a name with its sheet


def named(cell: Cell, beside: Cell | None = None) -> str:
    """Return a cell's name; without its sheet if that is the sheet of the cell ``beside``."""
    if beside and cell[0] == beside[0]:
        return cell_name(*cell[1:])
    return shortened(full_name(cell), _LONGEST)


def as_json_place(cell: Cell) -> dict[str, str]:
    """Return a cell as JSON documents name it."""
    return {"sheet": cell[0], "cell": cell_name(*cell[1:])}
