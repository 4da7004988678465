"""Copies of a checked workbook: one with its mistakes marked, one with them mended.

Both are made by editing single parts of the file; everything else in them stays as it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook_tools.editing.calculation import calculate_when_opened, forget_the_order
from workbook_tools.editing.cell_contents import Place, SheetCells, put_value
from workbook_tools.editing.cell_styles import CellStyles
from workbook_tools.editing.new_sheet import NewCell, add_sheet
from workbook_tools.editing.notes import add_notes
from workbook_tools.editing.recalculated import new_values
from workbook_tools.engines import DEFAULT
from workbook_tools.errors import InputError
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.findings import effect_in_words, in_short
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import Cell, sheet_prefix
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.files import replacing
from workbook_tools.package.places import refuse_conflicts
from workbook_tools.package.workbook import SheetPart, open_package
from workbook_tools.package.xml_parts import number
from workbook_tools.texts import counted

MOST_NOTES = 1_000  # of one fault
_AUTHOR = "workbook-tools"
_SHEET = "Findings"
_MISTAKE, _WARNING, _HEADER = "FFC7CE", "FFEB9C", "D9E1F2"  # colours
_MOST_PLACES = 100  # of one finding that are listed

_COLUMNS = {
    "Finding": 40.0,
    "Sheet": 13.0,
    "Cells": 12.0,
    "Quantity": 10.0,
    "What is wrong": 18.0,
    "Formula": 34.0,
    "Value": 13.0,
    "Expected": 13.0,
    "Suggested formula": 34.0,
    "Change": 20.0,
    "Effect": 34.0,
}


@dataclass(frozen=True)
class MendedSummary:
    """Which findings were mended in a copy, and which were not, each with the reason."""

    mended: list[Fault]  # the places that were mended
    findings: int  # how many findings were mended in all their places
    in_part: int  # and how many in some of them
    left: list[tuple[Fault, str]]

    def __str__(self) -> str:
        """Say it in one line."""
        cells = sum(fault.count for fault in self.mended)
        part = f" and {self.in_part:,} in part" if self.in_part else ""
        said = f"{counted(self.findings, 'finding')} mended{part}, in {counted(cells, 'cell')}"
        if not self.left:
            return said
        reasons: dict[str, list[str]] = defaultdict(list)
        for fault, reason in self.left:
            reasons[reason].append(f"{fault.sheet}!{fault.cells}")
        parts = [f"{', '.join(_few(places))} ({why})" for why, places in reasons.items()]
        return f"{said}; not mended: {'; '.join(parts)}"


def _few(places: Sequence[str]) -> list[str]:
    return [*places[:3], *([f"{len(places) - 3:,} more"] if len(places) > 3 else [])]


def refuse_places(source: Path, *destinations: Path) -> None:
    """Raise ``InputError`` if a copy would overwrite the workbook itself, or another copy."""
    refuse_conflicts([source], destinations)
    for destination in destinations:
        own, other = source.suffix.lower(), destination.suffix.lower()
        if own != other and ".xlsm" in (own, other):  # Excel would not open it
            raise InputError(
                f"{destination}: the copy of an {own} workbook needs the suffix {own} too"
            )


def write_marked(report: Report, source: Path, destination: Path) -> None:
    """Write a copy of a workbook in which the cells of each finding have a colour and a note.

    Its last sheet lists the findings. Raises ``InputError`` if the copy would overwrite the
    workbook, or one of the two cannot be read or written.
    """
    refuse_places(source, destination)
    with open_package(source) as package, replacing(destination) as new:
        copy = PackageCopy(package)
        styles = CellStyles(copy)
        for sheet in copy.sheets:
            places = [
                (place, finding.is_mild)
                for finding in report.findings
                for place in finding.places
                if place.sheet == sheet.name
            ]
            if places:
                _mark(copy, sheet, places, styles)
        add_sheet(copy, _SHEET, list(_COLUMNS.values()), list(_rows(report, styles)))
        copy.save(new)


def _mark(
    copy: PackageCopy,
    sheet: SheetPart,
    places: Sequence[tuple[Fault, bool]],
    styles: CellStyles,
) -> None:
    """Colour the cells of places, each with whether it is mild, and add notes to them."""
    cells = SheetCells(copy.xml(sheet.part))
    notes: dict[Place, str] = {}
    # Mistakes last: a cell with a warning and a mistake gets the colour of a mistake.
    for fault, is_mild in sorted(places, key=lambda one: not one[1]):
        colour = _WARNING if is_mild else _MISTAKE
        for k, row in enumerate(fault.rows):
            place = (row, fault.column)
            cell = cells.made(*place)
            cell.set("s", str(styles.filled(number(cell.get("s")), colour)))
            if k < MOST_NOTES:
                before = f"{notes[place]}\n\n" if place in notes else ""
                notes[place] = before + _note(fault, row)
    copy.changed(sheet.part)
    add_notes(copy, sheet, _AUTHOR, notes)


def _note(fault: Fault, row: int) -> str:
    """Return the text of the note at one cell of a fault."""
    lines = [f"{fault.quantity}: {fault.kind.in_words}", fault.message]
    suggestion = fault.suggestion
    if suggestion and row in suggestion.formulas:
        lines += [f"It should be {suggestion.formulas[row]}", f"({suggestion.edit})"]
    elif fault.expected is not None and fault.count == 1:
        lines.append(f"It should be {fault.expected!r}")
    if fault.count > MOST_NOTES and row == fault.rows[0]:
        lines.append(
            f"Only the first {MOST_NOTES:,} of these {fault.count:,} cells have a note; all of "
            "them are coloured."
        )
    return "\n".join(lines)


def _rows(report: Report, styles: CellStyles) -> Iterator[list[NewCell]]:
    """Yield the rows of the sheet that lists the findings, with a link to each of their places."""
    header = styles.new(bold=True, fill=_HEADER, wrap=True)
    text, link = styles.new(wrap=True), styles.new(link=True)
    kinds = {False: styles.filled(text, _MISTAKE), True: styles.filled(text, _WARNING)}
    yield [NewCell(heading, header) for heading in _COLUMNS]
    for finding in report.findings:
        for k, place in enumerate(finding.places[:_MOST_PLACES]):
            suggestion = place.suggestion
            contents: list[str | float | None] = [
                None if k else in_short(finding),
                place.sheet,
                place.cells,
                place.quantity,
                place.kind.in_words,
                place.formula,
                place.value,
                place.expected,
                suggestion.formula if suggestion else None,
                suggestion.edit if suggestion else None,
                None if k else effect_in_words(finding) or None,
            ]
            cells = [NewCell(content, text) for content in contents]
            cells[0] = NewCell(contents[0], kinds[finding.is_mild])
            cells[2] = NewCell(place.cells, link, sheet_prefix(place.sheet) + place.cells)
            yield cells
        if (more := len(finding.places) - _MOST_PLACES) > 0:
            yield [NewCell(None, text), NewCell(f"and {counted(more, 'more place')}", text)]
    if not report.findings:
        nothing = {
            "unchecked": "Nothing could be checked.",
            "incomplete": f"No mistake was found, but {report.not_checked}.",
        }.get(report.verdict, "No mistakes were found.")
        yield [NewCell(nothing, text)]


def refuse_cached(destination: Path, engine: str) -> None:
    """Raise ``InputError`` if an engine cannot calculate a mended copy."""
    if engine == "cached":
        raise InputError(
            f"{destination}: a mended copy is recalculated, for which --engine cached will not do; "
            "use another"
        )


def write_mended(
    report: Report, source: Path, destination: Path, engine: str = DEFAULT
) -> MendedSummary:
    """Write a copy of a workbook with the suggested formulas in place.

    The mended cells and those that depend on them are recalculated. A cell keeps the value stored
    in the file where the engine has no better one; a spreadsheet program recalculates it when it
    opens the copy. Return what was mended and what was not. Raises ``InputError`` if the copy
    would overwrite the workbook, one of the two cannot be read or written, or the engine cannot
    calculate the workbook.
    """
    refuse_places(source, destination)
    refuse_cached(destination, engine)
    summary = _summary(report)
    with open_package(source) as package, replacing(destination) as new:
        copy = PackageCopy(package)
        sheets = {sheet.name: SheetCells(copy.xml(sheet.part)) for sheet in copy.sheets}
        formulas = {
            cell: formula for fault in summary.mended for cell, formula in fault.put_right.items()
        }
        _put_formulas(copy, sheets, formulas)
        _say_changed(copy, formulas)
        calculate_when_opened(copy)
        mended = formulas.keys() | {
            (fault.sheet, row, fault.column)
            for fault in summary.mended
            if fault.kind is Kind.STALE_VALUE
            for row in fault.rows
        }
        values = new_values(copy, mended, engine)
        for (name, row, column), value in values.items():
            put_value(sheets[name].made(row, column), value)
        _say_changed(copy, values)
        copy.save(new)
    return summary


def _summary(report: Report) -> MendedSummary:
    mended: list[Fault] = []
    left: list[tuple[Fault, str]] = []
    whole = in_part = 0
    for finding in report.findings:
        before = len(mended)
        for place in finding.places:
            if place.kind is Kind.ODD_START:
                left.append((place, "it may be intended"))
            elif place.kind is Kind.STALE_VALUE or place.suggestion:
                mended.append(place)
            else:
                left.append((place, place.why_none or "what belongs here is not known"))
        count = len(mended) - before
        whole += count == len(finding.places)
        in_part += 0 < count < len(finding.places)
    return MendedSummary(mended, whole, in_part, left)


def _put_formulas(
    copy: PackageCopy, sheets: Mapping[str, SheetCells], formulas: Mapping[Cell, str]
) -> None:
    for name, cells in sheets.items():
        own = {
            (row, column): formula
            for (sheet, row, column), formula in formulas.items()
            if sheet == name
        }
        if own and cells.put_formulas(own):
            forget_the_order(copy)


def _say_changed(copy: PackageCopy, cells: Iterable[Cell]) -> None:
    names = {name for name, _, _ in cells}
    for sheet in copy.sheets:
        if sheet.name in names:
            copy.changed(sheet.part)
