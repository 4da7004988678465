"""Describes a model: its loss, parameters, gradients and updates, with a verdict on each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from workbook_tools.judging.findings import Finding
from workbook_tools.judging.report import Learned, ModelReport
from workbook_tools.learning.ranges import by_sheet, ranges
from workbook_tools.learning.verdicts import Judged, Verdict
from workbook_tools.notation.addresses import Cell, sheet_prefix

NOT_CHECKED = "not checked"
NO_LOSS = "no loss in the sheet explains it"
_OF_ONE_SAMPLE = "the derivative of the loss of one sample"
_UNSEEN = "its derivative is 0 on the random numbers that were tried"
_VERDICTS = {
    Verdict.RIGHT: ("right", ""),
    Verdict.THROUGH: ("right", "calculated from the derivative in several steps"),
    Verdict.WRONG: ("wrong", "it adds something else than a multiple of the derivative"),
    Verdict.LATENT: ("latent", "it reads the derivative by another parameter, which is equal now"),
    Verdict.UNKNOWN: (NOT_CHECKED, NO_LOSS),
    Verdict.UNSEEN: (NOT_CHECKED, _UNSEEN),
}
_Key = tuple[str, float | None, str, str, int]


def described(result: Judged, findings: Sequence[Finding]) -> ModelReport:
    """Return the report of a model."""
    model, space = result.model, result.model.space
    losses = [space.layout.cell(place) for place in model.losses.tolist()]
    used = model.candidate.upstream & space.is_parameter
    parameters = [space.layout.cell(place) for place in np.flatnonzero(used).tolist()]
    assumed = model.candidate.assumed
    return ModelReport(
        losses=[] if assumed else [*_named(losses)],
        assumed_loss=assumed,
        parameters=[*_named(parameters)],
        claims=[*_claims(result)],
        updates=[*_updates(result)],
        findings=[*findings],
    )


def _named(cells: Iterable[Cell]) -> Iterator[tuple[str, str]]:
    for sheet, own in by_sheet(cells).items():
        yield sheet, ranges(own)


def _claims(result: Judged) -> Iterator[Learned]:
    """Yield the cells that are derivatives by parameters, or should be; those alike together."""
    space = result.model.space
    groups: dict[_Key, list[tuple[int, int | None]]] = defaultdict(list)
    should_be = {one.cell: one.parameter for one in result.culprits.values() if one.is_gradient}
    shown = space.gradients
    of_one = {*_of_one_sample(result)}
    for cell in sorted({*result.claims.by_parameter, *result.wrong, *of_one}):
        shape = int(space.shape_at[cell])
        sheet = space.layout.cell(cell)[0]
        if cell in result.wrong:
            key: _Key = sheet, None, "wrong", "it is not what its updates need", shape
            groups[key].append((cell, should_be.get(cell)))
        elif cell in of_one:
            groups[sheet, None, "right", _OF_ONE_SAMPLE, shape].append((cell, shown[cell]))
        else:
            own_claims = result.claims.by_parameter[cell]
            claim = next((one for one in own_claims if one.by == shown.get(cell)), own_claims[0])
            if cell not in shown and claim.by in shown.values():
                continue  # it is like the derivative because a slope or an input is 0
            groups[sheet, float(f"{claim.factor:.6g}"), "right", "", shape].append((cell, claim.by))
    for (sheet, factor, verdict, why, _), own in groups.items():
        cells = [space.layout.cell(cell) for cell, _ in own]
        what = _derivative(result, own)
        yield Learned(sheet, ranges(cells), len(cells), what, factor, verdict, why)


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
    for k, verdict in enumerate(result.verdicts):
        cell, parameter = int(model.updates.cells[k]), int(model.updates.parameters[k])
        if verdict is Verdict.NONE or space.shows(cell) is not None:
            continue
        factor = float(f"{model.factors[k]:.6g}") if np.isfinite(model.factors[k]) else None
        word, why = _VERDICTS[verdict]
        sheet = space.layout.cell(cell)[0]
        groups[sheet, factor, word, why, int(model.updates.groups[k])].append((cell, parameter))
    for (sheet, factor, word, why, _), own in groups.items():
        cells = [space.layout.cell(cell) for cell, _ in own]
        first = [parameter for _, parameter in _first_ones(result, own) if parameter is not None]
        yield Learned(sheet, ranges(cells), len(cells), _range_of(result, first), factor, word, why)


def _derivative(result: Judged, own: Sequence[tuple[int, int | None]]) -> str:
    """Return what the first of some cells are: ``∂Sheet1!Q5/∂Sheet1!K5:M5``."""
    by = [parameter for _, parameter in _first_ones(result, own) if parameter is not None]
    return f"∂{loss_of(result, by[0])}/∂{_range_of(result, by)}" if by else ""


def _first_ones(
    result: Judged, own: Sequence[tuple[int, int | None]]
) -> list[tuple[int, int | None]]:
    """Return the first of some cells, and those in its row."""
    layout = result.model.space.layout
    first = layout.cell(own[0][0])
    return [one for one in own if layout.cell(one[0])[1] == first[1]]


def loss_of(result: Judged, parameter: int) -> str:
    """Return what the loss is called that depends on a parameter: its cells, or E."""
    model, space = result.model, result.model.space
    if model.candidate.assumed:
        return "E"
    down = space.flow.downstream(np.array([parameter]))
    return _range_of(result, model.losses[down[model.losses]].tolist())


def _range_of(result: Judged, places: Sequence[int]) -> str:
    cells = [result.model.space.layout.cell(place) for place in places]
    return ", ".join(sheet_prefix(sheet) + ranges(own) for sheet, own in by_sheet(cells).items())
