"""Excel's limits: a workbook that would exceed one is refused before it is written."""

from workbook_tools.errors import InputError
from workbook_tools.formulas.references import MAX_FORMULA_LENGTH, MOST_ARGUMENTS
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, column_letter
from workbook_tools.notation.vocabulary import Activation
from workbook_tools.writing.layout import HEADER_ROW, Book, Layout

MAX_SHEET_BYTES = (1 << 31) - 1  # of XML: larger parts need ZIP64, which not every program reads
_CELL_BYTES = 62  # of XML for a cell's name, style, tags and value, besides its formula


def check_limits(book: Book) -> None:
    """Raise ``InputError`` if the workbook would exceed a limit of Excel's."""
    for sheet in book.sheets:
        _check_sheet(sheet)


def _check_sheet(layout: Layout) -> None:
    """Raise ``InputError`` if the sheet would exceed a limit of Excel's."""
    iterations = layout.experiment.training.iterations
    if layout.last_row > MAX_ROWS:
        a_block = f" of {layout.block:,} samples" if layout.block > 1 else ""
        raise InputError(
            f"training.iterations: {iterations:,}{a_block} do not fit on the "
            f"{MAX_ROWS:,} rows of a sheet; give at most "
            f"{(MAX_ROWS - HEADER_ROW) // layout.block:,}"
        )
    if len(layout.quantities) > MAX_COLUMNS:
        raise InputError(
            f"network.layers: {len(layout.quantities):,} columns do not fit on a sheet of "
            f"{MAX_COLUMNS:,} (up to {column_letter(MAX_COLUMNS)}); make the layers smaller"
        )
    outputs = layout.experiment.naming.sizes[-1]
    is_softmax = layout.experiment.network.activations[-1] is Activation.SOFTMAX
    if is_softmax and outputs > MOST_ARGUMENTS:
        raise InputError(
            f"network.layers: softmax of {outputs} outputs needs functions with that many "
            f"arguments, and Excel allows {MOST_ARGUMENTS}; make the layer smaller"
        )
    lengths = [len(layout.formula(quantity, layout.last_row)) for quantity in layout.quantities]
    block_bytes = sum(
        (length + _CELL_BYTES) * (1 if quantity.once else layout.block)
        for length, quantity in zip(lengths, layout.quantities, strict=True)
    )
    if block_bytes * iterations > MAX_SHEET_BYTES:
        raise InputError(
            f"training.iterations: {iterations:,} times {block_bytes:,} bytes are more than "
            f"a workbook file can hold; give at most {MAX_SHEET_BYTES // block_bytes:,} "
            "iterations"
        )
    longest, length = max(zip(layout.quantities, lengths, strict=True), key=lambda one: one[1])
    if length > MAX_FORMULA_LENGTH:
        raise InputError(
            f"network.layers: the formula of {longest.symbol} has {length:,} characters, "
            f"and Excel allows {MAX_FORMULA_LENGTH:,}; make the layers smaller"
        )
