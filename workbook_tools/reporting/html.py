"""The report of one workbook as a web page in a single file, without scripts or outside links."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from workbook_tools import __version__
from workbook_tools.formulas.difference import Span, difference_in_short
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.findings import Finding, advice, effect_in_words, in_short, said, where
from workbook_tools.judging.report import LossCurve, Report, SummaryReport, TableReport
from workbook_tools.notation.addresses import cell_name, column_letter
from workbook_tools.package.files import printable, write_text
from workbook_tools.reporting.kinds import EXPLAINED
from workbook_tools.reporting.loss_drawing import draw_losses
from workbook_tools.reporting.network_drawing import draw_network
from workbook_tools.reporting.pages import percent, render, typeset
from workbook_tools.reporting.terminal import (
    explained,
    harmless,
    learned,
    model_lines,
    network_lines,
    not_checked,
)
from workbook_tools.texts import counted, shortened

# What a page shows at most, so that a browser opens it at once.
_MOST_FINDINGS, _MOST_PLACES, _MOST_VARIANTS, _MOST_PARTS = 20, 30, 3, 20
_ALL_PICTURES = 80_000  # characters of all drawings together
_LONGEST, _LONGEST_NAME = 1_000, 60  # characters of a sentence, and of a sheet's name
_ROUNDING = 1e-12  # relative errors up to here are only rounding, and not shown


Difference = tuple[list[Span], list[Span]]  # as it is, as it should be


@dataclass(frozen=True)
class _ShownFinding:
    """A finding, with the drawing and the texts that are shown around it."""

    finding: Finding
    number: int
    title: str
    where: str
    example: Markup
    advice: str | None
    cell: str  # in which the formulas are
    formulas: Difference | None
    symbols: Difference | None
    drawing: Markup | None
    error: str | None
    effect: str
    variants: list[tuple[Fault, Difference]]
    more_variants: int


@dataclass(frozen=True)
class _Group:
    """Findings under one heading, with a sentence about them."""

    heading: str
    about: str
    is_mild: bool
    findings: list[_ShownFinding]


class _Pictures:
    """The room that is left on a page for drawings; those that come first get it."""

    def __init__(self) -> None:
        self._left = _ALL_PICTURES

    def shown(self, drawing: str | None) -> Markup | None:
        """Return a drawing, which lxml made and so escaped; None if there is no room for it."""
        if drawing is None or len(drawing) > self._left:
            return None
        self._left -= len(drawing)
        return Markup(drawing)


@dataclass(frozen=True)
class _Part:
    """A table or a summary, with the numbers of its findings."""

    report: TableReport | SummaryReport
    findings: list[int]
    understood: list[tuple[str, str]]
    curve: Markup | None
    apart: str


def write_html(report: Report, path: Path) -> None:
    """Write the page; raises ``InputError`` if it cannot be written."""
    write_text(path, to_html(report))


def to_html(report: Report) -> str:
    """Return the page."""
    path, pictures = Path(printable(report.workbook)), _Pictures()
    findings = [
        _shown(finding, number, report, pictures)
        for number, finding in enumerate(report.findings[:_MOST_FINDINGS], start=1)
    ]
    return render(
        "report.html.j2",
        report=report,
        name=path.name,
        folder="" if path.parent == Path() else str(path.parent),
        headline=headline(report),
        lead=_lead(report),
        groups=list(_groups(findings, report.is_strict)),
        most_findings=_MOST_FINDINGS,
        more_findings=max(0, len(report.findings) - _MOST_FINDINGS),
        most_places=_MOST_PLACES,
        explained=[
            (kind, EXPLAINED[kind])
            for kind in Kind
            if any(kind is finding.kind for finding in report.findings)
        ],
        parts=[_part(part, report, pictures) for part in report.parts],
        most_parts=_MOST_PARTS,
        models=[model_lines(model) for model in report.models[:_MOST_PARTS]],
        any_left=any(part.cells.not_checked for part in report.parts),
        not_checked=not_checked(report),
        harmless=harmless(report),
        version=__version__,
    )


def headline(report: Report) -> str:
    """Return the verdict in a few words."""
    mistakes = [finding for finding in report.mistakes if not finding.is_harmless]
    count = sum(finding.is_harmless for finding in report.findings)
    besides = counted(count, "harmless finding")
    if mistakes:
        cells = counted(sum(finding.count for finding in mistakes), "cell")
        said = f"{counted(len(mistakes), 'mistake')}, in {cells}"
        return f"{said}, and {besides}" if count else said
    if report.verdict == "fail":
        if report.mistakes:
            return f"{besides}, which {'fails' if count == 1 else 'fail'} with --strict"
        return "Together, the cells do not compute this network"
    if report.verdict == "pass":
        if count:
            return f"No mistakes, but {besides}"
        return "Every formula that was checked is right"
    if report.verdict == "incomplete":
        return "No mistake was found, but not every formula could be checked"
    return "This workbook could not be checked"


def _groups(findings: Sequence[_ShownFinding], is_strict: bool) -> Iterator[_Group]:
    """Yield the findings that are mistakes, then those that may be none."""
    groups: dict[str, list[_ShownFinding]] = {"mistake": [], "warning": [], "harmless": []}
    for shown in findings:
        is_warning = shown.finding.kind.is_warning
        kind = "harmless" if shown.finding.is_harmless else "warning" if is_warning else "mistake"
        groups[kind].append(shown)
    about_harmless = "Every value is right, or only rounded: " + (
        "the workbook fails because of these only with --strict."
        if is_strict
        else "the workbook does not fail because of these."
    )
    for kind, heading, about in (
        ("mistake", "What to mend", ""),
        ("warning", "Perhaps intended", "The workbook does not fail because of these warnings."),
        ("harmless", "Harmless", about_harmless),
    ):
        if groups[kind]:
            yield _Group(heading, about, kind != "mistake", groups[kind])


def _lead(report: Report) -> str:
    """Return the reasons for the verdict, in a few sentences."""
    cells = [part.cells for part in report.parts]
    checked = sum(c.checked for c in cells)
    agreeing, left = sum(c.agreeing for c in cells), sum(c.not_checked for c in cells)
    if report.verdict in ("incomplete", "unchecked") and report.not_checked:
        return f"{report.not_checked[:1].upper()}{report.not_checked[1:]}."
    if report.models and not checked:
        text = (
            f"{learned(report)} were compared with the exact derivatives of the loss, worked out "
            "by differentiating the workbook’s own formulas."
        )
    else:
        text = _of_cells(agreeing, checked)
    if report.network:
        text += (
            " "
            + ". ".join(f"{line[:1].upper()}{line[1:]}" for line in network_lines(report.network))
            + "."
        )
    if report.verdict == "fail":
        text += " A cell that only depends on a wrong cell is not counted as a mistake."
    if left:
        text += f" {counted(left, 'formula cell')} could not be checked."
    return text


def _of_cells(agreeing: int, checked: int) -> str:
    return (
        f"{agreeing:,} of {counted(checked, 'checked formula cell')} "
        f"agree{'s' if agreeing == 1 else ''} with the mathematics, recomputed from the sheet’s "
        "own numbers."
    )


def _part(part: TableReport | SummaryReport, report: Report, pictures: _Pictures) -> _Part:
    table = part if isinstance(part, TableReport) else None
    faults = set(map(id, part.faults))
    return _Part(
        report=part,
        findings=[
            number
            for number, finding in enumerate(report.findings, start=1)
            if not faults.isdisjoint(map(id, finding.places))
        ],
        understood=explained(table) if table else [],
        curve=pictures.shown(draw_losses(table.losses)) if table else None,
        apart=_apart(table.losses) if table else "",
    )


def _shown(finding: Finding, number: int, report: Report, pictures: _Pictures) -> _ShownFinding:
    place, named = finding.leading, in_short(finding)
    suggestion = place.suggestion
    table = next((t for t in report.tables if any(place is one for one in t.faults)), None)
    drawing = draw_network(table.naming, finding.quantities) if table else None
    return _ShownFinding(
        finding=finding,
        number=number,
        title=named,
        where=where(finding),
        example=_example(finding, named),
        advice=advice(finding),
        cell=cell_name(place.rows[0], place.column),
        # What is to be changed may be in another cell.
        formulas=_difference(place) if suggestion and suggestion.formula != place.formula else None,
        symbols=difference_in_short(*suggestion.symbols)
        if suggestion and suggestion.symbols and named.endswith(finding.kind.in_words)
        else None,
        drawing=pictures.shown(drawing),
        error=percent(error) if (error := place.max_rel_error or 0.0) > _ROUNDING else None,
        effect=effect_in_words(finding),
        variants=[(own, _difference(own)) for own in finding.variants[:_MOST_VARIANTS]],
        more_variants=max(0, len(finding.variants) - _MOST_VARIANTS),
    )


def _difference(place: Fault) -> Difference:
    """Return how the formula of a place's first cell differs from the one that is suggested."""
    suggestion = place.suggestion
    return difference_in_short(place.formula or "", suggestion.formula if suggestion else "")


