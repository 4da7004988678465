"""Updates that are calculated from gradients by way of a state, such as momentum, or Adam."""

import random
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from any_layout import called_wrong, checked
from derivatives import opened
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.formula.translate import Translator
from openpyxl.utils.cell import coordinate_to_tuple

from workbook_tools.notation.addresses import cell_name

MOMENTUM = "{mu}*{m0}+{g}"
MEAN = "{mu}*{m0}+(1-{mu})*{g}"
SQUARES = "{rho}*{v0}+(1-{rho})*{g}^2"
CORRECTED = "{eta}*({m}/(1-{mu}^{t}))/(SQRT({v}/(1-{rho}^{t}))+{eps})"
RULES: dict[str, tuple[dict[str, str], str]] = {  # the states, and the update
    "momentum": ({"m": MOMENTUM}, "{w}-{eta}*{m}"),
    "velocity": ({"m": "{mu}*{m0}-{eta}*{g}"}, "{w}+{m}"),
    "mean": ({"m": MEAN}, "{w}-{eta}*{m}"),
    "Nesterov": ({"m": MOMENTUM}, "{w}-{eta}*({g}+{mu}*{m})"),
    "decay": ({"m": "{mu}*{m0}+({g}+{lam}*{w})"}, "{w}-{eta}*{m}"),
    "Adagrad": ({"v": "{v0}+{g}^2"}, "{w}-{eta}*{g}/(SQRT({v})+{eps})"),
    "RMSProp": ({"v": SQUARES}, "{w}-{eta}*{g}/(SQRT({v})+{eps})"),
    "late": ({"v": SQUARES}, "{w}-{eta}*{g}/(SQRT({v0})+{eps})"),
    "Adam": ({"m": MEAN, "v": SQUARES}, "{w}-{eta}*{m}/(SQRT({v})+{eps})"),
    "AdamW": ({"m": MEAN, "v": SQUARES}, "{w}*(1-{eta}*{lam})-{eta}*{m}/(SQRT({v})+{eps})"),
    "corrected": ({"m": MEAN, "v": SQUARES}, "{w}-" + CORRECTED),
}
CONSTANTS = {"eta": 0.1, "mu": 0.9, "rho": 0.95, "eps": 1e-6, "lam": 0.01}
STEPS = 9
FIRST = 8  # row of the first iteration


class Training(NamedTuple):
    """A linear regression that is trained, an iteration a row."""

    rule: str
    weights: int  # there is a bias, too
    samples: int
    own_rate: bool  # whether the bias has a learning rate of its own
    start: float | None  # of the states; None: the cells are empty
    seed: int


trainings = st.builds(
    Training, st.sampled_from([*RULES]), st.integers(2, 3), st.integers(2, 4), st.booleans(),
    st.sampled_from([None, 0.0, 0.3]), st.integers(0, 1_000),
)  # fmt: skip


