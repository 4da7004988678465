"""Judges the updates of a model, and finds the cells in which wrong ones go wrong."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.claims import Claims, claims
from workbook_tools.learning.models import Model
from workbook_tools.learning.proportional import matches
from workbook_tools.program.memory import Indexes

RIGHT, THROUGH, WRONG, UNKNOWN, UNSEEN = "right", "through", "wrong", "unknown", "unseen"
_MOST_LEVELS = 12  # of cells between an update and a gradient


@dataclass
class Judged:
    """What the updates of a model are, and what is wrong in them."""

    model: Model
    claims: Claims
    verdicts: list[str]  # by update
    culprits: dict[int, list[int]] = field(default_factory=dict)  # cells, with their updates


def judged(model: Model) -> Judged:
    """Judge the updates of a model."""
    own = claims(model)
    space = model.space
    right = np.isfinite(model.factors) | model.are_zero
    used = space.flow.upstream(model.losses)
    backward = space.depends & ~used
    verdicts = np.where(right, RIGHT, WRONG).astype(object)
    left = np.flatnonzero(~right)
    before = dict(zip(space.updates.cells.tolist(), space.updates.parameters.tolist(), strict=True))
    for k, found in _gradients(model, own, left, backward).items():
        parameter = at = int(model.updates.parameters[k])
        earlier = set()
        while at in before and at not in earlier:
            earlier.add(at)
            at = before[at]
        earlier.add(at)
        if found and found <= earlier and parameter in found:
            verdicts[k] = THROUGH
        elif parameter in found:
            verdicts[k] = UNKNOWN
    verdicts[(verdicts == WRONG) & ~model.are_clear & (np.abs(model.added).max(axis=1) > 0)] = UNSEEN
    groups = model.updates.groups
    count = int(groups.max(initial=0)) + 1
    direct, through, unknown, wrong = (
        np.bincount(groups, (verdicts == v) & ~model.are_zero, count)[groups]
        for v in (RIGHT, THROUGH, UNKNOWN, WRONG)
    )
    verdicts[(verdicts == THROUGH) & (direct > through + unknown)] = WRONG
    verdicts[(verdicts == UNKNOWN) & (direct + through > unknown + wrong)] = WRONG
    is_read = np.isin(model.updates.cells, space.reads.read)
    is_usual = 2 * np.isin(verdicts, (RIGHT, THROUGH)).sum() > len(verdicts)
    verdicts[(verdicts == WRONG) & (direct + through == 0) & ~(is_usual & is_read)] = UNKNOWN
    verdicts[(verdicts == WRONG) & (unknown > direct + through)] = UNKNOWN
    is_good = np.isin(verdicts, (RIGHT, THROUGH)) & ~model.are_zero
    result = Judged(model, own, verdicts.tolist())
    wrong = np.flatnonzero(verdicts == WRONG)
    if len(wrong):
        cells = model.updates.cells[is_good]
        sure = np.unique(np.concatenate([space.reads.by(cells).read, [*own.by_parameter]]).astype(np.int64))
        is_explained = space.flow.upstream(sure)
        is_explained[own.are()] = True
        suspects = backward & ~is_explained
        suspects[_slopes(model, np.flatnonzero(suspects), used)] = False
        for k in wrong.tolist():
            cell = int(model.updates.cells[k])
            for culprit in _first(model, cell, suspects) or [cell]:
                result.culprits.setdefault(culprit, []).append(k)
    return result


def _slopes(model: Model, cells: Indexes, used: NDArray[np.bool_]) -> Indexes:
    """Return the cells that are the derivative of one formula of the forward half."""
    space = model.space
    seeds = np.repeat((used & space.is_formula & ~space.is_parameter)[:, None], model.memory.draws, 1)
    asked = space.depends | space.is_parameter
    slopes = [values for _, _, values in space.cut.shares(seeds.astype(float), asked, model.memory)]
    if not slopes or not len(cells):
        return cells[:0]
    found = [rows for rows, _, _ in matches(model.memory.numbers[cells], np.concatenate(slopes))]
    return cells[np.concatenate(found)]


def _gradients(
    model: Model, own: Claims, left: Indexes, backward: NDArray[np.bool_]
) -> dict[int, set[int]]:
    """Return for updates by which parameters the nearest derivatives are that they are made of."""
    space = model.space
    found: dict[int, set[int]] = {int(k): set() for k in left}
    if not len(left):
        return found
    is_claim = np.zeros_like(backward)
    is_claim[[*own.by_parameter]] = True
    number = np.full(len(backward), -1)
    reads = space.reads
    order = np.argsort(reads.readers, kind="stable")
    readers, read = reads.readers[order], reads.read[order]
    at = np.stack([left, model.updates.cells[left]])
    for _ in range(_MOST_LEVELS):
        begin = np.searchsorted(readers, at[1])
        counts = np.searchsorted(readers, at[1], side="right") - begin
        first = np.repeat(begin - (np.cumsum(counts) - counts), counts)
        cells = read[first + np.arange(len(first))]
        at = np.unique(np.stack([np.repeat(at[0], counts), cells]), axis=1)
        at = at[:, backward[at[1]] & ~space.is_parameter[at[1]]]
        for k, cell in at[:, is_claim[at[1]]].T.tolist():
            parameter = int(model.updates.parameters[k])
            bys = [claim.by for claim in own.by_parameter[cell]]
            found[k].add(parameter if parameter in bys else bys[0])
        at = at[:, [not found[k] for k in at[0].tolist()]]
        if not at.size:
            break
    del number
    return found


def _first(model: Model, cell: int, suspects: NDArray[np.bool_]) -> list[int]:
    """Return the suspects from which an update is calculated, and that read no other suspect."""
    space = model.space
    reads = defaultdict(list)
    region = {cell}
    waiting = [cell]
    while waiting:
        own = waiting.pop()
        by = space.reads.by(np.array([own]))
        for other in np.unique(by.read).tolist():
            if suspects[other] and not space.is_parameter[other]:
                reads[own].append(other)
                if other not in region:
                    region.add(other)
                    waiting.append(other)
    return [own for own in sorted(region) if not reads[own] and own != cell]
