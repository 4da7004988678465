"""The edges between formulas, and between their columns, are those that each cell tells."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.program.graph import Graph

REFERENCES = [  # of a formula in row 9
    "A8", "B10", "$C$13", "C$9:C9", "A7:B12", "T!B9", "t!A$9:C11", "SUM(A:B)", "INDEX(A9:C14,2)",
    "Q!A9",
]  # fmt: skip


terms = st.lists(st.sampled_from(REFERENCES), min_size=1, max_size=3)


@st.composite
def sheets(draw: st.DrawFn) -> list[Sheet]:
    found = [Sheet("S"), Sheet("T")]
    for own in found:
        for column in (1, 2, 3):
            first, runs = 9, []
            for _ in range(draw(st.integers(0, 3))):
                first += draw(st.integers(0, 3))
                step, count = draw(st.integers(1, 3)), draw(st.integers(1, 4))
                formula = "=" + "+".join(draw(terms))
                last = first + step * (count - 1)
                runs.append(Run(first, last, FilledFormula.parse(formula, 9), step))
                first += draw(st.integers(1, 5))  # runs may be interleaved
            if runs:
                own.runs[column] = runs
    return found


def told(graph: Graph) -> Iterator[tuple[int, int, int, bool]]:
    """Yield a node, one that it reads, how far down, and whether a lookup does, cell by cell."""
    for k, node in enumerate(graph.nodes):
        for row in node.run.rows:
            for area in node.areas(row):
                for other, read in enumerate(graph.nodes):
                    if read.sheet.lower() == area.sheet.lower() and (
                        area.first_column <= read.column <= area.last_column
                    ):
                        for own in read.run.between(area.first_row, area.last_row):
                            yield k, other, own - row, area.picks


@given(sheets())
def test_every_cell_that_is_read_is_on_an_edge(made: list[Sheet]) -> None:
    graph = Graph.of(made)
    edges = graph.edges
    assert edges is not None
    nodes = list(zip(*(part.tolist() for part in edges), strict=True))
    columns = graph.reading.of_columns()
    between = {
        (one, other): (least, most)
        for one, other, least, most, _ in zip(*(part.tolist() for part in columns), strict=True)
    }
    for reader, read, down, picks in told(graph):
        assert any(
            edge[:2] == (reader, read) and edge[2] <= down <= edge[3] and edge[4] == picks
            for edge in nodes
        )
        if not picks:
            own = graph.reading.column[[reader, read]].tolist()
            least, most = between[own[0], own[1]]
            assert least <= down <= most
    for reader, read, *_ in nodes:  # and no others, but for what steps skip
        assert any(
            area.sheet.lower() == graph.nodes[read].sheet.lower()
            and area.first_column <= graph.nodes[read].column <= area.last_column
            for area in graph.nodes[reader].areas(graph.nodes[reader].run.first_row)
        )
