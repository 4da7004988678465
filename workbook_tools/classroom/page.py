"""The web page of a class: common mistakes, workbooks with the same formulas, a row for each."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook_tools import __version__
from workbook_tools.classroom.row import Mistake, Row, Verdict
from workbook_tools.package.files import write_text
from workbook_tools.reporting.pages import render
from workbook_tools.texts import counted

TEMPLATE = "class.html.j2"
_MOST_NAMED = 60  # workbooks listed at one mistake; the table has all
_MOST_MISTAKES = 50  # that are listed
_VERDICTS = {
    Verdict.PASS: "right",
    Verdict.FAIL: "with mistakes",
    Verdict.INCOMPLETE: "incompletely checked",
    Verdict.UNCHECKED: "unchecked",
    Verdict.UNREADABLE: "unreadable",
    Verdict.TIMED_OUT: "timed out",
    Verdict.CRASHED: "crashed",
}


@dataclass(frozen=True)
class Common:
    """A mistake, and the workbooks that have it."""

    mistake: Mistake
    rows: list[Row]


@dataclass(frozen=True)
class Alike:
    """Workbooks with the same formulas."""

    rows: list[Row]
    same_file: bool  # byte for byte
    mistakes: int  # of each


def write_class_html(rows: Sequence[Row], path: Path) -> None:
    """Write the page; raises ``InputError`` if it cannot be written.

    It links to the workbooks' own pages in the folder ``NAME_files`` beside it.
    """
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in Verdict}
    page = render(
        TEMPLATE,
        rows=rows,
        headline=_headline(len(rows), counts),
        verdicts=[(v, _VERDICTS[v], count) for v, count in counts.items() if count],
        common=[one for one in commonest(rows) if not one.mistake.is_mild],
        mild=[one for one in commonest(rows) if one.mistake.is_mild],
        alike=alike(rows),
        most_named=_MOST_NAMED,
        most_mistakes=_MOST_MISTAKES,
        folder=f"{path.stem}_files",
        version=__version__,
    )
    write_text(path, page)


def commonest(rows: Sequence[Row]) -> list[Common]:
    """Return the mistakes of a class, the most common first."""
    made: dict[Mistake, list[Row]] = defaultdict(list)
    for row in rows:
        for mistake in row.mistakes:
            made[mistake].append(row)
    found = [Common(mistake, who) for mistake, who in made.items()]
    return sorted(found, key=lambda one: (-len(one.rows), one.mistake.words))


def alike(rows: Sequence[Row]) -> list[Alike]:
    """Return groups of workbooks with the same formulas: with mistakes first, larger ones first."""
    groups = _groups([row for row in rows if row.signature], lambda row: row.signature)
    found = [
        Alike(
            group,
            len({row.sha256 for row in group}) == 1,
            sum(not mistake.is_mild for mistake in group[0].mistakes),
        )
        for group in groups
    ]
    return sorted(found, key=lambda one: (not one.mistakes, -len(one.rows)))


def _groups(rows: Sequence[Row], key: Callable[[Row], str]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _headline(count: int, counts: dict[Verdict, int]) -> str:
    failed, passed = counts[Verdict.FAIL], counts[Verdict.PASS]
    if passed == count:
        return f"{counted(count, 'workbook')}, all right" if count > 1 else "1 workbook, and right"
    of = counted(count, "workbook")
    return f"{failed:,} of {of} ha{'s' if failed == 1 else 've'} mistakes"
