import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.notation.quantities import Naming, gradient_symbol

CLASSIC = Naming((2, 2, 2))


@st.composite
def namings(draw: st.DrawFn) -> Naming:
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=5)))
    kinds = [sorted({0, 1, size}) for size in sizes[1:]]
    return Naming(sizes, tuple(draw(st.sampled_from(own)) for own in kinds))


def every_symbol(naming: Naming) -> list[str]:
    parameters = [p for layer in naming.layers for p in naming.parameters(layer)]
    units = [z for layer in naming.layers for z in naming.pre_activations(layer)]
    activations = [a for layer in naming.layers for a in naming.activations(layer)]
    gradients = [gradient_symbol(p) for p in parameters]
    return naming.inputs + naming.targets + parameters + units + activations + gradients


def test_the_classic_network_is_numbered_as_in_the_classic_sheet() -> None:
    assert CLASSIC.weights(1) == [["w1", "w2"], ["w3", "w4"]]
    assert CLASSIC.weights(2) == [["w5", "w6"], ["w7", "w8"]]
    assert CLASSIC.activations(1) == ["a_h1", "a_h2"]
    assert CLASSIC.pre_activations(2) == ["o1", "o2"]


def test_several_hidden_layers_number_their_units_by_layer() -> None:
    assert Naming((2, 3, 1, 2)).pre_activations(2) == ["h2_1"]
    assert Naming((2, 3, 1, 2)).activations(1) == ["a_h1_1", "a_h1_2", "a_h1_3"]


def test_a_layer_may_share_one_bias_or_have_one_for_each_unit() -> None:
    assert Naming((2, 2, 2), (1, 1)).biases(1) == ["b1", "b1"]
    assert Naming((2, 2, 2), (2, 2)).biases(2) == ["b3", "b4"]


@given(namings())
def test_the_network_is_inferred_from_its_own_symbols(naming: Naming) -> None:
    words = ["none" if not n else "shared" if n == 1 else "own" for n in naming.bias_sizes]
    assert Naming.from_symbols(every_symbol(naming), words) == naming


@pytest.mark.parametrize("sizes", [(), (1, 1), (2, 3)])
def test_biases_of_one_kind_in_every_layer_need_no_words(sizes: tuple[int, ...]) -> None:
    naming = Naming((2, 2, 3), sizes)
    assert Naming.from_symbols(every_symbol(naming)) == naming


def test_words_that_do_not_fit_the_biases_describe_no_network() -> None:
    naming = Naming((2, 2, 2), (0, 2))
    assert Naming.from_symbols(every_symbol(naming), ["none", "own"]) == naming
    assert Naming.from_symbols(every_symbol(naming), ["own", "own"]) is None
    assert Naming.from_symbols(every_symbol(naming), ["none"]) is None


def test_a_network_with_a_weight_missing_is_no_network() -> None:
    assert Naming.from_symbols([s for s in every_symbol(CLASSIC) if s != "w3"]) is None
