"""The report of one workbook as a web page in a single file, without scripts or outside links."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from workbook_tools import __version__
from workbook_tools.formulas.difference import Span, difference_in_short
from workbook_tools.judging.findings import Finding
from workbook_tools.judging.report import LossCurve, Report, SummaryReport, TableReport
from workbook_tools.package.files import printable, write_text
from workbook_tools.reporting.loss_drawing import draw_losses
from workbook_tools.reporting.network_drawing import draw_network
from workbook_tools.reporting.pages import percent, render
from workbook_tools.reporting.terminal import explained, harmless, network_lines, not_checked
from workbook_tools.texts import counted

_ROUNDING = 1e-12  # relative errors up to here are only rounding, and not shown


@dataclass(frozen=True)
class _ShownFinding:
    """A finding, with the drawing and the texts that are shown around it."""

    finding: Finding
    formulas: tuple[list[Span], list[Span]] | None  # as it is, as it should be
    symbols: tuple[list[Span], list[Span]] | None
    drawing: Markup | None
    error: str | None
    effect: str | None


@dataclass(frozen=True)
class _Part:
    """A table or a summary, with its findings."""

    report: TableReport | SummaryReport
    findings: list[_ShownFinding]
    understood: list[tuple[str, str]]
    curve: Markup | None
    apart: str


def write_html(report: Report, path: Path) -> None:
    """Write the page; raises ``InputError`` if it cannot be written."""
    write_text(path, to_html(report))


def to_html(report: Report) -> str:
    """Return the page."""
    path = Path(printable(report.workbook))
    return render(
        "report.html.j2",
        report=report,
        name=path.name,
        folder="" if path.parent == Path() else str(path.parent),
        headline=headline(report),
        lead=_lead(report),
        parts=[_part(part) for part in report.parts],
        not_checked=not_checked(report),
        harmless=harmless(report),
        version=__version__,
    )


def headline(report: Report) -> str:
    """Return the verdict in a few words."""
    mistakes = [finding for finding in report.findings if not finding.kind.is_warning]
    if report.verdict == "fail":
        cells = counted(sum(finding.count for finding in mistakes), "cell")
        return f"{counted(len(mistakes), 'mistake')}, in {cells}"
    if report.verdict == "pass":
        return "Every formula that was checked is right"
    if report.verdict == "incomplete":
        return "No mistake was found, but not every formula could be checked"
    return "This workbook could not be checked"


def _lead(report: Report) -> str:
    """Return the reasons for the verdict, in a few sentences."""
    cells = [part.cells for part in report.parts]
    checked = sum(c.checked for c in cells)
    agreeing, left = sum(c.agreeing for c in cells), sum(c.not_checked for c in cells)
    if report.verdict in ("incomplete", "unchecked") and report.not_checked:
        return f"{report.not_checked[:1].upper()}{report.not_checked[1:]}."
    said = (
        f"{agreeing:,} of {counted(checked, 'checked formula cell')} "
        f"agree{'s' if agreeing == 1 else ''} with the mathematics, recomputed from the sheet’s "
        "own numbers."
    )
    if report.network:
        said += (
            " "
            + ". ".join(f"{line[:1].upper()}{line[1:]}" for line in network_lines(report.network))
            + "."
        )
    if report.verdict == "fail":
        said += " A cell that only depends on a wrong cell is not counted as a mistake."
    if left:
        said += f" {counted(left, 'formula cell')} could not be checked."
    return said


def _part(part: TableReport | SummaryReport) -> _Part:
    table = part if isinstance(part, TableReport) else None
    curve = draw_losses(table.losses) if table else None
    return _Part(
        report=part,
        findings=[_shown(finding, part) for finding in part.findings],
        understood=explained(table) if table else [],
        curve=Markup(curve) if curve else None,  # made by lxml, which escapes
        apart=_apart(table.losses) if table else "",
    )


def _shown(finding: Finding, part: TableReport | SummaryReport) -> _ShownFinding:
    suggestion = finding.suggestion
    table = part if isinstance(part, TableReport) else None
    drawing = draw_network(table.naming, finding.quantity) if table else None
    return _ShownFinding(
        finding=finding,
        formulas=difference_in_short(finding.formula or "", suggestion.formula)
        if suggestion
        else None,
        symbols=difference_in_short(*suggestion.symbols)
        if suggestion and suggestion.symbols
        else None,
        drawing=Markup(drawing) if drawing else None,
        error=percent(error) if (error := finding.max_rel_error or 0.0) > _ROUNDING else None,
        effect=_effect(finding.effect, table.last_loss if table else math.nan),
    )


def _effect(without: float | None, built: float) -> str | None:
    """Say what the last loss would be without a mistake."""
    if without is None:
        return None
    if without == built:
        return f"none: the last loss stays {built:.9g}"
    would = f"without this mistake the last loss would be {without:.9g}"
    if not math.isfinite(built):
        return would
    if f"{without:.9g}" == f"{built:.9g}":
        return f"hardly any: to nine digits, the last loss stays {built:.9g}"
    said = f"{would}; it is {built:.9g}"
    return f"{said}, {percent(abs(built - without) / abs(without))} off" if without else said


def _apart(losses: LossCurve) -> str:
    """Say by how much the two curves of the loss differ."""
    both = list(_both(losses))
    if not both and any(map(math.isfinite, losses.right)):
        return "The sheet shows no numbers for the loss."
    if not both:
        return "The right curve could not be computed: a number is missing at the start."
    furthest, built, right = max(both, key=lambda one: abs(one[1] - one[2]))
    _, last_built, last_right = both[-1]
    if built == right:
        return "Both curves are the same, to the last digit."
    said = f"Both end at {last_built:.6g}" if f"{last_built:.6g}" == f"{last_right:.6g}" else (
        f"As built it ends at {last_built:.6g}, and should end at {last_right:.6g}"
    )  # fmt: skip
    far = f"{abs(built - right):.2g}"
    relative = f", {percent(abs(built - right) / abs(right))}" if right else ""
    return f"{said}. They are furthest apart at iteration {furthest:,}: by {far}{relative}."


def _both(losses: LossCurve) -> Iterator[tuple[int, float, float]]:
    """Yield each iteration in which both losses are numbers, and these: as built, as should be."""
    for iteration, (built, right) in enumerate(
        zip(losses.built, losses.right, strict=False), start=1
    ):
        if math.isfinite(built) and math.isfinite(right):
            yield iteration, built, right
