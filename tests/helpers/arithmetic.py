"""Random arithmetic, and what an engine makes of it."""

from collections.abc import Mapping

from hypothesis import strategies as st
from operands import of_formualizer

from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue

NUMBERS = {("S", 1, 1): 1.7, ("S", 1, 2): -0.6, ("S", 1, 3): 0.9}


def formulas() -> st.SearchStrategy[str]:
    """Arithmetic over three cells, with signs, powers and superfluous parentheses."""
    leaves = st.sampled_from(["A1", "$B$1", "C1", "2", "0.5"])

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("{}{}{}".format, inner, st.sampled_from("+-*/"), inner),
            inner.map("({})".format),
            inner.map("-{}".format),
            inner.map("EXP({})".format),
        )

    return st.recursive(leaves, grown, max_leaves=8)


def value_of(formula: str, numbers: Mapping[Cell, float] = NUMBERS) -> CellValue:
    """Return what the embedded engine shows for a formula of sheet S."""
    return of_formualizer([formula], {place[1:]: number for place, number in numbers.items()})[0]
