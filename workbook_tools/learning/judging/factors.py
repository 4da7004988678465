"""Updates and gradients that are another multiple of the derivative than those like them."""

import math
import re
from collections import Counter, defaultdict

import numpy as np

from workbook_tools.differentiation.proportional import most_frequent, rounded
from workbook_tools.learning.judging.misread import is_read_wrong
from workbook_tools.learning.judging.verdicts import Culprit, Judged, Verdict
from workbook_tools.learning.search.models import Model
from workbook_tools.learning.usual import ALIKE, LEAST_ALIKE, usual_in
from workbook_tools.notation.addresses import MAX_COLUMNS
from workbook_tools.program.memory import Indexes

_CLEAR = 1e-5  # relative
LOG = re.compile(r"\bLOG(?:10)?\(", re.IGNORECASE)  # to base 10
_FEW = 4  # updates of a column
_ODD_SIGNS = 0.4  # of the updates have another sign than the others, at most


def find_other_multiples(result: Judged) -> None:
    """Find single gradients that are another multiple of the derivative than their column.

    Of several, or at the beginning or end, a rate that changes in the training may be in them.
    """
    claims, layout = result.claims, result.model.space.layout
    kept = claims.are_by_parameters
    sheets, _, columns = layout.cells(claims.cells[kept])
    lines = [*zip(sheets.tolist(), columns.tolist(), strict=True)]
    multiples = rounded(claims.factors[kept]).tolist()
    usual = usual_in(lines, multiples)
    every: dict[tuple[int, int], set[int]] = defaultdict(set)
    odd: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    cells, by = claims.cells[kept].tolist(), claims.by[kept].tolist()
    for cell, parameter, line, multiple in zip(cells, by, lines, multiples, strict=True):
        every[line].add(cell)
        if usual.get(line, (multiple, 0))[0] != multiple:
            odd[line][cell] = parameter
    single = {
        cell: parameter
        for line, own in odd.items()
        for cell, parameter in own.items()
        if len(own) == 1 and min(every[line]) < cell < max(every[line])
    }
    for cell, parameter in single.items():
        reads_another = not single.keys().isdisjoint(result.model.space.named_by(cell))
        if cell not in result.wrong and not reads_another:
            result.culprits.setdefault(cell, Culprit(cell, parameter))
            result.wrong.add(cell)


def find_other_factors(result: Judged) -> None:
    """Find the updates that go uphill where others go downhill, or by another rate.

    A rate is another one if most updates of the column have one rate, and so does the row. A single
    one is, too, unless the training begins or ends there.
    """
    model, space, cells = result.model, result.model.space, result.model.updates.cells
    right = np.flatnonzero(result.are(Verdict.RIGHT) & np.isfinite(model.factors))
    is_shown = np.array([space.shows(c) is not None for c in cells[right].tolist()], dtype=bool)
    used = right[~is_shown]
    up, down = used[model.factors[used] > 0], used[model.factors[used] < 0]
    odd = min(up, down, key=len).tolist()
    if len(odd) > _ODD_SIGNS * len(right):
        odd = []
    rates = np.abs(rounded(model.factors[right])).tolist()
    lines = lines_of(model)[right].tolist()
    sheets, rows, _ = space.layout.cells(cells[right])
    places = [*zip(sheets.tolist(), rows.tolist(), strict=True)]
    in_row = {*zip(places, rates, strict=True)}
    usual = usual_in(lines, rates)
    for k, line, place, rate in zip(right.tolist(), lines, places, rates, strict=True):
        most, count = usual.get(line, (rate, 0))
        of_line = cells[right][np.array(lines) == line] if rate != most else cells[:0]
        is_single = count == len(of_line) - 1 and of_line.min() < cells[k] < of_line.max()
        if rate != most and ((place, most) in in_row or is_single):
            odd.append(k)
    for k in dict.fromkeys(odd):
        _blame_factor(result, k)


