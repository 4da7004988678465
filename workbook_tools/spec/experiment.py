"""A whole spec: network, data, start and training, and whether they fit together."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from workbook_tools.notation.quantities import SAMPLE_COUNT, Naming
from workbook_tools.notation.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation, Loss
from workbook_tools.spec.data import DataTable
from workbook_tools.spec.fields import Table, Text
from workbook_tools.spec.network import Network
from workbook_tools.spec.start import Start
from workbook_tools.spec.training import Training


class Experiment(Table):
    """A whole, valid spec."""

    title: Annotated[Text, Field(min_length=1, max_length=120)]
    description: Annotated[Text, Field(max_length=600)] = ""
    network: Network
    data: DataTable
    start: Start
    training: Training
    variants: dict[str, "Experiment"] = Field({}, alias="sheet")  # by the sheet's name

    @model_validator(mode="after")
    def _shapes_agree(self) -> "Experiment":
        inputs, asked = len(self.data.inputs[0]), self.network.sizes[0]
        if inputs != asked:
            raise ValueError(
                f"data.inputs: {inputs} values given, network.layers asks for {asked}; "
                "change one or the other"
            )
        targets = self.data.target_rows(self.network.sizes[-1])
        for number, row in enumerate(targets, start=1):
            of = f" sample {number}:" if self.data.is_several else ""
            _probable(f"data.targets:{of}", row, self.network.loss)
        if self.data.is_several and self.network.gradients == "expanded":
            raise ValueError(
                'network.gradients: "expanded" writes out the gradients of one sample, but there '
                'are several; use "delta"'
            )
        if self.training.batch and self.training.batch > self.data.count:
            raise ValueError(
                f"training.batch: {self.training.batch} samples per iteration, but there are only "
                f"{self.data.count}; give at most {self.data.count}"
            )
        self._check_start()
        names = [run.name for run in self.runs]
        repeated = [name for k, name in enumerate(names) if name in names[:k]]
        if repeated:
            raise ValueError(
                f"training.learning_rates: two of them would share the sheet {repeated[0]!r}; "
                "list each rate once"
            )
        return self

    def _check_start(self) -> None:
        weights = self.start.weights
        if weights is not None and len(weights) != self.naming.weight_count:
            raise ValueError(
                f"start.weights: {len(weights)} values given, network.layers asks for "
                f"{self.naming.weight_count}; change one or the other"
            )

    @cached_property
    def naming(self) -> Naming:
        """The symbols of this network's quantities."""
        bare, having = self.network.naming, self.network.biased_layers
        given = self.start.biases
        if not having:
            if given:
                raise ValueError(
                    "start.biases: the network has no biases; remove the list, "
                    'or set network.biases to "fixed" or "trained"'
                )
            return bare
        count = sum(bare.kinds[layer - 1].bias_count for layer in having)
        if given is None and self.start.draw is None:
            given = []
        try:
            return bare.with_biases(count if given is None else len(given), having)
        except ValueError as fitting:
            raise ValueError(
                f"start.biases: {len(given or ())} values given; give {fitting}"
            ) from fitting

    @property
    def trained(self) -> list[str]:
        """The parameters that every iteration updates: weights, then biases."""
        return self.naming.all_weights + [
            bias
            for layer in self.naming.layers
            for bias in dict.fromkeys(self.naming.biases(layer))
            if self.network.has_trained_biases(layer)
        ]

    @property
    def has_delta_columns(self) -> bool:
        """Whether gradients are computed from columns of δ.

        They are if the spec asks for it, with more than one hidden layer, with several samples,
        and where units share weights.
        """
        deep = len(self.network.layers) > 3 or bool(self.naming.on_images)
        return self.network.gradients == "delta" or deep or self.data.is_several

    @property
    def is_classic(self) -> bool:
        """Whether formulas are written as in the classic sheet, which people know."""
        return (
            set(self.network.activations) == {Activation.SIGMOID}
            and self.network.loss is Loss.HALF_SQUARED_ERROR
            and not self.has_delta_columns
        )

    @property
    def batch(self) -> int:
        """How many samples an iteration has, and so how many rows of the sheet."""
        return self.training.batch or self.data.count

    @property
    def tells_classes(self) -> bool:
        """Whether the network classifies, so that each answer is right or wrong."""
        if self.network.activations[-1] not in CROSS_ENTROPY_OUTPUTS.values():
            return False
        rows = self.data.target_rows(self.network.sizes[-1])
        one_hot = self.network.activations[-1] is Activation.SOFTMAX
        return all(set(row) <= {0.0, 1.0} and (not one_hot or sum(row) == 1) for row in rows)

    @property
    def settings(self) -> dict[str, float]:
        """The numbers besides η that a sheet's formulas read, by symbol."""
        count = {SAMPLE_COUNT: self.data.count} if self.data.is_several else {}
        return {**self.training.settings, **count}

    @property
    def initial_values(self) -> dict[str, float]:
        """The weights and biases of iteration 1, by symbol; and the data if it is one sample."""
        naming = self.naming
        symbols: list[str] = []
        values: list[float] = []
        if not self.data.is_several:
            symbols += naming.targets + naming.inputs
            values += self.data.target_rows(naming.sizes[-1])[0] + self.data.inputs[0]
        symbols += naming.all_weights + naming.all_biases
        values += self.start.weights_for(naming)
        values += self.start.biases or [0.0] * naming.bias_count
        return dict(zip(symbols, values, strict=True))

    @cached_property
    def runs(self) -> list["Run"]:
        """The trainings, one sheet each: one for every learning rate, or every ``[[sheet]]``."""
        if self.variants:
            return [
                Run(name, variant, variant.training.learning_rates[0])
                for name, variant in self.variants.items()
            ]
        return [Run(f"LR {r:.15g}", self, r) for r in self.training.learning_rates]


@dataclass(frozen=True)
class Run:
    """One training on a sheet of its own."""

    name: str  # of the sheet
    experiment: Experiment
    rate: float


def _probable(where: str, targets: list[float], loss: Loss) -> None:
    """Refuse targets that are not probabilities if the loss compares probabilities."""
    if loss not in CROSS_ENTROPY_OUTPUTS:
        return
    if not all(0 <= target <= 1 for target in targets):
        raise ValueError(f"{where} {loss} needs targets from 0 to 1; correct the values")
    if loss is Loss.CATEGORICAL_CROSS_ENTROPY and abs(sum(targets) - 1) > 1e-9:
        raise ValueError(
            f"{where} {loss} needs targets that add up to 1, such as one 1 and zeros; "
            f"these add up to {sum(targets):.15g}"
        )
