"""``[network]``: layers, activations and loss, and which combinations are refused."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from workbook_tools.notation.layers import Convolution, parse_layers
from workbook_tools.notation.quantities import Naming
from workbook_tools.notation.vocabulary import CROSS_ENTROPY_OUTPUTS, Activation, Loss
from workbook_tools.spec.fields import Count, Table, as_list


def _size_or_words(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Check a number of units; a layer described in words is left to ``parse_layers``."""
    return value if isinstance(value, str) else check(value)


Biases = Literal["none", "fixed", "trained"]
LayerWords = Annotated[Count, WrapValidator(_size_or_words)]  # units, or a layer in words


class Network(Table):
    """``[network]``: layers, activations, loss."""

    layers: Annotated[list[LayerWords], Field(min_length=2)]
    activation: Annotated[list[Activation], BeforeValidator(as_list)] = Field([Activation.SIGMOID])
    loss: Loss = Loss.HALF_SQUARED_ERROR
    biases: Annotated[list[Biases], BeforeValidator(as_list)] = Field(["none"])
    gradients: Literal["expanded", "delta"] | None = None
    gradient_sizes: bool = False  # adds a column for each layer: the norm of its gradient

    @cached_property
    def naming(self) -> Naming:
        """The symbols of its quantities, without biases."""
        return Naming.of_layers(*parse_layers(self.layers))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many units each layer has, inputs first."""
        return self.naming.sizes

    @property
    def activations(self) -> list[Activation]:
        """The activation of each layer that has weights."""
        layers = len(self.naming.weighted_layers)
        return self.activation * layers if len(self.activation) == 1 else self.activation

    def activation_of(self, layer: int) -> Activation:
        """Return the activation of a layer with weights, counted from 1."""
        return self.activations[self.naming.weighted_layers.index(layer)]

    @property
    def bias_kinds(self) -> list[Biases]:
        """The kind of biases of each layer that has weights."""
        layers = len(self.naming.weighted_layers)
        return self.biases * layers if len(self.biases) == 1 else self.biases

    def biases_of(self, layer: int) -> Biases:
        """Return the kind of biases of a layer, counted from 1."""
        weighted = self.naming.weighted_layers
        return self.bias_kinds[weighted.index(layer)] if layer in weighted else "none"

    def has_trained_biases(self, layer: int) -> bool:
        """Whether every iteration updates the biases of a layer."""
        return self.biases_of(layer) == "trained"

    def is_convolution(self, layer: int) -> bool:
        """Whether the units of a layer share the weights of kernels."""
        return isinstance(self.naming.kinds[layer - 1], Convolution)

    @property
    def biased_layers(self) -> list[int]:
        """The layers that have biases, counted from 1."""
        return [layer for layer in self.naming.layers if self.biases_of(layer) != "none"]

    @model_validator(mode="after")
    def _fits_together(self) -> "Network":
        try:
            layers = len(self.naming.weighted_layers)
        except ValueError as error:
            raise ValueError(f"network.layers: {error}") from error
        which = "with weights" if self.naming.on_images else "after the inputs"
        for name, listed in (("activation", self.activations), ("biases", self.bias_kinds)):
            if len(listed) != layers:
                raise ValueError(
                    f"network.{name}: {len(listed)} given, network.layers asks for "
                    f"{layers}; give one for each layer {which}, or one word for all"
                )
        *hidden, output = self.activations
        if Activation.SOFTMAX in hidden:
            raise ValueError(
                "network.activation: softmax on a hidden layer makes its units depend on each "
                "other, which is not supported; use it for the outputs only"
            )
        if output is Activation.SOFTMAX and self.sizes[-1] == 1:
            raise ValueError(
                "network.activation: softmax of a single output is always 1; give two outputs, or "
                "use sigmoid"
            )
        needed = CROSS_ENTROPY_OUTPUTS.get(self.loss)
        if needed and output is not needed:
            raise ValueError(
                f"network.loss: {self.loss} needs {needed} outputs, which are probabilities; "
                f"{output} given: change one or the other"
            )
        if output is Activation.SOFTMAX and not needed:
            raise ValueError(
                f"network.loss: softmax outputs with {self.loss} learn badly, since an output "
                "that is wrong but certain has almost no gradient; use "
                f"{Loss.CATEGORICAL_CROSS_ENTROPY}"
            )
        if self.gradients == "expanded" and self.naming.on_images:
            raise ValueError(
                'network.gradients: "expanded" writes gradients out in full, which gets too long '
                'where many units share a weight; use "delta"'
            )
        if self.gradients == "expanded" and layers > 2:
            raise ValueError(
                'network.gradients: "expanded" writes gradients out in full, which gets longer '
                'with every layer; use "delta" with more than one hidden layer'
            )
        return self
