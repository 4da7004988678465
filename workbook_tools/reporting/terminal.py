"""The report of a workbook, and how its tables were understood, printed on a terminal."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from workbook_tools.formulas.difference import difference_in_short
from workbook_tools.formulas.references import areas
from workbook_tools.judging.faults import Fault
from workbook_tools.judging.findings import (
    Finding,
    advice,
    effect_in_words,
    quantities_in_short,
    said,
    where,
)
from workbook_tools.judging.report import (
    Cells,
    Differences,
    ModelReport,
    NetworkReport,
    Report,
    TableReport,
)
from workbook_tools.notation.addresses import cell_name, sheet_prefix
from workbook_tools.texts import counted, shortened, shortened_inside, told_apart

_LONGEST = 2_000  # characters of one text on the terminal
_LONGEST_LINE = 500  # characters of what learns in a workbook
_LONGEST_NAME = 60  # characters of a sheet's name or of a label
_MOST_FINDINGS = 20  # that are printed
_MOST_VARIANTS = 1
_MOST_RANGES, _MOST_SHEETS = 4, 2  # that are named
_MOST_BACKWARD = 30  # kinds of cells
_SAME = 1e-9  # relative; losses that differ by less end at the same
# Headings of two lines; the last two are read across: "largest error", "absolute relative".
_COUNTS = ("\nchecked", "\nagreeing", "not\nchecked")
_LARGEST_ERROR = ("largest\nabsolute", "error\nrelative")
_COLOURS = {
    "pass": "bold green",
    "fail": "bold red",
    "incomplete": "bold yellow",
    "unchecked": "bold yellow",
}


def _text(text: str, style: str = "") -> Text:
    """Return a text for the terminal, cut if it is long: it may come from a workbook."""
    return Text(shortened(text, _LONGEST), style)


def print_report(report: Report, console: Console) -> None:
    """Print a line for each sheet, the findings, and the verdict."""
    first = _text(f"{report.workbook}  ({report.engine})", style="bold")
    if report.verdict == "incomplete":
        first.append_text(_text(f"  INCOMPLETE: {report.not_checked}", _COLOURS["incomplete"]))
    console.print(first, soft_wrap=True)
    if report.network:
        console.print(_network_grid(report))
        for line in network_lines(report.network):
            console.print(_text(f"  {line}"), soft_wrap=True)
    elif report.tables or report.summaries:
        console.print(_grid(report))
    for model in report.models:
        console.print(_grid_of_lines(model_lines(model)))
    for name, reason, count in not_checked(report):
        console.print(_text(f"  {name}: {count:,} not checked: {reason}"), soft_wrap=True)
    for name, reason, count in harmless(report):
        said = f"  {name}: {count:,} need not be checked (harmless): {reason}"
        console.print(_text(said), soft_wrap=True)
    _print_findings(report.findings, console)
    for line in report.left_out:
        console.print(Text(f"\n{line}"), soft_wrap=True)
    _print_runs(report.tables, console)
    console.print(_text(_verdict(report), style=_COLOURS[report.verdict]), soft_wrap=True)


def _print_runs(tables: Sequence[TableReport], console: Console) -> None:
    """Print where the trainings with faults would end if everything in them were right."""
    lines = []
    for table in tables:
        now, right = table.last_loss, table.last_loss_of_run
        if table.faults and math.isfinite(right) and not math.isclose(now, right, rel_tol=_SAME):
            ends, should = told_apart(now, right)
            ends = f"at {ends}" if math.isfinite(now) else "without a number"
            name = shortened(table.sheet, _LONGEST_NAME)
            lines.append(f"  {name}: the last loss is {should}; the sheet ends {ends}.")
    if lines:
        console.print("\nTrained again from the first row, with everything right:")
        for line in lines:
            console.print(_text(line), soft_wrap=True)


def print_explanation(report: Report, console: Console) -> None:
    """Print how each table was understood: network, weights, rate, columns, what was assumed."""
    console.print(_text(f"{report.workbook}  ({report.engine})", style="bold"), soft_wrap=True)
    for table in report.tables:
        console.print(_text(f"\n{table.sheet}!{table.range}", style="bold"), soft_wrap=True)
        grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_header=False)
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for what, text in explained(table):
            grid.add_row(what, Text(text.replace("\n", " ")))  # each line is padded
        console.print(grid)
    if report.network:
        for line in network_lines(report.network):
            console.print(_text(line), soft_wrap=True)
        for part in report.summaries:
            console.print(_text(f"  {part.sheet}: {part.what}"), soft_wrap=True)
    elif not report.tables and not report.models:
        console.print(_text(f"{report.not_checked}."), soft_wrap=True)
    for model in report.models:
        console.print(_text("\nby differentiation", style="bold"))
        console.print(_grid_of_lines([*model_lines(model), *backward_lines(model)]))
    for name, count in report.other_formulas.items():
        console.print(_text(f"\n{name}: {count:,} formulas outside any table, not read"))


def explained(table: TableReport) -> list[tuple[str, str]]:
    """Return how a table was understood, as pairs: which part of it, and the words for it."""
    read = table.understood
    [place] = areas(table.range)
    layers = f" ({shortened(read.layers, _LONGEST)})" if read.layers else ""
    lines = [
        ("network", f"{table.network}{layers}"),
        ("header", f"row {read.header_row}"),
        ("iterations", f"{table.iterations:,}, rows {read.first_row}–{place.last_row}"),
    ]
    for what, text in (
        ("activations", ", ".join(read.activations)),
        ("loss", read.loss),
        ("optimizer", read.optimizer),
    ):
        how = read.known.get(what)
        lines.append((what, f"{shortened(text, _LONGEST)} ({how})" if how else "not understood"))
    found = shortened(read.rate_found, _LONGEST)
    if table.learning_rate is None:
        lines.append(("learning rate", found))
    else:
        where = f"{shortened_inside(read.rate_cell, _LONGEST_NAME)} = " if read.rate_cell else ""
        lines.append(("learning rate", f"{where}{table.learning_rate:g} ({found})"))
    kind = "in the usual order" if read.usual_wiring else "as the formulas use them"
    lines.append(("weights", f"{kind}: {'; '.join(read.wiring)}"))
    columns = ", ".join(f"{symbol} {letters}" for symbol, letters in read.columns.items())
    lines.append(("columns", columns))
    if read.unknown:
        labels = ", ".join(
            f"{letters} {shortened(text.strip(), _LONGEST_NAME)!r}"
            for letters, text in read.unknown.items()
        )
        lines.append(("not understood", labels))
    return lines


def _grid(report: Report) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    grid.add_column("\nsheet", overflow="fold")  # the one column that may wrap
    grid.add_column("\nnetwork", no_wrap=True)
    for heading in ("\nη", "\niterations", *_COUNTS, *_LARGEST_ERROR, "\nulps"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for table in report.tables:
        rate = "?" if table.learning_rate is None else f"{table.learning_rate:g}"
        worst = table.differences
        grid.add_row(
            Text(shortened(table.sheet, _LONGEST_NAME)),
            table.network,
            rate,
            f"{table.iterations:,}",
            *_counts(table.cells),
            f"{worst.absolute:.1e}",
            f"{worst.relative:.1e}",
            f"{worst.ulps:,}" if worst.ulps < 10**6 else f"{worst.ulps:.0e}",
        )
    for summary in report.summaries:
        grid.add_row(
            Text(shortened(summary.sheet, _LONGEST_NAME)),
            summary.what,
            "",
            "",
            *_counts(summary.cells),
            *_worst(summary.differences),
        )
    return grid


def _grid_of_lines(lines: Sequence[tuple[str, str]]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_header=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for what, text in lines:
        grid.add_row(what, Text(shortened(text.replace("\n", " "), _LONGEST_LINE)))
    return grid


def model_lines(model: ModelReport) -> list[tuple[str, str]]:
    """Return what learns by one loss, as pairs: which part of it, and the words for it."""
    loss = _places(model.losses) or f"{model.assumed_loss} (assumed: no cell shows it)"
    lines = [("loss", loss), ("parameters", _places(model.parameters))]
    for what, every in (("gradients", model.claims), ("updates", model.updates)):
        counts = dict.fromkeys(("right", "wrong", "latent", "not checked"), 0)
        for one in every:
            verdict = f"{one.verdict} {one.why}" if one.verdict == "estimated" else one.verdict
            counts[verdict] = counts.get(verdict, 0) + one.count
        said = ", ".join(
            f"{count:,} {shortened(verdict, _LONGEST_NAME)}"
            for verdict, count in counts.items()
            if count
        )
        cells = [(one.sheet, one.cells) for one in every]
        lines.append((what, f"{said}: {_places(cells)}" if said else "none"))
    return lines


def backward_lines(model: ModelReport) -> list[tuple[str, str]]:
    """Return what each cell of the backward half is, as pairs: a title, and the words for it."""
    every = [one for one in (*model.helpers, *model.claims) if one.what]
    lines = []
    for one in every[:_MOST_BACKWARD]:
        times = "" if one.factor in (None, 1.0) else f"{one.factor:.6g} × "
        verdict = {"right": "is", "latent": "is at present", "estimated": "is about"}
        said = verdict.get(one.verdict, "should be")
        what = f"{said} {times}{one.what}"
        if one.why and one.verdict == "right":
            what += f", {one.why}"
        lines.append(f"{_places([(one.sheet, one.cells)])} {what}")
    if len(every) > _MOST_BACKWARD:
        lines.append(f"… ({len(every)} kinds of cells)")
    return [("backward half" if not k else "", line) for k, line in enumerate(lines)]


def _places(places: Sequence[tuple[str, str]]) -> str:
    """Return cells in few words: ``Sheet1!K5:M27, N5``."""
    found: dict[str, list[str]] = {}
    for sheet, cells in places:
        found.setdefault(sheet, []).extend(shortened(cells, _LONGEST).split(", "))
    shown = []
    for sheet, every in [*found.items()][:_MOST_SHEETS]:
        more = f", … ({len(every)} ranges)" if len(every) > _MOST_RANGES else ""
        name = sheet_prefix(shortened(sheet, _LONGEST_NAME))
        shown.append(f"{name}{', '.join(every[:_MOST_RANGES])}{more}")
    if len(found) > _MOST_SHEETS:
        shown.append(f"… ({len(found)} sheets)")
    return "; ".join(shown)


def _network_grid(report: Report) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    grid.add_column("\nsheet", no_wrap=True)
    grid.add_column("\nwhat", overflow="fold")
    for heading in (*_COUNTS, *_LARGEST_ERROR):
        grid.add_column(heading, justify="right", no_wrap=True)
    for part in report.summaries:
        grid.add_row(
            Text(shortened(part.sheet, _LONGEST_NAME)),
            _text(part.what),
            *_counts(part.cells),
            *_worst(part.differences)[:2],
        )
    return grid


def _worst(differences: Differences | None) -> tuple[str, str, str]:
    if differences is None:
        return "", "", ""
    return f"{differences.absolute:.1e}", f"{differences.relative:.1e}", ""


def network_lines(network: NetworkReport) -> list[str]:
    """Say with which numbers a convolutional network was checked, and how far off it is."""
    moments = ", ".join(f"{kind} ({count})" for kind, count in network.moments.items())
    return [
        f"{network.network}; checked with: {moments}",
        f"{network.whole.compared:,} numbers compared with a run of the whole network and the "
        f"derivatives of its loss: {network.whole}",
    ]


def _counts(cells: Cells) -> tuple[str, str, str]:
    return f"{cells.checked:,}", f"{cells.agreeing:,}", f"{cells.not_checked:,}"


def not_checked(report: Report) -> list[tuple[str, str, int]]:
    """Return which formula cells were not checked, as triples: sheet, why, how many."""
    parts = [(part.sheet, part.cells.reasons) for part in report.parts]
    reasons = [(name, reason, n) for name, found in parts for reason, n in found.items()]
    reasons += [
        (one.sheet, f"row {one.header_row}: {one.why}", one.formulas) for one in report.unread
    ]
    outside = "formulas outside any table"
    return reasons + [(name, outside, count) for name, count in report.other_formulas.items()]


def harmless(report: Report) -> list[tuple[str, str, int]]:
    """Return which formula cells need not be checked, as triples: sheet, why, how many."""
    parts = [(part.sheet, part.cells.harmless) for part in report.parts]
    return [(name, reason, count) for name, found in parts for reason, count in found.items()]


def _print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print the first findings: mistakes, then those that are harmless."""
    is_said = False
    for finding in findings[:_MOST_FINDINGS]:
        if finding.is_harmless and not is_said:
            console.print(
                Text("\nHarmless: no result changes by more than rounding.", "bold yellow")
            )
            is_said = True
        _print_finding(finding, console)
    if (more := len(findings) - _MOST_FINDINGS) > 0:
        line = f"\nand {counted(more, 'more finding')} (see --html or --json)"
        console.print(Text(line, "bold"), soft_wrap=True)


