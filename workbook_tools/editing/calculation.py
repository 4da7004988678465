"""A workbook's settings for its calculation: when it is due, and in which order."""

from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.xml_parts import found_or_inserted

_WORKBOOK_ORDER = (
    "fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups "
    "externalReferences definedNames calcPr oleSize customWorkbookViews pivotCaches smartTagPr "
    "smartTagTypes webPublishing fileRecoveryPr webPublishObjects extLst"
).split()


def calculate_when_opened(copy: PackageCopy) -> None:
    """Make spreadsheet programs calculate all formulas when they open the workbook."""
    found_or_inserted(copy.workbook, "calcPr", _WORKBOOK_ORDER).set("fullCalcOnLoad", "1")
    copy.changed(copy.package.workbook_part)


def forget_the_order(copy: PackageCopy) -> None:
    """Remove the calculation chain, which lists the formula cells in the order of calculation.

    It must not list a cell without a formula. Programs that need the chain write a new one.
    """
    workbook = copy.package.workbook_part
    if relation := copy.related(workbook, "calcChain"):
        copy.remove(workbook, relation)
