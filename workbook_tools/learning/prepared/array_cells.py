"""Mistakes in cells of array formulas: what a person sees there, and what can be done."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import Call, parse
from workbook_tools.judging.faults import Fault
from workbook_tools.judging.findings import Finding
from workbook_tools.notation.addresses import Cell


class ArrayCells:
    """The cells of array formulas, each of which is one element to the checker."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self._array_of = {
            cell: (reference, body, frozenset(cells))
            for reference, body, cells in _arrays(sheets)
            for cell in cells
        }

    def as_shown(self, finding: Finding) -> Finding:
        """Return a finding with the array formulas, instead of one for each of their cells.

        Programs do not let one cell of an array be changed. So a formula is suggested only if all
        of its cells get one of their own.
        """
        known = {cell for place in finding.places for cell in place.put_right}
        places = tuple(self._place(place, known) for place in finding.places)
        return replace(finding, places=places)

    def _place(self, place: Fault, known: set[Cell]) -> Fault:
        cells = [(place.sheet, row, place.column) for row in place.rows]
        every = [self._array_of[cell] for cell in cells if cell in self._array_of]
        if not every:
            return place
        reference, body, _ = every[0]
        suggestion, why_none = place.suggestion, place.why_none
        if suggestion is not None and all(own <= known for _, _, own in every):
            edit = f"in place of the array, write a formula into each cell of {reference}"
            suggestion = replace(suggestion, edit=edit)
        elif suggestion is not None:
            suggestion = None
            why_none = f"it is part of the array formula in {reference}, which has to be changed"
        return replace(place, formula=f"{{={body}}}", suggestion=suggestion, why_none=why_none)


def _arrays(sheets: Sequence[Sheet]) -> Iterator[tuple[str, str, list[Cell]]]:
    """Yield the array formulas of several cells: where they are, what they are, and their cells."""
    for sheet in sheets:
        for (row, column), reference in sheet.arrays.items():
            cells = [cell for area in areas(f"={reference}") for cell in area.cells(sheet.name)]
            if len(cells) > 1 and (formula := sheet.formula_at(row, column)):
                tree = parse(formula)
                if isinstance(tree, Call) and tree.function == "ARRAYFORMULA":
                    yield reference, str(tree.arguments[0]), cells