def find_without_rate(result: Judged) -> None:
    """Find the columns of updates that leave out the learning rate, which all others read.

    What others add is smaller by just this number.
    """
    model, space = result.model, result.model.space
    own = np.flatnonzero(result.are(Verdict.RIGHT) & np.isfinite(model.factors))
    own = own[[space.shows(cell) is None for cell in model.updates.cells[own].tolist()]]
    lines = lines_of(model)[own]
    every = {line: own[lines == line] for line in np.unique(lines).tolist()}
    read = {
        line: [
            _numbers_read(model, int(cell)) for cell in model.updates.cells[some[:_FEW]].tolist()
        ]
        for line, some in every.items()
    }
    for line, some in every.items():
        others = [one for other, numbers in read.items() if other != line for one in numbers]
        if not others or not frozenset().union(*read[line]) <= frozenset().union(*others):
            continue  # it has a rate of its own
        for rate in frozenset.intersection(*others).difference(*read[line]):
            value = abs(float(space.stored.numbers[rate, 0]))
            usual = most_frequent(np.abs(model.factors[np.setdiff1d(own, some)]))
            added = value * np.abs(model.factors[some])
            is_it = np.allclose(added, usual, rtol=_CLEAR, atol=0.0)
            if is_it and not np.isclose(value, 1.0, rtol=_CLEAR):
                for k in some.tolist():
                    _blame_factor(result, k)


def find_doubled(result: Judged) -> None:
    """Find the parameters whose gradients are twice the derivative, or half of it, unlike others.

    The loss is shown, and all updates multiply their gradients by the same rate.
    """
    model, space = result.model, result.model.space
    if model.candidate.assumed is not None:
        return
    chains: dict[int, dict[int, tuple[int, float, float]]] = defaultdict(dict)
    kept = np.flatnonzero(result.are(Verdict.RIGHT) & np.isfinite(model.factors))
    number, named = space.named(model.updates.cells[kept])
    shows = result.claims.show(named, model.updates.parameters[kept[number]])
    pairs: dict[int, int] = {}
    for k, cell in zip(kept[number[shows]].tolist(), named[shows].tolist(), strict=True):
        pairs.setdefault(k, cell)
    own = [result.claims.by_parameter[cell] for cell in pairs.values()]
    parameters = model.updates.parameters[[*pairs]].tolist()
    multiples = np.array(
        [
            next(claim.factor for claim in claims if claim.by == parameter)
            for claims, parameter in zip(own, parameters, strict=True)
        ]
    )
    rates = rounded(model.factors[[*pairs]] / multiples).tolist()
    every = zip(pairs.items(), rounded(multiples).tolist(), rates, strict=True)
    for (k, gradient), factor, rate in every:
        cell = int(model.updates.cells[k])
        if space.shows(cell) is None:
            chains[space.first_update(cell)][k] = gradient, factor, rate
    factors = {first: {factor for _, factor, _ in own.values()} for first, own in chains.items()}
    if not factors or any(len(own) != 1 for own in factors.values()):
        return
    counts = Counter(next(iter(own)) for own in factors.values())
    usual = max(counts, key=lambda one: (abs(one) == 1.0, counts[one]))
    odd = {first: own for first, own in chains.items() if factors[first] != {usual}}
    if not odd or 2 * len(odd) > len(chains) or (len(chains) == 2 and abs(usual) != 1.0):
        return
    usual_rates = {
        rate for first, own in chains.items() for _, _, rate in own.values() if first not in odd
    }
    for first, updates in odd.items():
        for k, (gradient, factor, rate) in updates.items():
            ratio = abs(factor / usual)
            logarithm = _by_logarithm(result, gradient, ratio)
            for cell in logarithm:
                result.verdicts[k] = Verdict.WRONG
                culprit = Culprit(cell, int(model.updates.parameters[k]), is_helper=True)
                result.culprits.setdefault(cell, culprit).updates.append(k)
                result.wrong |= {cell, gradient}
            if not logarithm and ratio in (0.5, 2.0) and rate in usual_rates:
                result.verdicts[k] = Verdict.WRONG
                culprit = Culprit(gradient, int(model.updates.parameters[k]))
                result.culprits.setdefault(gradient, culprit).updates.append(k)
                result.wrong.add(gradient)
        blamed = {gradient for gradient, _, _ in updates.values()} & result.culprits.keys()
        shapes = {int(space.shape_at[gradient]) for gradient in blamed}
        for gradient, by in result.claims.by_parameter.items():  # of the last iteration, too
            is_it = space.first_update(by[0].by) == first and space.shape_at[gradient] in shapes
            if is_it:
                result.culprits.setdefault(gradient, Culprit(gradient, by[0].by))
                result.wrong.add(gradient)


def _by_logarithm(result: Judged, gradient: int, ratio: float) -> list[int]:
    """Return the cells with LOG by which a gradient has another factor: to base 10, not natural."""
    model, space = result.model, result.model.space
    if not any(np.isclose(own, math.log(10), rtol=_CLEAR) for own in (ratio, 1 / ratio)):
        return []
    _, read = space.flow.read_by(np.array([gradient]))
    cells = [gradient, *np.unique(read[~model.candidate.upstream[read]]).tolist()]
    return [cell for cell in cells if LOG.search(space.formula(cell) or "")]


