"""Writes the formula that a cell should have from scratch, with references into its own table.

It runs the mathematics of the reference (``functions.py``, ``network.py``, ``optimizers.py``) on
cell names instead of numbers. As in ``local.py``, a formula reads what its quantity directly
depends on, including the columns of δ and of softmax if the table has them.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from workbook_tools.formulas.references import MAX_FORMULA_LENGTH, FilledFormula
from workbook_tools.judging.grounds import Grounds
from workbook_tools.mathematics.functions import Softmax, activated, losses, output_delta
from workbook_tools.mathematics.network import delta_below, pre_activation
from workbook_tools.mathematics.optimizers import next_state, step
from workbook_tools.mending.symbols import Symbols, Term
from workbook_tools.notation.addresses import Cell, cell_name, range_name, sheet_prefix
from workbook_tools.notation.quantities import (
    ACCURACY,
    CORRECT,
    ITERATION,
    ITERATION_RATE,
    LARGEST_OUTPUT,
    MEAN_LOSS,
    SAMPLE,
    SUMMED_LOSS,
    TOTAL_LOSS,
    delta_symbol,
    exponential_symbol,
    gradient_symbol,
    size_symbol,
)
from workbook_tools.notation.vocabulary import Activation, Schedule
from workbook_tools.reading.described import FIELDS

_UNKNOWN = "#REF!"  # in place of a cell that the sheet does not have


class RightFormulas:
    """The right formulas of one table, each written on demand."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._written: dict[tuple[int, ...], dict[str, FilledFormula]] = {}

    def at(self, symbol: str, row: int) -> str | None:
        """Return the formula of a quantity in a row; None if it cannot be written."""
        one = _OneRow(self._grounds, row)
        kind = one.neighbours
        if kind not in self._written:
            self._written[kind] = {
                symbol: FilledFormula.parse(f"={term.text}", row)
                for symbol, term in one.formulas().items()
                if _UNKNOWN not in term.text and len(term.text) < MAX_FORMULA_LENGTH
            }
        found = self._written[kind].get(symbol)
        return found.at(row) if found else None