def _print_finding(finding: Finding, console: Console) -> None:
    """Print a mistake once: where it is, one example, and what to do."""
    colour = "bold yellow" if finding.is_mild else "bold red"
    quantities = quantities_in_short(finding.quantities)
    title = Text.assemble("\n", (quantities, colour), f"  {finding.kind.value}  {where(finding)}")
    console.print(title, soft_wrap=True)
    _print_formulas(finding.leading, console)
    for line in (said(finding), advice(finding), effect_in_words(finding)):
        if line:
            console.print(_text(f"  {line}"), soft_wrap=True)
    for place in finding.variants[:_MOST_VARIANTS]:
        _print_formulas(place, console, "also")


def _print_formulas(place: Fault, console: Console, what: str = "formula") -> None:
    """Print the formula of a place's first cell, and the one that is suggested for it."""
    was = place.formula or ""
    should = place.suggestion.formula if place.suggestion else ""
    if should == was:
        should = ""  # the formula is right: others are not
    cell = cell_name(place.rows[0], place.column)
    for name, spans in zip((what, "suggested"), difference_in_short(was, should), strict=True):
        if spans:
            line = Text(f"  {name:<9} {cell} ")
            for span in spans:
                line.append(span.text, "underline" if span.changed and was and should else "")
            console.print(line, soft_wrap=True)