def sheet(training: Training) -> tuple[dict[str, object], dict[str, list[str]]]:
    """Return the cells of a training; and its updates and states by parameter, column by column."""
    chance = np.random.default_rng(training.seed)
    count = training.weights + 1
    states, update = RULES[training.rule]
    cells: dict[str, object] = {}
    constants = {}
    for k, (name, value) in enumerate(CONSTANTS.items(), start=1):
        cells[cell_name(1, k)] = value
        constants[name] = f"${cell_name(1, k)[0]}$1"
    cells["G1"] = 0.05
    for i in range(training.samples):  # inputs and targets, a sample a row
        for j in range(count):
            cells[cell_name(2 + i, 1 + j)] = round(float(chance.normal()), 2)

    def at(kind: str, row: int, j: int = 0) -> str:
        kinds = ["t", *["w"] * count, *["y"] * training.samples, "E", *["g"] * count]
        kinds += [letter for letter in states for _ in range(count)]
        return cell_name(row, kinds.index(kind) + 1 + j)

    columns: dict[str, list[str]] = {}
    for step in range(STEPS):
        row = FIRST + step
        cells[at("t", row)] = step + 1
        for j in range(count):
            if not step:
                cells[at("w", row, j)] = round(float(chance.normal()), 2)
                for letter in states if training.start is not None else ():
                    cells[at(letter, row - 1, j)] = training.start
        errors = []
        for i in range(training.samples):
            inputs = [f"${cell_name(2 + i, 1 + j)[0]}${2 + i}" for j in range(count)]
            terms = [f"{at('w', row, j)}*{inputs[j]}" for j in range(count - 1)]
            cells[at("y", row, i)] = f"={'+'.join([*terms, at('w', row, count - 1)])}"
            errors.append((f"({at('y', row, i)}-{inputs[-1]})", inputs))
        squares = "+".join(f"{error}^2" for error, _ in errors)
        cells[at("E", row)] = f"=({squares})/{training.samples}/2"
        for j in range(count):
            is_bias = j == count - 1
            terms = [error if is_bias else f"{error}*{own[j]}" for error, own in errors]
            cells[at("g", row, j)] = f"=({'+'.join(terms)})/{training.samples}"
            names = constants | {"t": f"${at('t', row)}", "w": at("w", row, j)}
            names |= {letter: at(letter, row, j) for letter in "gmv" if letter in {"g", *states}}
            names |= {f"{letter}0": at(letter, row - 1, j) for letter in states}
            if training.own_rate and is_bias:
                names["eta"] = "$G$1"
            for letter, formula in states.items():
                cells[at(letter, row, j)] = f"={formula.format(**names)}"
                columns.setdefault(at(letter, 1, j), []).append(at(letter, row, j))
            cells[at("w", row + 1, j)] = f"={update.format(**names)}"
            columns.setdefault(at("w", 1, j), []).append(at("w", row + 1, j))
    return cells, columns


def changes(formula: str, chance: random.Random) -> list[str]:
    """Return formulas with another operator, constant, sign or number."""
    found = []
    pairs = ("+-", "-+", "*/", ("^2", ""), ("SQRT", "ABS"), ("$B$1", "$C$1"), ("(1-", "(2-"))
    for old, new in pairs:
        places = [match.start() for match in re.finditer(re.escape(old), formula)]
        if places:
            at = chance.choice(places)
            found.append(formula[:at] + new + formula[at + len(old) :])
    return found


@given(trainings)
def test_right_optimizers_pass(
    tmp_path_factory: pytest.TempPathFactory, training: Training
) -> None:
    report = checked(sheet(training)[0], tmp_path_factory.mktemp("right") / "made.xlsx")
    assert report.verdict == "pass", [finding.places[0].message for finding in report.findings]
    counts = [model.count("right") for model in report.models]
    assert sum(updates for _, updates in counts) == STEPS * (training.weights + 1)
    assert sum(gradients for gradients, _ in counts) >= STEPS * (training.weights + 1)


@given(trainings, st.integers(0, 10_000))
def test_a_changed_cell_is_found(
    tmp_path_factory: pytest.TempPathFactory, training: Training, seed: int
) -> None:
    chance = random.Random(seed)
    cells, columns = sheet(training)
    place = chance.choice(columns[chance.choice([*columns])][2:-1])
    changed = cells | {place: chance.choice(changes(str(cells[place]), chance))}
    report = checked(changed, tmp_path_factory.mktemp("cell") / "made.xlsx")
    assert called_wrong(report) == {place}, f"{place} {cells[place]} -> {changed[place]}"
    assert report.verdict == "fail"


