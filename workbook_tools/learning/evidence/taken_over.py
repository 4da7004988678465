"""Finds formulas that take over the momentum of another parameter, or of another step."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import count

from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.faults import Fault, Kind, Suggestion
from workbook_tools.judging.findings import Finding
from workbook_tools.learning.evidence.at_rest import TakenOver
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.moved import moved
from workbook_tools.notation.addresses import cell_name

_MOST = 0.75  # of the formulas that are alike read the cell that is meant


def wrongly_taken_over(result: Judged, taken_over: Sequence[TakenOver]) -> list[Finding]:
    """Return what is wrong in what a model takes over; its updates become wrong, too."""
    alike: dict[tuple[str, int], list[TakenOver]] = defaultdict(list)
    numbers: dict[int, count[int]] = defaultdict(count)
    for one in taken_over:
        kind = "" if _updates(result, one) else one.node.shape.text  # what updates add is alike
        alike[kind, next(numbers[id(one.node)])].append(one)
    found = []
    for own in alike.values():
        moves = Counter(one.move for one in own for _ in one.node.run.rows)
        # If there is no majority, each formula goes on with what it gave before.
        usual = max(moves, key=lambda move: (moves[move], 0 in move[1:]))
        is_clear = _MOST * moves.total() <= moves[usual] or (
            2 * moves[usual] >= moves.total() and 0 in usual[1:]
        )
        columns: dict[object, set[int]] = defaultdict(set)
        rows: dict[object, set[int]] = defaultdict(set)
        for one in own:
            columns[one.move].add(one.node.column)
            rows[one.move].update(one.node.run.rows)
        places = []
        for one in own if is_clear else ():
            # What is so in several columns and rows is how epochs are laid out, for example.
            is_line = 1 in (len(columns[one.move]), len(rows[one.move]))
            if one.move != usual and is_line and (parameter := _updated_by(result, one)):
                places.append(_fault(one, usual[1:], parameter))
        if places:
            found.append(Finding(tuple(places)))
    return found


def _updates(result: Judged, one: TakenOver) -> list[int]:
    """Return the numbers of the updates that read a formula, or are it."""
    return result.updates_by(result.model.space.whole.places_of(one.node))


def _updated_by(result: Judged, odd: TakenOver) -> str | None:
    """Return the name of the parameter that a formula is for, and call its updates wrong."""
    space, own = result.model.space, result.model.updates
    updates = _updates(result, odd)
    for k in updates:
        result.verdicts[k] = Verdict.WRONG
    return cell_name(*space.layout.cell(int(own.parameters[updates[0]]))[1:]) if updates else None


def _fault(odd: TakenOver, usual: tuple[int, int], parameter: str) -> Fault:
    run, column = odd.node.run, odd.node.column
    formulas: dict[int, str] = {}
    for row in run.rows:
        read = moved(odd.text, row - odd.row, 0)
        meant = cell_name(row + usual[0], column + usual[1])
        pattern = rf"(?<![\w.!$:]){re.escape(read or '')}(?![\w.(:])"
        formulas[row] = re.sub(pattern, meant, run.formula.at(row))
    row = run.first_row
    read = moved(odd.text, row - odd.row, 0)
    return Fault(
        kind=Kind.WRONG_UPDATE, quantity=parameter, sheet=odd.node.sheet, column=column,
        rows=tuple(run.rows), formula=run.formula.at(row), value=None, expected=None,
        max_rel_error=None,
        message=f"{cell_name(row, column)}, for the update of {parameter}, takes over {read} from "
        f"the step before, where the formulas like it would take over "
        f"{cell_name(row + usual[0], column + usual[1])}.",
        suggestion=Suggestion(
            formulas, change_in_words(run.formula.at(row), formulas[row], len(run.rows) > 1),
            None, 0, 0,
        ),
    )  # fmt: skip