def learned(report: Report) -> str:
    """Return how many gradients and updates were found: ``12 gradients and 4 updates``."""
    counts = [model.count() for model in report.models]
    gradients, updates = (sum(own) for own in zip(*counts, strict=True))
    parts = (counted(gradients, "gradient"), gradients), (counted(updates, "update"), updates)
    return " and ".join(said for said, count in parts if count)


def _verdict_of_models(report: Report) -> str:
    """Return the verdict on a workbook of which only gradients and updates were checked."""
    every = learned(report)
    if report.verdict == "fail":
        mistaken = report.mistakes
        cells = counted(sum(finding.count for finding in mistaken), "cell")
        return f"FAIL: {counted(len(mistaken), 'mistake')} in {cells}; {every} checked."
    if report.verdict == "pass":
        return f"PASS: {every} are those of the derivatives of the loss."
    return f"{report.verdict.upper()}: {report.not_checked}."


def _verdict(report: Report) -> str:
    counts = [part.cells for part in report.parts]
    checked, agreeing = sum(c.checked for c in counts), sum(c.agreeing for c in counts)
    if report.models and not checked:
        return _verdict_of_models(report)
    if report.verdict == "pass":
        pasted = sum(c.numbers for c in counts)
        besides = f"; so do {pasted:,} numbers that stand in place of formulas" if pasted else ""
        harmless = sum(not finding.kind.is_warning for finding in report.findings)
        if harmless:
            besides += f"; {counted(harmless, 'harmless finding')} (--strict: fail)"
        return f"PASS: {agreeing:,} of {checked:,} checked formula cells agree{besides}."
    if report.verdict == "fail":
        mistaken = report.mistakes
        if not mistaken:
            return (
                f"FAIL: each of {checked:,} cells agrees with the cells that it reads, but "
                "together they do not compute the network that the headings describe."
            )
        cells = counted(sum(finding.count for finding in mistaken), "cell")
        return f"FAIL: {counted(len(mistaken), 'mistake')} in {cells}; {checked:,} checked."
    if report.verdict == "incomplete":
        said = f"{agreeing:,} of {checked:,} checked formula cells agree"
        return f"INCOMPLETE: {said}, but {report.not_checked}."
    return f"UNCHECKED: {report.not_checked or 'nothing in it could be checked'}."
