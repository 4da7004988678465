"""Writes sections: headings, labels, and cells with their formulas and colours."""

from collections.abc import Callable
from functools import cache
from typing import Any

from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from cnn.workbook import look
from cnn.workbook.layout import FIRST_COLUMN, KERNEL_COLUMN, LABELS_BELOW, Area, Maps
from cnn.workbook.look import Stamp
from cnn.workbook.planning.sheet import MapsSection, Section, SheetPlan, WeightsSection
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import MAX_FORMULA_LENGTH
from workbook_tools.notation.addresses import sheet_prefix
from workbook_tools.notation.convolutional import BIAS, OVERVIEW, output_label, source_label
from workbook_tools.writing import styles

_LINK_STEP = {True: 2, False: 4}  # columns from a link to the next, by whether they are wide
_ZOOM = (45, 100)  # per cent
_COLUMNS_SEEN = 60  # square cells side by side on a screen, at 100 %
_LINE_HEIGHT = 1.4  # times the font size
_LABEL_ZOOM = 60  # per cent; labels are not enlarged beyond this, to fit above their maps


def write_sheet(sheet: Worksheet, plan: SheetPlan, neighbours: list[str]) -> None:
    """Write a sheet of sections, from its title on; ``neighbours`` are the sheets beside it."""
    right = max(section.place.right for section in plan.sections)
    least, most = _ZOOM
    zoom = most if plan.wide else max(least, min(most, most * _COLUMNS_SEEN // right))
    sheet.sheet_view.zoomScale = zoom
    title(sheet, f"{plan.name}: {plan.title}", zoom)
    step = _LINK_STEP[plan.wide] * most // zoom
    links(sheet, [OVERVIEW, *neighbours], step, zoom)
    _shape_cells(sheet, plan)
    for section in plan.sections:
        write_section(sheet, section, zoom)
    sheet.sheet_properties.tabColor = look.TAB_COLOURS[plan.part]
    sheet.freeze_panes = "A3"
    look.set_up_page(sheet)


def title(sheet: Worksheet, text: str, zoom: int = 100) -> None:
    """Write a sheet's title, and hide the grid lines."""
    _write_line(sheet, 1, FIRST_COLUMN, text, styles.TITLE, zoom)
    sheet.sheet_view.showGridLines = False


def links(sheet: Worksheet, names: list[str], step: int, zoom: int = 100) -> None:
    """Write links to other sheets side by side, in the row below the title."""
    for number, name in enumerate(names):
        column = FIRST_COLUMN + number * step
        cell = _write_line(sheet, 2, column, name, styles.LINK, zoom)
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"{sheet_prefix(name)}A1")
        cell.font = look.enlarged(styles.LINK, zoom)


def _write_line(sheet: Worksheet, row: int, column: int, text: str, font: Font, zoom: int) -> Any:
    """Write a line of text, enlarged so that it looks as usual at a zoom; return its cell."""
    cell = sheet.cell(row, column, text)
    cell.font = look.enlarged(font, zoom)
    sheet.row_dimensions[row].height = cell.font.size * _LINE_HEIGHT
    return cell


def _shape_cells(sheet: Worksheet, plan: SheetPlan) -> None:
    sheet.column_dimensions["A"].width = 2
    if plan.wide:
        look.widths(sheet, look.NUMBER_WIDTH, FIRST_COLUMN)
        return
    first_square = FIRST_COLUMN
    if isinstance(plan.sections[0], WeightsSection):
        first_square = KERNEL_COLUMN
        look.widths(sheet, 7, FIRST_COLUMN, KERNEL_COLUMN - 2)
        look.widths(sheet, 1, KERNEL_COLUMN - 1, KERNEL_COLUMN - 1)
    look.squares(sheet, look.MAP_SIDE, first_square)
    for section in plan.sections:
        look.square_rows(
            sheet, look.MAP_SIDE, section.place.top + LABELS_BELOW, section.place.bottom
        )


def write_section(
    sheet: Worksheet, section: Section, zoom: int = 100, hidden: bool = False
) -> None:
    """Write a section; ``hidden`` numbers show as colours only.

    Raises ``InputError`` if a formula is longer than a cell holds.
    """
    place = section.place
    column = place.left if isinstance(place, Maps) else FIRST_COLUMN
    # Grids of hidden numbers are side by side, so their headings are small.
    font = styles.EQUATION_TITLE if hidden else styles.HEADING
    _write_line(sheet, place.top, column, str(place.heading), font, zoom)
    if section.note:
        _write_line(sheet, place.top + 1, column, section.note, styles.SUBTITLE, zoom)
    label = look.enlarged(look.LABEL, max(zoom, _LABEL_ZOOM))
    if isinstance(section, MapsSection):
        _write_maps(sheet, section, hidden, label)
    else:
        _write_weights(sheet, section, label)


def _write_maps(sheet: Worksheet, section: MapsSection, hidden: bool, label_font: Font) -> None:
    place, shape = section.place, section.place.shape
    typed = not place.heading.operation.has_formulas
    stamp = _map_stamps(sheet, place, typed, hidden)
    padding = Stamp.of(sheet, look.FAINT, look.PADDING_FILL)
    unread = Stamp.of(sheet, look.FAINT, look.UNREAD_FILL)
    for k in range(shape.count):
        label = sheet.cell(*place.label(k), section.label(k))
        label.font = label_font
        label.alignment = styles.CENTRED if place.in_a_row else Alignment(vertical="center")
        for row, column in place.margin_cells(k):
            padding.on(sheet.cell(row, column, 0))
        row, column = place.corner(k)
        for y in range(shape.height):
            for x in range(shape.width):
                content = section.formula(k, y, x)
                _check_length(place.heading.name, content)
                cell = sheet.cell(row + y, column + x, content)
                (stamp(y, x) if typed or isinstance(content, str) else unread).on(cell)
    areas = [place.row()] if place.in_a_row else [place.area(k) for k in range(shape.count)]
    _colour(sheet, areas, section)


def _map_stamps(
    sheet: Worksheet, place: Maps, typed: bool, hidden: bool
) -> Callable[[int, int], Stamp]:
    """Return the style of a map's cell by row and column; cells at the edge have a border."""
    height, width = place.shape.height, place.shape.width
    small = look.SMALL_INPUT if typed else look.SMALL
    font = look.NUMBER if place.in_a_row else small
    number_format = look.SHOWN_AS_COLOUR if hidden else "General"
    fill = look.PIXEL_INPUT_FILL if typed else None

    @cache
    def made(top: bool, bottom: bool, left: bool, right: bool) -> Stamp:
        border = look.frame(top, bottom, left, right)
        return Stamp.of(sheet, font, fill, border, number_format)

    return lambda y, x: made(y == 0, y == height - 1, x == 0, x == width - 1)


def _write_weights(sheet: Worksheet, section: WeightsSection, label: Font) -> None:
    place, shape = section.place, section.place.shape
    height, width = place.kernel
    typed = not place.heading.operation.has_formulas
    stamp = Stamp.of(
        sheet, look.SMALL_INPUT if typed else look.SMALL, border=look.frame(True, True, True, True)
    )
    own_bias = Stamp.of(
        sheet, look.NUMBER_INPUT if typed else look.NUMBER,
        border=look.frame(True, True, True, True), number_format="0.0000",
    )  # fmt: skip
    heads = (place.top + LABELS_BELOW, FIRST_COLUMN + 1)
    if section.bias:
        sheet.cell(*heads, BIAS).font = label
    for c in range(shape.inputs):
        sheet.cell(*place.source_label(c), source_label(c)).font = label
    areas = []
    for o in range(shape.outputs):
        sheet.cell(*place.output_label(o), output_label(o)).font = label
        if section.bias:
            own_bias.on(sheet.cell(*place.bias(o).first, section.bias(o)))
        for c in range(shape.inputs):
            row, column = place.corner(o, c)
            for y in range(height):
                for x in range(width):
                    content = section.formula(o, c, y, x)
                    stamp.on(sheet.cell(row + y, column + x, content))
            areas.append(place.area(o, c))
    if shape.kernel is None:
        areas = [place.row(o) for o in range(shape.outputs)]
    _colour(sheet, areas, section)


def _colour(sheet: Worksheet, areas: list[Area], section: Section) -> None:
    """Colour cells by their values, with one scale for the whole section."""
    place = section.place
    row, column = areas[0].first
    whole = Area(sheet.title, (row, column), place.bottom - row + 1, place.right - column + 1)
    rule = look.colour_scale(section.palette, whole.on(sheet.title, absolute=True))
    if rule is not None:
        sheet.conditional_formatting.add(" ".join(area.on(sheet.title) for area in areas), rule)


def _check_length(name: str, content: str | float) -> None:
    if isinstance(content, str) and len(content) > MAX_FORMULA_LENGTH:
        raise InputError(
            f"{name}: it adds up so many maps that a formula has {len(content):,} characters, but "
            f"a cell holds {MAX_FORMULA_LENGTH:,}; give a network with fewer maps"
        )