def _example(finding: Finding, named: str) -> Markup:
    """Say what one of the cells shows, and what else the title does not say.

    Names of cells are not typeset: E6 may be a cell or a loss.
    """
    place, text = finding.leading, said(finding)
    if place.shown and place.shown in text:
        text = f"{place.shown}."
        if len(finding.sheets) > 1:
            text = f"On {shortened(place.sheet, _LONGEST_NAME)}, {text}"
    else:
        text = text.removeprefix(named).lstrip(":. ")
    text = shortened(text[:1].upper() + text[1:], _LONGEST)
    if finding.kind in (Kind.WRONG_GRADIENT, Kind.WRONG_UPDATE):
        return escape(text)  # all names in it are those of cells
    pieces = re.split(rf"\b({column_letter(place.column)}[0-9]+)\b", text)
    return Markup("").join(
        escape(piece) if k % 2 else typeset(piece) for k, piece in enumerate(pieces)
    )


def _apart(losses: LossCurve) -> str:
    """Say by how much the two curves of the loss differ."""
    both = list(_both(losses))
    if not both and any(map(math.isfinite, losses.right)):
        return "The sheet shows no numbers for the loss."
    if not both:
        return "The right curve could not be computed: a number is missing at the start."
    furthest, built, right = max(both, key=lambda one: abs(one[1] - one[2]))
    last, last_built, last_right = both[-1]
    if last < len(losses.right) and math.isfinite(losses.right[-1]):
        return (
            f"From iteration {last + 1:,} on, the sheet shows no numbers for the loss; it should "
            f"end at {losses.right[-1]:.6g}."
        )
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
