"""Describes a model: its loss, parameters, gradients and updates, with a verdict on each."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from workbook_tools.differentiation.proportional import rounded
from workbook_tools.judging.faults import Kind
from workbook_tools.judging.findings import Finding
from workbook_tools.judging.report import Learned, ModelReport
from workbook_tools.learning.judging.claims import Claim
from workbook_tools.learning.judging.differences import Difference, differences
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.ranges import ranges_of
from workbook_tools.notation.addresses import sheet_prefix

NOT_CHECKED = "not checked"
NO_LOSS = "no loss in the sheet explains it"
_OF_ONE_SAMPLE = "the derivative of the loss of one sample"
_NOT_NEEDED = "it is not what its updates need"
_NOT_SHOWN = "it is no multiple of this derivative"
_RIGHT_AT_PRESENT = "it is the derivative only with the numbers on the sheet"
_ODD = "it has another formula than the cells like it"
_NOT_COMPARED = "calculated from the derivative, but for no other parameter in the same way"
_UNSEEN = "its derivative is 0 on the random numbers that were tried"
_VERDICTS = {
    Verdict.RIGHT: ("right", ""),
    Verdict.THROUGH: (NOT_CHECKED, _NOT_COMPARED),
    Verdict.ALIKE: ("right", "calculated from the derivative as the other updates are"),
    Verdict.WRONG: ("wrong", "it adds something else than a multiple of the derivative"),
    Verdict.LATENT: ("latent", "it reads the derivative by another parameter, which is equal now"),
    Verdict.UNKNOWN: (NOT_CHECKED, NO_LOSS),
    Verdict.UNSEEN: (NOT_CHECKED, _UNSEEN),
}
_Key = tuple[int, float | None, str, str, int]


def described(result: Judged, findings: Sequence[Finding]) -> ModelReport:
    """Return the report of a model."""
    model, space = result.model, result.model.space
    used = model.candidate.upstream & space.is_parameter
    assumed = model.candidate.assumed
    return ModelReport(
        losses=[] if assumed else [*ranges_of(model.losses, space.layout)],
        assumed_loss=assumed,
        parameters=[*ranges_of(np.flatnonzero(used), space.layout)],
        claims=[*_claims(result, _latent(result, findings))],
        updates=[*_updates(result), *(_updates(result.indirect) if result.indirect else ())],
        findings=[*findings],
        helpers=[*_helpers(result)],
    )


def _latent(result: Judged, findings: Sequence[Finding]) -> set[int]:
    """Return the cells that are wrong, but right with the numbers on the sheet."""
    layout = result.model.space.layout
    places = [p for one in findings for p in one.places if p.kind is Kind.LATENT]
    return {layout.place_of((p.sheet, row, p.column)) for p in places for row in p.rows}


def _claims(result: Judged, latent: set[int]) -> Iterator[Learned]:
    """Yield the cells that are derivatives by parameters, or should be; those alike together.

    Some of those that are wrong are ``latent``.
    """
    space = result.model.space
    groups: dict[_Key, list[tuple[int, int | None]]] = defaultdict(list)
    should_be = {one.cell: one.parameter for one in result.culprits.values() if one.is_gradient}
    shown = space.gradients
    of_one = {*_of_one_sample(result)}
    of_others = {*shown.values()}
    right: list[tuple[int, int, int, Claim]] = []
    every = np.array(sorted({*result.claims.by_parameter, *result.wrong, *of_one}), dtype=np.int64)
    sheets, _, _ = space.layout.cells(every)
    parts = (part.tolist() for part in (every, sheets, space.shape_at[every]))
    for cell, sheet, shape in zip(*parts, strict=True):
        word = "latent" if cell in latent else "wrong"
        if cell in result.odd:
            groups[sheet, None, word, _ODD, shape].append((cell, result.odd[cell]))
        elif cell in result.wrong:
            why = _NOT_SHOWN if cell in shown and cell in should_be else _NOT_NEEDED
            why = _RIGHT_AT_PRESENT if cell in latent else why
            key: _Key = sheet, None, word, why, shape
            groups[key].append((cell, should_be.get(cell)))
        elif cell in of_one:
            groups[sheet, None, "right", _OF_ONE_SAMPLE, shape].append((cell, shown[cell]))
        else:
            own_claims = result.claims.by_parameter[cell]
            claim = next((one for one in own_claims if one.by == shown.get(cell)), own_claims[0])
            if cell not in shown and claim.by in of_others:
                continue  # it is like the derivative because a slope or an input is 0
            right.append((sheet, shape, cell, claim))
    factors = rounded(np.array([claim.factor for *_, claim in right])).tolist()
    for (sheet, shape, cell, claim), factor in zip(right, factors, strict=True):
        groups[sheet, factor, "right", "", shape].append((cell, claim.by))
    near: dict[tuple[int, int], list[Difference]] = defaultdict(list)
    for one in differences(result):
        sheet = int(space.layout.cells(np.array([one.cell]))[0][0])
        near[sheet, int(space.shape_at[one.cell])].append(one)
    for (sheet, shape), alike in near.items():
        off = max(one.off for one in alike)
        key = sheet, None, "estimated", f"by differences, off by up to {off:.1%}", shape
        groups[key] += [(one.cell, one.parameter) for one in alike]
    for (_, factor, verdict, why, _), own in groups.items():
        cells, first = _cells(result, own)
        what = ""
        if first:  # of a copy of a parameter, the loss is that of the parameter
            origin = int(space.reads.origin[first[0]])
            what = f"∂{loss_of(result, origin)}/∂{_range_of(result, first)}"
        yield Learned(*cells, len(own), what, factor, verdict, why)


def _helpers(result: Judged) -> Iterator[Learned]:
    """Yield the cells from which gradients are calculated, and what they are; alike ones together.

    They are derivatives by other cells than parameters, or the part of one by way of another cell.
    """
    space, known = result.model.space, result.claims.by_parameter.keys() | result.wrong
    every: dict[int, Claim] = {}
    for cell, own in result.claims.others.items():
        if space.needed[cell] and cell not in known and cell not in space.gradients:
            every[cell] = min(own, key=lambda claim: (claim.through >= 0, claim.factor < 0))
    cells = np.array([*every], dtype=np.int64)
    sheets, _, _ = space.layout.cells(cells)
    factors = rounded(np.array([claim.factor for claim in every.values()]))
    parts = (part.tolist() for part in (sheets, space.shape_at[cells], factors))
    groups: dict[tuple[int, int, float, bool], list[int]] = defaultdict(list)
    for cell, sheet, shape, factor in zip(every, *parts, strict=True):
        groups[sheet, shape, factor, every[cell].through >= 0].append(cell)
    for (_, _, factor, is_part), alike in groups.items():
        cells_of, first = _cells(result, [(cell, every[cell].by) for cell in alike])
        what = f"∂{loss_of(result, first[0])}/∂{_range_of(result, first)}"
        if is_part:
            what += f" by way of {space.name(every[alike[0]].through)}"
        yield Learned(*cells_of, len(alike), what, factor, "right")


def _of_one_sample(result: Judged) -> Iterator[int]:
    """Yield the cells that show the derivative of the loss of one sample only."""
    space, cells = result.model.space, result.model.updates.cells.tolist()
    for update, verdict in zip(cells, result.verdicts, strict=True):
        cell = space.shows(update)
        if cell is not None and verdict is Verdict.RIGHT and cell not in result.claims.by_parameter:
            yield cell


def _updates(result: Judged) -> Iterator[Learned]:
    model, space = result.model, result.model.space
    groups: dict[_Key, list[tuple[int, int | None]]] = defaultdict(list)
    sheets, _, _ = space.layout.cells(model.updates.cells)
    every = model.updates
    columns = every.parameters, every.cells, every.groups, sheets, rounded(model.factors)
    parts = (part.tolist() for part in columns)
    for verdict, parameter, cell, group, sheet, added in zip(result.verdicts, *parts, strict=True):
        if verdict is not Verdict.NONE and space.shows(cell) is None:
            factor = added if math.isfinite(added) else None
            groups[sheet, factor, *_VERDICTS[verdict], group].append((cell, parameter))
    for (_, factor, word, why, _), own in groups.items():
        cells, first = _cells(result, own)
        yield Learned(*cells, len(own), _range_of(result, first), factor, word, why)


def _cells(
    result: Judged, own: Sequence[tuple[int, int | None]]
) -> tuple[tuple[str, str], list[int]]:
    """Return the sheet and the ranges of some cells, and the parameters in the first one's row."""
    layout = result.model.space.layout
    places = np.array([cell for cell, _ in own])
    [cells] = ranges_of(places, layout)
    _, rows, _ = layout.cells(places)
    first = [own[k][1] for k in np.flatnonzero(rows == rows[0]).tolist()]
    return cells, [parameter for parameter in first if parameter is not None]


def loss_of(result: Judged, parameter: int) -> str:
    """Return what the loss is called that depends on a parameter: its cells, or E."""
    model, space = result.model, result.model.space
    if model.candidate.assumed:
        return "E"
    down = space.flow.downstream(np.array([parameter]))
    return _range_of(result, model.losses[down[model.losses]].tolist())


def _range_of(result: Judged, places: Sequence[int]) -> str:
    found = ranges_of(np.array(places, dtype=np.int64), result.model.space.layout)
    return ", ".join(sheet_prefix(sheet) + own for sheet, own in found)
