"""The loss charts: one curve on each sheet, all curves on the Overview."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from openpyxl.chart import LineChart, ScatterChart
from openpyxl.chart._chart import ChartBase
from openpyxl.chart.data_source import AxDataSource, NumDataSource, NumRef, StrRef
from openpyxl.chart.series import Series, SeriesLabel, XYSeries
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

from workbook_tools.notation.addresses import cell_name, sheet_prefix
from workbook_tools.notation.quantities import ACCURACY, ITERATION
from workbook_tools.writing.layout import FIRST_ROW, HEADER_ROW
from workbook_tools.writing.styles import CURVE_COLOURS, INK

Chart: TypeAlias = ChartBase


class Table(Protocol):
    """A table of iterations of which curves are drawn."""

    @property
    def name(self) -> str:
        """The name of its sheet."""

    @property
    def iterations(self) -> int:
        """How many it has."""

    @property
    def block(self) -> int:
        """How many rows each has."""

    @property
    def columns(self) -> Mapping[str, int]:
        """The columns, counted from 1, by what stands in them."""

    @property
    def last_row(self) -> int:
        """Its last row."""

    @property
    def loss(self) -> str:
        """What stands in the column of the loss."""


_LINE_WIDTH = 19_050  # English Metric Units: 1.5 points


def loss_chart(layout: Table) -> Chart:
    """Return the chart of one sheet's loss over its iterations."""
    chart = _chart([layout], "Loss over iterations", layout.loss)
    chart.y_axis.number_format = "0.0000"
    chart.legend = None
    chart.series.append(_curve(layout, layout.loss, 0))
    return chart


def accuracy_chart(layout: Table) -> Chart:
    """Return the chart of the accuracy: the fraction of samples that are classified correctly."""
    chart = _chart([layout], "Accuracy over iterations", ACCURACY)
    chart.y_axis.number_format = "0%"
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = 0, 1
    chart.legend = None
    chart.series.append(_curve(layout, ACCURACY, 2))
    return chart


def comparison_chart(
    layouts: Sequence[Table],
    symbol: str,
    title: str,
    names: list[tuple[str, int, int]],
) -> Chart:
    """Return the chart of a quantity on all sheets, on a logarithmic axis.

    ``names`` holds, for each curve, the cell (sheet, row, column) that names it, so that the
    legend follows a changed learning rate.
    """
    curves = [_curve(layout, symbol, k) for k, layout in enumerate(layouts)]
    return _on_logarithmic_axis(layouts, symbol, title, curves, names)


def sizes_chart(layout: Table, symbols: list[str]) -> Chart:
    """Return the chart of the norms of all layers' gradients on a sheet, on a logarithmic axis."""
    curves = [_curve(layout, symbol, k) for k, symbol in enumerate(symbols)]
    names = [(layout.name, HEADER_ROW, layout.columns[symbol]) for symbol in symbols]
    title = f"Size of the gradient of each layer: {layout.name}"
    return _on_logarithmic_axis([layout], "‖∂E/∂w‖", title, curves, names)


def _on_logarithmic_axis(
    layouts: Sequence[Table],
    axis_title: str,
    title: str,
    curves: list[Series],
    names: list[tuple[str, int, int]],
) -> Chart:
    chart = _chart(layouts, title, axis_title)
    chart.y_axis.scaling.logBase = 10
    chart.y_axis.number_format = "0.E+00"
    chart.legend.position = "r"
    for curve, (sheet, row, column) in zip(curves, names, strict=True):
        name = sheet_prefix(sheet) + cell_name(row, column, absolute=True)
        curve.tx = SeriesLabel(strRef=StrRef(name))
        chart.series.append(curve)
    # Put the labels of iterations at the bottom, even if the logarithmic axis starts below 1.
    chart.x_axis.tickLblPos = "low"
    chart.y_axis.crosses = "min"
    chart.x_axis.crosses = "min"
    return chart


def _chart(layouts: Sequence[Table], title: str, axis_title: str) -> Chart:
    """Return an empty chart: lines, or a scatter chart if iterations have several rows."""
    iterations = max(layout.iterations for layout in layouts)
    if any(ITERATION in layout.columns and layout.block > 1 for layout in layouts):
        chart = ScatterChart()
        chart.style, chart.scatterStyle = None, "lineMarker"
        chart.display_blanks = "span"  # only the first row of an iteration has a loss
        chart.visible_cells_only = False  # the other rows may be folded away
        chart.x_axis.scaling.min, chart.x_axis.scaling.max = 0, iterations
        chart.x_axis.majorGridlines = None
    else:
        chart = LineChart()
        chart.x_axis.tickLblSkip = chart.x_axis.tickMarkSkip = max(1, round(iterations / 10))
    chart.title = chart_title(title, points=13)
    chart.x_axis.title = chart_title("iteration", points=10)
    chart.y_axis.title = chart_title(axis_title, points=10)
    # By default, openpyxl marks both axes as deleted.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.number_format = "0"
    grid = GraphicalProperties(ln=LineProperties(solidFill="E4E7EB", w=6_350))
    chart.y_axis.majorGridlines.spPr = grid
    return chart


def chart_title(text: str, points: int) -> Title:
    """Return a bold title in the workbooks' text colour, of this size in points."""
    properties = CharacterProperties(sz=points * 100, b=True, solidFill=INK)
    run = RegularTextRun(rPr=properties, t=text)
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=properties), r=[run])
    return Title(tx=Text(rich=RichText(p=[paragraph])), overlay=False)


def _curve(layout: Table, symbol: str, colour: int) -> Series:
    values = NumDataSource(numRef=_column(layout, symbol))
    name = SeriesLabel(v=symbol)
    if layout.block > 1:
        iterations = AxDataSource(numRef=_column(layout, ITERATION))
        curve = XYSeries(xVal=iterations, yVal=values, tx=name)
    else:
        curve = Series(val=values, tx=name)
    curve.smooth = False
    curve.marker.symbol = "none"
    line = CURVE_COLOURS[colour % len(CURVE_COLOURS)]
    curve.graphicalProperties = GraphicalProperties(
        ln=LineProperties(solidFill=line, w=_LINE_WIDTH)
    )
    return curve


def _column(layout: Table, symbol: str) -> NumRef:
    """Return the cells of a quantity; openpyxl's own references end at row 1,000,000."""
    column = layout.columns[symbol]
    first = cell_name(FIRST_ROW, column, absolute=True)
    last = cell_name(layout.last_row, column, absolute=True)
    return NumRef(f=f"{sheet_prefix(layout.name)}{first}:{last}")
