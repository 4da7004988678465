"""The symbols of a network's quantities: their spelling, order, and how they are read back.

The writer and the checker share these names and nothing else about a network.
A layered network's units, weights and biases are numbered as in textbooks:

- ``i1 i2 …`` inputs, ``t1 t2 …`` targets;
- ``h1 a_h1`` a hidden unit's pre-activation and activation; with several hidden layers
  ``h2_1`` is unit 1 of hidden layer 2; ``o1 a_o1`` the same for an output unit;
- ``w1 w2 …`` weights, layer by layer, unit by unit, in the order of the units they come from;
- ``b1 b2 …`` biases, one for each unit, or one for each layer, shared by its units; a layer can
  also have none;
- a unit of a pooling layer has ``a_h2_1``, the value of its window, and no pre-activation; its
  ``δ_h2_1`` is ∂E/∂a_h2_1; all units of a convolution's channel share its weights and its bias;
- ``max_o e_o1`` for softmax outputs: the largest pre-activation, and e^(o1 − max_o);
- ``E1 E2 … E_tot`` the loss of each output and their sum;
- ``δ_h1 δ_o1`` the gradients ∂E/∂h1, ∂E/∂o1; ``∂E/∂w1 ∂E/∂b1`` those of parameters;
- ``m_w1 v_w1`` an optimizer's state for a parameter, from its gradients and from their squares;
- ``g_1 g_2 …`` the norm of the gradient of all parameters of a layer;
- ``iteration`` its number, from 1; ``η`` the learning rate, ``η_k`` that of the iteration;
- ``sample`` the number of a sample, from 1; ``correct`` 1 if it is classified correctly, else 0;
- ``E_mean`` or ``E_sum`` the loss over an iteration's samples, ``accuracy`` the fraction of them
  that is classified correctly;
- ``x1 x2 …`` measurements before standardisation, ``class`` the class of a sample.

The settings of a training are ``μ α β1 β2 ε λ`` (of the optimizers), ``γ span`` (of a schedule)
and ``N``, the number of samples.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Literal, Self

from workbook_tools.notation.layers import Convolution, Images, Layer, Pooled, Pooling, dense_layers

LEARNING_RATE = "η"
TOTAL_LOSS = "E_tot"
ITERATION = "iteration"
ITERATION_RATE = "η_k"
LARGEST_OUTPUT = "max_o"
SAMPLE = "sample"
CORRECT = "correct"
ACCURACY = "accuracy"
MEAN_LOSS, SUMMED_LOSS = "E_mean", "E_sum"
CLASS = "class"
MEAN, DEVIATION = "mean", "deviation"  # of a measurement, beside the table of samples
SAMPLE_COUNT = "N"
SETTINGS = ("μ", "α", "β1", "β2", "ε", "λ", "γ", "span", SAMPLE_COUNT)
WORDS = ("layers", "activation", "loss", "biases", "gradients", "optimizer", "schedule")
NO_BIAS, SHARED_BIAS, OWN_BIASES = "none", "shared", "own"  # the words for a layer's biases
# The words for gradients over samples.
AVERAGED: Literal["averaged"] = "averaged"
SUMMED: Literal["summed"] = "summed"


def gradient_symbol(parameter: str) -> str:
    """Return the symbol of a parameter's gradient: ``∂E/∂w1`` for ``w1``."""
    return f"∂E/∂{parameter}"


def delta_symbol(pre_activation: str) -> str:
    """Return the symbol of a pre-activation's gradient: ``δ_h1`` for ``h1``."""
    return f"δ_{pre_activation}"


def exponential_symbol(pre_activation: str) -> str:
    """Return the symbol of a softmax output's exponential: ``e_o1`` for ``o1``."""
    return f"e_{pre_activation}"


def size_symbol(layer: int) -> str:
    """Return the symbol of the norm of a layer's gradient: ``g_1``."""
    return f"g_{layer}"


def state_symbol(letter: str, parameter: str) -> str:
    """Return the symbol of an optimizer's state: ``m_w1`` for m of ``w1``."""
    return f"{letter}_{parameter}"


