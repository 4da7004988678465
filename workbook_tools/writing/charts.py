"""The loss charts: one curve on each sheet, all curves on the Overview."""

from openpyxl.chart import LineChart
from openpyxl.chart.data_source import NumDataSource, NumRef, StrRef
from openpyxl.chart.series import Series, SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import (
    CharacterProperties,
    Paragraph,
    ParagraphProperties,
    RegularTextRun,
)
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.notation import TOTAL_LOSS
from workbook_tools.references import cell_name, sheet_prefix
from workbook_tools.writing.layout import Layout
from workbook_tools.writing.styles import CURVE_COLOURS, INK

_LINE_WIDTH = 19_050  # English Metric Units: 1.5 points


def loss_chart(layout: Layout, sheet: Worksheet) -> LineChart:
    """Return the chart of one sheet's E_tot over its iterations."""
    chart = _chart(layout, "Loss over iterations")
    chart.y_axis.number_format = "0.0000"
    chart.legend = None
    chart.series.append(_curve(layout, sheet, CURVE_COLOURS[0]))
    return chart


def comparison_chart(
    layout: Layout, sheets: list[Worksheet], name_cells: list[tuple[Worksheet, int, int]]
) -> LineChart:
    """Return the chart of all sheets' losses, on a logarithmic axis.

    ``name_cells`` holds, for each curve, the cell (sheet, row, column) that names it, so that
    the legend follows a changed learning rate.
    """
    chart = _chart(layout, "Loss over iterations, by learning rate η")
    chart.y_axis.scaling.logBase = 10
    chart.y_axis.number_format = "0.E+00"
    chart.legend.position = "r"
    for k, (sheet, (name_sheet, row, column)) in enumerate(zip(sheets, name_cells, strict=True)):
        curve = _curve(layout, sheet, CURVE_COLOURS[k % len(CURVE_COLOURS)])
        name = sheet_prefix(name_sheet.title) + cell_name(row, column, absolute=True)
        curve.tx = SeriesLabel(strRef=StrRef(name))
        chart.series.append(curve)
    # Iterations run along the bottom, also where the logarithmic axis starts below 1.
    chart.x_axis.tickLblPos = "low"
    chart.y_axis.crosses = "min"
    chart.x_axis.crosses = "min"
    return chart


def _chart(layout: Layout, title: str) -> LineChart:
    chart = LineChart()
    chart.title = _title(title, points=13)
    chart.x_axis.title = _title("iteration", points=10)
    chart.y_axis.title = _title(TOTAL_LOSS, points=10)
    # openpyxl leaves both axes out of the drawing unless told.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.number_format = "0"
    chart.x_axis.tickLblSkip = chart.x_axis.tickMarkSkip = max(
        1, round(layout.experiment.training.iterations / 10)
    )
    grid = GraphicalProperties(ln=LineProperties(solidFill="E4E7EB", w=6_350))
    chart.y_axis.majorGridlines.spPr = grid
    return chart


def _title(text: str, points: int) -> Title:
    properties = CharacterProperties(sz=points * 100, b=True, solidFill=INK)
    run = RegularTextRun(rPr=properties, t=text)
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=properties), r=[run])
    return Title(tx=Text(rich=RichText(p=[paragraph])), overlay=False)


def _curve(layout: Layout, sheet: Worksheet, colour: str) -> Series:
    column = layout.columns[TOTAL_LOSS]
    first = cell_name(layout.first_row, column, absolute=True)
    last = cell_name(layout.last_row, column, absolute=True)
    # Written out, since openpyxl's own references end at row 1,000,000.
    values = NumRef(f=f"{sheet_prefix(sheet.title)}{first}:{last}")
    curve = Series(val=NumDataSource(numRef=values), tx=SeriesLabel(v=TOTAL_LOSS))
    curve.smooth = False
    curve.marker.symbol = "none"
    curve.graphicalProperties = GraphicalProperties(
        ln=LineProperties(solidFill=colour, w=_LINE_WIDTH)
    )
    return curve