@given(trainings, st.integers(0, 10_000))
@example(Training("late", 2, 2, own_rate=False, start=0.0, seed=0), 206)  # typed first states
def test_a_changed_column_is_found(
    tmp_path_factory: pytest.TempPathFactory, training: Training, seed: int
) -> None:
    """Of three parameters or more that have one rate, most are right."""
    chance = random.Random(seed)
    cells, columns = sheet(training._replace(own_rate=False))
    column = columns[chance.choice([*columns])]
    # Another factor from another cell may be a learning rate of its own. And what does not keep its
    # parameter is no update.
    every = changes(str(cells[column[0]]), chance)
    if "*(1-$A$1*$E$1)" in str(cells[column[0]]):
        every = [one for one in every if "*(1-$A$1*$E$1)" in one]
    own = [one for one in every if not re.match(r"=\$B\$1\*.*\+\(1-\$C\$1\)\*", one)]
    formula = chance.choice(own)
    changed = cells | {
        place: Translator(formula, origin=column[0]).translate_formula(place) for place in column
    }
    report = checked(changed, tmp_path_factory.mktemp("column") / "made.xlsx")
    assert called_wrong(report) == {*column}, f"{column[0]} {cells[column[0]]} -> {formula}"


@pytest.mark.parametrize("rule", ["mean", "Adam"])
def test_a_factor_without_a_cell_of_its_own_is_no_rate(rule: str, tmp_path: Path) -> None:
    cells, columns = sheet(Training(rule, 3, 2, own_rate=False, start=None, seed=1))
    column = next(own for own in columns.values() if "(1-$B$1)" in str(cells[own[0]]))
    changed = {place: str(cells[place]).replace("(1-$B$1)", "(2-$B$1)") for place in column}
    report = checked(cells | changed, tmp_path / "made.xlsx")
    assert called_wrong(report) == {*column}


@pytest.mark.parametrize(
    ("rule", "state", "old", "new"),
    [
        ("Adam", "w", "SQRT", "ABS"),
        ("RMSProp", "w", "SQRT", "ABS"),
        ("late", "w", "SQRT", "ABS"),
        ("corrected", "w", "SQRT", "ABS"),
        ("Adam", "v", "^2", ""),
        ("momentum", "m", "+", "+0*"),
        ("Adagrad", "v", "^2", "^4"),
        ("RMSProp", "v", "$C$1*", "0*"),
        ("Nesterov", "w", ")", "^2)"),
    ],
)
@pytest.mark.parametrize("of", [0, 1])
def test_of_two_parameters_that_of_no_known_optimizer_is_wrong(
    rule: str, state: str, old: str, new: str, of: int, tmp_path: Path
) -> None:
    cells, columns = sheet(Training(rule, 1, 3, own_rate=False, start=None, seed=of))
    kinds = ["w", *RULES[rule][0]]
    own = sorted(columns.values(), key=lambda column: column[0][0])
    column = own[2 * kinds.index(state) + of]
    changed = {place: str(cells[place]).replace(old, new, 1) for place in column}
    assert changed != {place: cells[place] for place in column}
    report = checked(cells | changed, tmp_path / "made.xlsx")
    assert called_wrong(report) == {*column}


def test_what_an_update_should_show_is_calculated_from_the_states_that_were_typed(
    tmp_path: Path,
) -> None:
    cells, columns = sheet(Training("Adam", 1, 3, own_rate=False, start=0.3, seed=1))
    own = sorted(columns.values(), key=lambda column: column[0][0])
    for state in own[2:]:  # first states of each kind, and for each parameter
        cells[f"{state[0][0]}{FIRST - 1}"] = 0.1 * (1 + ord(state[0][0]) - ord("A"))
    first = own[0][0]
    right = checked(cells, tmp_path / "right.xlsx")
    assert right.verdict == "pass"
    meant = computed(tmp_path / "right.xlsx", first)
    changed = {place: str(cells[place]).replace("SQRT", "ABS") for place in own[0]}
    report = checked(cells | changed, tmp_path / "wrong.xlsx")
    [place] = [place for finding in report.findings for place in finding.places]
    assert place.expected == pytest.approx(meant, rel=1e-9)
    assert {f"{own[0][0][0]}{row}" for row in place.rows} == {*own[0]}
    assert [*place.put_right.values()] == [cells[cell] for cell in own[0]]


def computed(path: Path, name: str) -> float:
    row, column = coordinate_to_tuple(name)
    found = opened(path, []).values.value(("Sheet", row, column))
    assert isinstance(found, float)
    return found
