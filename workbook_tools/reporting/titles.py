"""What a finding is called where its formulas are shown besides: in one line."""

from workbook_tools.judging.findings import Finding, in_short, quantities_in_short

_LONGEST = 90  # characters; a longer line says which quantities, and the kind


def title(finding: Finding) -> str:
    """Return a line that names all quantities: ``∂E/∂w3, ∂E/∂w4 use a_h1 where a_h2 belongs``."""
    said, quantities = in_short(finding), quantities_in_short(finding.quantities)
    if said.startswith(quantities) and len(said) <= _LONGEST:
        return said
    return f"{quantities}: {finding.kind.in_words}"