@dataclass(frozen=True)
class Naming:
    """The symbols of one layered network, by layer (1 is the first after the inputs)."""

    sizes: tuple[int, ...]  # units per layer, inputs first
    bias_sizes: tuple[int, ...] = ()  # of each layer: 0, 1 (shared by its units), or one per unit
    order: tuple[str, ...] = ()  # of the weights, by unit and source, if it is not the usual one
    own_biases: tuple[tuple[str, ...], ...] = ()  # of each layer's units, if not the usual ones
    on_images: tuple[Layer, ...] = ()  # all layers after the inputs, if some read images

    @property
    def layers(self) -> range:
        """The layers that compute something: 1 … number of weight layers."""
        return range(1, len(self.sizes))

    @property
    def network(self) -> str:
        """The sizes as one word: ``2-2-2``."""
        return "-".join(map(str, self.sizes))

    @cached_property
    def kinds(self) -> tuple[Layer, ...]:
        """The layers after the inputs, which know what their units read."""
        return self.on_images or dense_layers(self.sizes)

    @property
    def input_images(self) -> Images | None:
        """The inputs as images; None if they are not images."""
        first = self.kinds[0]
        return first.before if isinstance(first, Convolution | Pooling) else None

    @cached_property
    def images(self) -> list[Images | None]:
        """Each layer's units as images, the inputs first; None where they are not images."""
        return [self.input_images, *(kind.images for kind in self.kinds)]

    def pooled(self, layer: int) -> Pooled | None:
        """Return what a pooling layer computes from its windows; None for a layer with weights."""
        return self.kinds[layer - 1].pooled

    @property
    def weighted_layers(self) -> list[int]:
        """The layers that have weights, and so pre-activations and an activation function."""
        return [layer for layer in self.layers if not self.pooled(layer)]

    def layer_name(self, layer: int) -> str:
        """Return what people call a layer: ``hidden layer 1``, ``convolution``, ``outputs``."""
        if layer == len(self.sizes) - 1:
            return "output layer"
        if kind := self.pooled(layer):
            alike = [other for other in self.layers if self.pooled(other) is kind]
            return _numbered(f"{kind} pooling", layer, alike)
        if isinstance(self.kinds[layer - 1], Convolution):
            alike = [k for k in self.layers if isinstance(self.kinds[k - 1], Convolution)]
            return _numbered("convolution", layer, alike)
        return "hidden layer" if len(self.sizes) == 3 else f"hidden layer {layer}"

    @cached_property
    def inputs(self) -> list[str]:
        """The inputs ``i1 i2 …`` by name."""
        return [f"i{k}" for k in range(1, self.sizes[0] + 1)]

    @cached_property
    def targets(self) -> list[str]:
        """The targets ``t1 t2 …`` by name."""
        return [f"t{k}" for k in range(1, self.sizes[-1] + 1)]

    @cached_property
    def losses(self) -> list[str]:
        """``E1 E2 …``: each output's part of the loss."""
        return [f"E{k}" for k in range(1, self.sizes[-1] + 1)]

    def pre_activations(self, layer: int) -> list[str]:
        """Return ``h1 h2 …`` (``h1_1`` with several hidden layers), or ``o1 o2 …``."""
        if layer == len(self.sizes) - 1:
            stem = "o"
        elif len(self.sizes) == 3:
            stem = "h"
        else:
            stem = f"h{layer}_"
        return [f"{stem}{k}" for k in range(1, self.sizes[layer] + 1)]

    def activations(self, layer: int) -> list[str]:
        """Return ``a_h1 a_h2 …``, ``a_o1 a_o2 …``; for layer 0 the inputs."""
        if layer == 0:
            return self.inputs
        return [f"a_{symbol}" for symbol in self.pre_activations(layer)]

    def units(self, layer: int) -> list[str]:
        """Return the symbols of what the units of a layer compute first.

        These are pre-activations; for a pooling layer, activations.
        """
        return self.activations(layer) if self.pooled(layer) else self.pre_activations(layer)

    def sources(self, layer: int) -> list[list[str]]:
        """Return what each unit of a layer reads, in the order of its weights."""
        before, kind = self.activations(layer - 1), self.kinds[layer - 1]
        return [[before[k] for k in kind.reads(unit)] for unit in range(kind.size)]

    def weights(self, layer: int) -> list[list[str]]:
        """Return the weights into a layer, ``[unit][source]``; units may share them."""
        begin, kind = self._first_weights[layer - 1], self.kinds[layer - 1]
        order = self.order or self.all_weights
        numbers = [kind.weight_numbers(unit) for unit in range(kind.size)]
        return [[order[begin + k] for k in own] for own in numbers]

    def connections(self, layer: int) -> Iterator[tuple[int, str, str]]:
        """Yield each unit of a layer, from 0, with its weights and what they multiply."""
        pairs = zip(self.weights(layer), self.sources(layer), strict=True)
        for unit, (weights, sources) in enumerate(pairs):
            for weight, source in zip(weights, sources, strict=True):
                yield unit, weight, source

    @cached_property
    def _first_weights(self) -> list[int]:
        """The number, from 0, of each layer's first weight."""
        return list(accumulate((kind.weight_count for kind in self.kinds), initial=0))

    def biases(self, layer: int) -> list[str]:
        """Return the bias of each unit of a layer; units that share one repeat it."""
        if self.own_biases:
            return list(self.own_biases[layer - 1])
        if not self.bias_sizes or not self.bias_sizes[layer - 1]:
            return []
        before, kind = sum(self.bias_sizes[: layer - 1]), self.kinds[layer - 1]
        if self.bias_sizes[layer - 1] == 1:
            return [f"b{before + 1}"] * kind.size
        return [f"b{before + kind.bias_number(unit) + 1}" for unit in range(kind.size)]

    def parameters(self, layer: int) -> list[str]:
        """Return the layer's weights, then its biases, each once."""
        weights = [symbol for row in self.weights(layer) for symbol in row]
        return list(dict.fromkeys(weights + self.biases(layer)))

    @cached_property
    def all_weights(self) -> list[str]:
        """Every weight of the network, ``w1 w2 …``."""
        return [f"w{k}" for k in range(1, self.weight_count + 1)]

    @property
    def all_biases(self) -> list[str]:
        """Every bias of the network, ``b1 b2 …``."""
        if self.own_biases:
            return list(dict.fromkeys(bias for layer in self.own_biases for bias in layer))
        return [f"b{k}" for k in range(1, self.bias_count + 1)]

    @property
    def weight_count(self) -> int:
        """How many weights the whole network has."""
        return sum(kind.weight_count for kind in self.kinds)

    @property
    def bias_count(self) -> int:
        """How many biases the whole network has."""
        return sum(self.bias_sizes)

    @classmethod
    def of_layers(cls, inputs: int, kinds: tuple[Layer, ...]) -> Self:
        """Return the network of these layers, without biases."""
        sizes = (inputs, *(kind.size for kind in kinds))
        return cls(sizes, on_images=() if kinds == dense_layers(sizes) else kinds)

    def with_biases(self, count: int, having: Collection[int] = ()) -> Self:
        """Return the same network with ``count`` biases: one for each layer or each unit.

        (Or one for each channel of a convolution.) ``having`` are the layers that have biases, by
        default all. Raises ``ValueError`` if the count fits neither.
        """
        own = tuple(
            kind.bias_count if not having or layer in having else 0
            for layer, kind in enumerate(self.kinds, start=1)
        )
        shared = tuple(min(size, 1) for size in own)
        for bias_sizes in (shared, own):
            if count == sum(bias_sizes):
                return replace(self, bias_sizes=bias_sizes)
        if not count and not having:
            return self
        each = "each unit" + (", or channel of a convolution" if self.on_images else "")
        raise ValueError(f"{sum(shared)} (one for each layer) or {sum(own)} (one for {each})")

    @classmethod
    def from_symbols(
        cls,
        symbols: Collection[str],
        biases: Sequence[str] = (),
        said: Self | None = None,
    ) -> Self | None:
        """Infer the network whose quantities these are; None if some of a network are missing.

        The sizes are counted from the inputs and the hidden and output pre-activations, unless the
        layers are ``said``. All weights and biases of that network must then be there. ``biases``
        gives, in words, the kind of biases of each layer with weights. Without it, all layers have
        the same kind, or none if the number of biases fits no kind.
        """
        bare = said or cls._of_sizes(symbols)
        # A few labels can describe an enormous network; its symbols must not be listed.
        if bare is None or sum(bare.sizes) + bare.weight_count > len(symbols):
            return None
        count = sum(bool(re.fullmatch(r"b\d+", symbol)) for symbol in symbols)
        own = {NO_BIAS: 0, SHARED_BIAS: 1}
        try:
            if biases:
                counts = dict.fromkeys(bare.layers, 0)
                for layer, word in zip(bare.weighted_layers, biases, strict=True):
                    counts[layer] = own.get(word, bare.kinds[layer - 1].bias_count)
                naming = replace(bare, bias_sizes=tuple(counts.values()))
            else:
                naming = bare.with_biases(count)
        except ValueError:
            if biases:
                return None
            naming = bare
        expected = {*naming.inputs, *naming.targets, *naming.all_weights, *naming.all_biases}
        for layer in naming.layers:
            expected |= {*naming.units(layer)}
        fits = not biases or naming.bias_count == count
        return naming if fits and expected <= set(symbols) else None

    @classmethod
    def _of_sizes(cls, symbols: Collection[str]) -> Self | None:
        """Return the network, without biases, that has these inputs and pre-activations."""
        hidden: dict[int, int] = {}
        counts = {"i": 0, "o": 0}
        for symbol in symbols:
            if match := re.fullmatch(r"([io])(\d+)", symbol):
                counts[match[1]] += 1
            elif match := re.fullmatch(r"h(?:(\d+)_)?(\d+)", symbol):
                layer = int(match[1] or 1)
                hidden[layer] = hidden.get(layer, 0) + 1
        if not counts["i"] or not counts["o"] or sorted(hidden) != list(range(1, len(hidden) + 1)):
            return None
        return cls((counts["i"], *(hidden[layer] for layer in sorted(hidden)), counts["o"]))


def _numbered(name: str, layer: int, alike: Sequence[int]) -> str:
    """Return a layer's name, with a number if there are several of its kind."""
    return name if len(alike) == 1 else f"{name} {alike.index(layer) + 1}"
