"""What a workbook says of its calculation: when it is due, and in which order."""

from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.xml_parts import found_or_inserted

_WORKBOOK_ORDER = (
    "fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups "
    "externalReferences definedNames calcPr oleSize customWorkbookViews pivotCaches smartTagPr "
    "smartTagTypes webPublishing fileRecoveryPr webPublishObjects extLst"
).split()


def calculate_when_opened(copy: PackageCopy) -> None:
    """Have a spreadsheet program calculate all formulas when it opens the workbook."""
    found_or_inserted(copy.workbook, "calcPr", _WORKBOOK_ORDER).set("fullCalcOnLoad", "1")
    copy.changed(copy.package.workbook_part)


def forget_the_order(copy: PackageCopy) -> None:
    """Remove the list of formula cells in the order of their calculation, if there is one.

    It may not name a cell without a formula; programs that want it write it anew.
    """
    workbook = copy.package.workbook_part
    if relation := copy.related(workbook, "calcChain"):
        copy.remove(workbook, relation)