class _OneRow:
    """Writes the formulas of one row."""

    def __init__(self, grounds: Grounds, row: int) -> None:
        self._table, self._reference = grounds.table, grounds.reference
        self._stated, self._samples = grounds.starts, grounds.samples
        self._grounds = grounds
        self._row = row
        table = grounds.table
        place = table.position_of(row)
        begin = place - place % table.block
        self._begin, self._end = (table.row_of(k) for k in (begin, self._last(begin)))
        self._above = table.row_of(place - 1) if place else 0
        self._begin_before = table.row_of(begin - table.block) if begin else 0
        self._found: dict[str, Term] = {}

    def _last(self, begin: int) -> int:
        return min(begin + self._table.block, len(self._table.rows)) - 1

    @property
    def neighbours(self) -> tuple[int, ...]:
        """The distances to the rows that formulas read; if alike, formulas can be filled down."""
        before = self._row - self._begin_before if self._begin_before else 0
        return (self._row - self._begin, self._end - self._row, self._row - self._above, before)

    def formulas(self) -> dict[str, Term]:
        """Return every formula, without its equals sign, by symbol."""
        reference, naming = self._reference, self._reference.naming
        zs = [self._own(naming.units(layer)) for layer in naming.layers]
        outputs = [self._own(naming.activations(layer)) for layer in range(len(naming.sizes))]
        for layer in naming.layers:
            weights, biases = self._parameters(layer)
            windows = reference.network.windows[layer - 1]
            into = pre_activation(weights, biases, outputs[layer - 1], windows)
            self._put(naming.units(layer), into)
            if naming.pooled(layer):
                continue
            activation = reference.network.activations[layer - 1]
            self._put(naming.activations(layer), activated(activation, zs[layer - 1]))
        softmax = self._put_softmax(zs[-1])
        targets, loss = self._own(naming.targets), reference.network.loss
        parts = reference.scale * losses(loss, targets, zs[-1], outputs[-1], softmax)
        self._put(naming.losses, parts)
        if set(naming.losses) <= set(self._table.columns):
            parts = self._own(naming.losses)
        self._put([TOTAL_LOSS], reference.share * parts.sum(axis=-1, keepdims=True))
        if reference.delta_columns:
            self._put_errors(self._own, put_gradients=False)
        if self._row == self._begin:
            self.gradients()
            self._put_results()
            self._put_training()
        self._put_data()
        return self._found

    def gradients(self) -> dict[str, Term]:
        """Return the formulas of the gradients, by symbol."""
        self._put_errors(
            self._own if self._reference.block == 1 else self._of_samples, put_gradients=True
        )
        return self._found

    # Cells

    def _own(self, symbols: list[str]) -> Symbols:
        """Return cells of this row, or of its iteration's first row, (1, 1, symbols)."""
        return Symbols.of([self._cell(symbol) for symbol in symbols], 1, 1, len(symbols))

    def _of_samples(self, symbols: list[str]) -> Symbols:
        """Return the ranges over all samples of the iteration, (1, 1, symbols)."""
        return Symbols.of([self._range(symbol) for symbol in symbols], 1, 1, len(symbols))

    def _before(self, symbols: list[str]) -> Symbols:
        """Return cells of the previous iteration, (1, symbols)."""
        cells = [self._at(symbol, self._begin_before) for symbol in symbols]
        return Symbols.of(cells, 1, len(symbols))

    def _cell(self, symbol: str) -> str:
        return self._at(symbol, self._begin if symbol in self._reference.once else self._row)

    def _at(self, symbol: str, row: int) -> str:
        column = self._table.columns.get(symbol)
        if column is None:
            return self._elsewhere(self._table.single.get(symbol, self._stated.get(symbol)))
        return cell_name(row, column)

    def _range(self, symbol: str) -> str:
        column = self._table.columns.get(symbol)
        if column is None or symbol in self._reference.once:
            return self._cell(symbol)
        return range_name(self._begin, column, self._end, column)

    def _elsewhere(self, cell: Cell | None) -> str:
        if cell is None:
            return _UNKNOWN
        prefix = "" if cell[0] == self._table.sheet.name else sheet_prefix(cell[0])
        return prefix + cell_name(*cell[1:], absolute=True)

    def _rate(self) -> str:
        if self._table.rate_cell is None and not np.isnan(self._table.rate):
            return Term.number(self._table.rate).text
        return self._elsewhere(self._table.rate_cell)

    def _parameters(self, layer: int) -> tuple[Symbols, Any]:
        """Return the weights (1, units, sources) and biases (1, units) of a layer."""
        naming = self._reference.naming
        rows, names = naming.weights(layer), naming.biases(layer)
        flat = [self._cell(weight) for row in rows for weight in row]
        weights = Symbols.of(flat, 1, len(rows), len(rows[0]))
        none = np.zeros((1, len(rows)))
        own = Symbols.of([self._cell(bias) for bias in names], 1, len(names))
        return weights, own if names else none

    # Formulas

    def _put(self, symbols: list[str], found: Symbols) -> None:
        self._found.update(zip(symbols, found.terms.ravel(), strict=True))

    def _put_softmax(self, z: Symbols) -> Softmax | None:
        """Put the steps of softmax if the table has columns for them, and return those columns."""
        naming = self._reference.naming
        names = [exponential_symbol(name) for name in naming.pre_activations(naming.layers[-1])]
        if not {LARGEST_OUTPUT, *names} <= set(self._table.columns):
            return None
        sheet = Softmax(self._own([LARGEST_OUTPUT]), self._own(names))
        self._put([LARGEST_OUTPUT], z.max(axis=-1, keepdims=True))
        self._put(names, np.exp(z - sheet.largest))
        self._put(naming.activations(naming.layers[-1]), sheet.shares)
        return sheet

    def _put_errors(self, get: Any, put_gradients: bool) -> None:
        """Put δ, or with ``put_gradients`` the gradients over all samples.

        ``get`` returns the cells of quantities that every sample has.
        """
        reference, naming = self._reference, self._reference.naming
        network, last = reference.network, naming.layers[-1]
        delta = None
        for layer in reversed(naming.layers):
            z, a = get(naming.units(layer)), get(naming.activations(layer))
            activation = network.activations[layer - 1]
            if layer == last:
                targets = get(naming.targets)
                error = output_delta(network.loss, activation, targets, z, a)
                delta = network.scale * error
            else:
                weights, after = self._parameters(layer + 1)[0], get(naming.activations(layer + 1))
                delta = delta_below(network, layer, weights, delta, z, a, after)
            if reference.delta_columns:
                names = [delta_symbol(name) for name in naming.pre_activations(layer)]
                if not put_gradients:
                    self._put(names, reference.delta_sign * delta)
                delta = reference.delta_sign * get(names)
            if put_gradients:
                self._put_gradients(layer, delta, get(naming.activations(layer - 1)))

    def _put_gradients(self, layer: int, delta: Any, sources: Symbols) -> None:
        reference = self._reference
        own: list[str] = []
        for names, gradients in reference.gradients(layer, delta, sources):
            if reference.block > 1:
                gradients = Symbols.of(
                    [f"SUMPRODUCT({text})" for text in gradients.texts], *gradients.shape
                )
                gradients = gradients / float(reference.block) if reference.averaged else gradients
            self._put(names, gradients)
            own += names
        if not own:
            return
        squares = np.square(self._own(own)).sum(axis=-1)
        self._put([size_symbol(layer)], np.sqrt(squares))

    def _put_results(self) -> None:
        """Put loss and accuracy over the samples of an iteration."""
        self._found[SUMMED_LOSS] = Term(f"SUM({self._range(TOTAL_LOSS)})")
        self._found[MEAN_LOSS] = Term(f"AVERAGE({self._range(TOTAL_LOSS)})")
        self._found[ACCURACY] = Term(f"AVERAGE({self._range(CORRECT)})")

    def _put_training(self) -> None:
        """Put the iteration's number and rate, the optimizer's state, and the parameters."""
        reference, table = self._reference, self._table
        settings = {symbol: cell for symbol, cell in table.settings.items() if symbol in FIELDS}
        cells = {FIELDS[s]: Symbols(Term(self._elsewhere(cell))) for s, cell in settings.items()}
        rule: Any = replace(reference.rule, **cells)  # type: ignore[arg-type]
        is_first = self._begin == table.first_row
        k, rate = self._own([ITERATION]).reshape(1, 1), Symbols(Term(self._rate()))
        if rule.schedule is not Schedule.CONSTANT:
            self._put([ITERATION_RATE], rate * rule.multiplier(k))
        if not is_first:
            k = self._before([ITERATION])
            self._put([ITERATION], k + 1.0)
            if ITERATION_RATE in table.columns:
                rate = self._before([ITERATION_RATE])
        for symbol in reference.trained:
            columns = reference.states(symbol)
            gradient = self._own([gradient_symbol(symbol)]).reshape(1, 1)
            now = self._own([symbol]).reshape(1, 1)
            before = {
                letter: np.zeros((1, 1)) if is_first else self._before([column])
                for letter, column in columns.items()
            }
            for letter, found in next_state(rule, before, now, gradient).items():
                self._put([columns[letter]], found)
            if is_first:
                self._found[symbol] = Term(self._elsewhere(self._stated.get(symbol)))
                continue
            state = {letter: self._before([column]) for letter, column in columns.items()}
            gradient = self._gradient_before(gradient_symbol(symbol))
            self._put([symbol], step(rule, rate, k, self._before([symbol]), gradient, state))

    def _gradient_before(self, symbol: str) -> Symbols:
        """Return the gradient of the previous iteration, written out if it has no column."""
        if symbol in self._table.columns:
            return self._before([symbol])
        found = _OneRow(self._grounds, self._begin_before).gradients()
        return Symbols(found[symbol]).reshape(1, 1)

    def _put_data(self) -> None:
        """Put constants, what is looked up in the data, and which samples are correct."""
        reference, is_first = self._reference, self._begin == self._table.first_row
        for symbol in reference.constants:
            stated = self._elsewhere(self._stated.get(symbol))
            before = self._at(symbol, self._begin_before)
            self._found[symbol] = Term(stated if is_first else before)
        if not reference.looked_up:
            return
        if self._samples:
            count = len(self._samples.rows)
            rows = (self._samples.first_row, self._samples.first_row + count - 1)
            prefix = sheet_prefix(self._samples.sheet.name)
            for symbol in reference.data:
                column = self._samples.columns[symbol]
                first, last = (cell_name(row, column, absolute=True) for row in rows)
                text = f"INDEX({prefix}{first}:{last},{self._cell(SAMPLE)})"
                self._found[symbol] = Term(text)
            following = f"MOD({self._at(SAMPLE, self._above)},{count})+1"
            self._found[SAMPLE] = Term(following if self._above else "1")
        naming = reference.naming
        pairs = zip(naming.targets, naming.activations(naming.layers[-1]), strict=True)
        if reference.network.activations[-1] is Activation.SOFTMAX:
            outputs = ",".join(map(self._cell, naming.activations(naming.layers[-1])))
            told = "+".join(f"{self._cell(t)}*{self._cell(a)}" for t, a in pairs)
            self._found[CORRECT] = Term(f"IF({told}>=MAX({outputs}),1,0)")
        else:
            sides = (f"({self._cell(t)}-0.5)*({self._cell(a)}-0.5)" for t, a in pairs)
            self._found[CORRECT] = Term(f"IF(MIN({','.join(sides)})>0,1,0)")
