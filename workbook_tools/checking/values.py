"""A workbook's values, as they are compared: calculated anew, and stored in the file."""

from dataclasses import dataclass

from workbook_tools.engines import Calculation


@dataclass(frozen=True)
class Values:
    """Where the values of a workbook come from."""

    calculation: Calculation
    stored: Calculation | None  # what the file carries, if something else calculated