def _numbers_read(model: Model, update: int) -> frozenset[int]:
    """Return the numbers that an update reads, itself or by what it names, but not the loss."""
    space, used = model.space, model.candidate.upstream
    _, named = space.named(np.array([update]), copies_too=True)
    steps = [one for one in named.tolist() if space.is_formula[one] and not used[one]]
    read = [*named.tolist(), *(one for step in steps for one in space.named_by(step))]
    return frozenset(c for c in read if space.is_leaf[c] and not (used[c] or space.is_parameter[c]))


def with_odd_factors(result: Judged) -> list[int]:
    """Return gradients that are only shown with another factor than most of their block.

    A whole column may have the sum over samples where others have the average, but not if it is
    nearly the only one.
    """
    model, space = result.model, result.model.space
    multiples = rounded(
        np.where(np.isfinite(model.factors), model.factors, result.of_one_sample)
    ).tolist()
    blocks: dict[tuple[int, bool], dict[int, float]] = defaultdict(dict)
    columns: dict[int, tuple[str, int]] = {}
    for k, update in enumerate(model.updates.cells.tolist() if space.gradients else ()):
        cell = space.shows(update)
        if cell is not None and result.verdicts[k] is Verdict.RIGHT and math.isfinite(multiples[k]):
            is_of_all = bool(result.gradients(k))  # else of one sample
            block = int(model.updates.groups[k]), is_of_all
            blocks[block][k] = multiples[k]
            sheet, _, column = space.layout.cell(cell)
            columns[k] = sheet, column
    sizes = Counter(columns.values())
    odd = []
    for own in blocks.values():
        usual, count = Counter(own.values()).most_common(1)[0]
        usual_columns = {columns[k] for k, factor in own.items() if factor == usual}
        every_column = {columns[k] for k in own}
        is_alone = len(usual_columns) >= max(LEAST_ALIKE, ALIKE * len(every_column))
        lines = Counter((columns[k], factor) for k, factor in own.items() if factor != usual)
        for k, factor in own.items() if 2 * count > len(own) else ():
            size = lines[columns[k], factor]
            is_column = size >= LEAST_ALIKE and size >= ALIKE * sizes[columns[k]]
            may_be_meant = is_column and not is_alone and _is_number_of_samples(factor / usual)
            if factor != usual and not may_be_meant:
                odd.append(k)
    return odd


def _is_number_of_samples(ratio: float) -> bool:
    """Tell whether one gradient may be the sum of what another one is the average of."""
    return any(np.isclose(own, max(round(own), 1), rtol=_CLEAR) for own in (ratio, 1 / ratio))


def _blame_factor(result: Judged, k: int) -> None:
    """Blame an update with another factor than others, or its gradient if that has another one."""
    model = result.model
    cell, parameter = int(model.updates.cells[k]), int(model.updates.parameters[k])
    result.verdicts[k] = Verdict.WRONG
    every = [claims[0].factor for claims in result.claims.by_parameter.values()]
    usual = most_frequent(np.array(every))
    for gradient in result.gradients(k):
        known = [c for c in model.space.named_by(gradient) if c in result.culprits]
        if known:
            result.culprits[known[0]].updates.append(k)
            return
        [claim] = [c for c in result.claims.by_parameter[gradient] if c.by == parameter][:1]
        if not np.isclose(claim.factor, usual, rtol=_CLEAR, atol=0.0):
            culprit = result.culprits.setdefault(gradient, Culprit(gradient, parameter))
            culprit.updates.append(k)
            result.wrong.add(gradient)
            return
    read = next(iter(result.gradients(k)), -1)
    space = model.space
    _, named = space.named(np.array([cell]), copies_too=True)
    for one in named[space.reads.origin[named] == read].tolist():
        if is_read_wrong(result, k, one):
            result.culprits.setdefault(one, Culprit(one, parameter)).updates.append(k)
            result.wrong.add(one)
            return
    result.culprits[cell] = Culprit(cell, parameter, [k], False, read)


def lines_of(model: Model) -> Indexes:
    """Return a number for each update, equal for those that are alike, in one column of a sheet."""
    own, layout = model.updates, model.space.layout
    sheets, _, columns = layout.cells(own.cells)
    return (own.groups * len(layout.sheets) + sheets) * (MAX_COLUMNS + 1) + columns
