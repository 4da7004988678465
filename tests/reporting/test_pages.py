"""What is filled into pages: symbols with subscripts, but not the names of cells."""

import pytest

from workbook_tools.reporting.pages import typeset


@pytest.mark.parametrize("text", ["∂E32/∂B25", "∂J1/∂E1", "∂E6/∂A2, ∂E6/∂B2"])
def test_cells_in_derivatives_are_not_typeset(text: str) -> None:
    assert typeset(text) == text


@pytest.mark.parametrize("text", ["∂E1/∂w3", "E1", "a_h1", "∂E/∂w5"])
def test_symbols_of_a_network_are_typeset(text: str) -> None:
    assert "<sub>" in typeset(text)
