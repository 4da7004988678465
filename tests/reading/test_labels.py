"""Labels are read however they are spelled; labels of anything else name no quantity."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.notation.quantities import SETTINGS, Naming, gradient_symbol
from workbook_tools.reading.labels import is_rate_label, parse_label, parse_setting, parse_symbol


@st.composite
def symbols(draw: st.DrawFn) -> str:
    sizes = tuple(draw(st.lists(st.integers(1, 12), min_size=2, max_size=5)))
    naming = Naming(sizes, sizes[1:])
    layer = draw(st.sampled_from(list(naming.layers)))
    kind = draw(st.sampled_from([naming.pre_activations, naming.activations, naming.parameters]))
    every = [*kind(layer), *naming.inputs, *naming.targets, *naming.losses, "E_tot"]
    every += [gradient_symbol(p) for p in naming.parameters(layer)]
    every += [f"δ_{z}" for z in naming.pre_activations(layer)]
    return draw(st.sampled_from(every))


@given(symbols())
def test_every_symbol_is_read_back_as_itself(symbol: str) -> None:
    assert parse_symbol(symbol) == symbol


PARTIALS = ["∂", "d", "δ", "𝟃", "𝜕", "ð", "∆", r"\partial "]
# fmt: off
LOSSES = ["E", "E_total", "E_tot", "Etotal", "E_T", "E_t", "e", "Error", "Loss", "E(total)", "J",
          "L", "C", "MSE"]
NAMES = {
    "i": ["i", "I", "input", "Input ", "i_", "in", "Input x", "feature ", "і"],
    "t": ["t", "T", "target", "Target ", "t_", "target_o", "desired", "Desired output ", "т", "Т"],
    "w": ["w", "W", "weight", "Weight ", "w_", "wt"],
    "b": ["b", "B", "bias", "Bias ", "b_"],
    "h": ["h", "H", "net_h", "net h", "z_h", "in_h", "net_hidden", "sum_h", "h_"],
    "o": ["o", "O", "net_o", "net o", "z_o", "in_o", "0", "net_output", "o_"],
    "a_h": ["a_h", "A_h", "out_h", "Out h", "ah", "a(h", "σ(h", "sigmoid(h", "act_h", "output_h"],
    "a_o": ["a_o", "A_o", "out_o", "Out o", "ao", "a(o", "σ(o", "sigmoid(o", "a_0", "out_0"],
    "E": ["E", "e", "Error", "Loss ", "E_", "E_o", "error_o"],
    "δ_h": ["δ_h", "delta_h", "delta h", "δh", "δ(h", "∂E/∂h", "dE/dnet_h", "dE_total/dh"],
    "δ_o": ["δ_o", "delta_o", "delta o", "δo", "δ(o", "∂E/∂o", "dE/dnet_o", "∂E_total/∂o"],
}
# fmt: on
AFTER = {  # the number
    "h": ["_in", " net", " (sum)", "_input", " (input)", " Net Input"],
    "o": ["_in", " net", " (sum)", "_input", " (input)", " Net Input"],
    "a_h": ["_out", " (out)", " activation", " (sigmoid)", " output"],
    "a_o": ["_out", " (out)", " activation", " (sigmoid)", " output"],
    "∂E/∂w": [" grad", "_gradient", "_grad", " (Gradient)"],
    "∂E/∂b": [" grad", "_gradient", "_grad", " (Gradient)"],
}
UNITS = {"h": ["h", "H", "Hidden ", "Hidden neuron ", "hidden_unit_"], "o": ["o", "O", "Output "]}
CYRILLIC = str.maketrans("ABEHKMOPTCXaceoxyp", "АВЕНКМОРТСХасеохур")  # they look alike
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a symbol and one of the ways in which people write it."""
    kind = draw(st.sampled_from([*NAMES, "gradient", "total"]))
    number = str(draw(st.integers(1, 12)))
    if kind == "total":
        label = draw(
            st.sampled_from(["E_total", "E total", "E-Total", "E_T", "Total error", "Loss"])
        )
        return "E_tot", label
    if kind == "gradient":
        letter = draw(st.sampled_from("wb"))
        partial, loss = draw(st.sampled_from(PARTIALS)), draw(st.sampled_from(LOSSES))
        parameter = draw(st.sampled_from(NAMES[letter])) + number
        forms = [f"{partial}{loss}/{partial}{parameter}", f"{loss}{partial}{parameter}"]
        forms += [
            f"{partial}{loss} / {partial}{parameter}",
            f"{partial}({loss})/{partial}({parameter})",
        ]
        forms += [parameter + after for after in AFTER[gradient_symbol(letter)]]
        return gradient_symbol(letter + number), draw(st.sampled_from(forms))
    if kind in AFTER and draw(st.booleans()):
        unit = draw(st.sampled_from(UNITS[kind[-1]]))
        return kind + number, unit + number + draw(st.sampled_from(AFTER[kind]))
    name = draw(st.sampled_from(NAMES[kind]))
    label = f"{name}{number}" + (")" if "(" in name else "")
    return kind + number, label


@given(spelled(), st.integers(0, 2**16))
def test_a_spelled_symbol_is_understood(spelling: tuple[str, str], seed: int) -> None:
    symbol, label = spelling
    chance = random.Random(seed)
    if chance.random() < 0.3 and "(" not in label:
        label = label.translate(SUBSCRIPTS)
    if chance.random() < 0.3 and "\\" not in label:
        label = label.translate(CYRILLIC)
    if chance.random() < 0.3:
        label = chance.choice(
            [f" {label}", f"{label} ", f"{label}\n", f"\t{label}:", f"{label}\u00a0"]
        )
    if chance.random() < 0.2:
        label = f"{label} = something + else"
    assert parse_symbol(label) == symbol


COMMENTS = [
    "(weight)",
    "(given)",
    "[–]",
    "\n(logistic)",
    "\nof the layer",
    "(½(target − out)²)",
    "(old)",
]
VAGUE = {  # what stands before the number, and after ?
    "ŷ": "a_o", "y_hat": "a_o", "yhat_": "a_o", r"\hat{y}_": "a_o", "Predicted ": "a_o",
    "pred": "a_o", "actual o": "actual ", "Hidden ": "hidden ", "hidden neuron ": "hidden ",
    "Output ": "output ", "out ": "output ", "L": "E", "C_": "E", "dEw": "∂E/∂w", "Ew": "∂E/∂w",
    "gw": "∂E/∂w", "Gradient ": "∂E/∂w", "grad": "∂E/∂w", "ω": "ω", "θ_": "θ", "dE/dω": "∂E/∂ω",
    "b_h": "b_h", "Bias o": "b_o", "bias of hidden unit ": "b_h", "∂E/∂b_h": "∂E/∂b_h",
    "dE/dbo": "∂E/∂b_o",
}  # fmt: skip


@given(spelled(), st.sampled_from(COMMENTS))
def test_a_comment_behind_a_symbol_is_left_out(spelling: tuple[str, str], comment: str) -> None:
    """Such a label is vague, because one without a comment is preferred."""
    symbol, label = spelling
    assert parse_label(f"{label} {comment}") in (symbol, f"?{symbol}")


@given(st.sampled_from(list(VAGUE)), st.integers(1, 12))
def test_a_label_whose_meaning_depends_on_others_is_vague(name: str, number: int) -> None:
    assert parse_label(f"{name}{number}") == f"?{VAGUE[name]}{number}"
    assert parse_symbol(f"{name}{number}") is None


@pytest.mark.parametrize("label", ["L", "C", "MSE", "SSE", "ΣE", "Error (E)", "Squared Errors"])
def test_some_names_of_the_loss_yield_to_others(label: str) -> None:
    assert parse_label(label) == "?E_tot"


@pytest.mark.parametrize(
    ("label", "symbol"),
    [("t", "t1"), ("o", "o1"), ("a_o", "a_o1"), ("Net o", "o1"), ("ŷ", "a_o1"), ("y", "y1"),
     ("Target", "t1"), ("Output", "output 1"), ("t (target)", "t1")],
)  # fmt: skip
def test_the_number_may_be_left_out_where_there_is_one_output(label: str, symbol: str) -> None:
    assert parse_label(label) == f"?alone {symbol}"


@pytest.mark.parametrize(
    "label",
    ["Δw1", "Actual 1", "-dE/dw1", "−∂E/∂w1", "w1 new", "w1 (new)", "w1\n(updated)",
     "w1'", "σ'(h1)", "f’(o2)",
     "z′(h1)",
     "a_h1 (1-a_h1)", "a_h1 (derivative)", "E1 change", "A", "hidden", "lr", "layer 1", ""],
)  # fmt: skip
def test_an_ambiguous_label_or_one_of_a_derived_quantity_names_nothing(label: str) -> None:
    assert parse_label(label) is None


@pytest.mark.parametrize(
    "label",
    [
        "weight",
        "A",
        "E_0.1",
        "η = 0.1",
        "∂a_h1/∂h1",
        "∂o1/∂a_h1",
        "Δw1",
        "output1",
        "hidden1",
        "1",
        "",
    ],
)
def test_a_label_of_no_quantity_or_of_two_names_nothing(label: str) -> None:
    assert parse_symbol(label) is None


@pytest.mark.parametrize(
    ("label", "symbol"),
    [
        ("h1 = w1·i1 + w2·i2", "h1"),
        ("01", "o1"),
        ("a_01", "a_o1"),
        ("e_o1", "e_o1"),
        ("E_o1", "E1"),
        ("a_h2_10", "a_h2_10"),
        ("Epoch", "iteration"),
        ("Step no.", "iteration"),
    ],
)
def test_similar_labels_are_told_apart(label: str, symbol: str) -> None:
    assert parse_symbol(label) == symbol


@pytest.mark.parametrize(
    "label",
    ["η =", "η", "ƞ =", "lr", "L.R.", "Learning rate", "learning_rate:", "learning rate(theta)",
     "learning rate:  η =", "Learning Rate (η)", "eta"],
)  # fmt: skip
def test_a_learning_rate_is_known_by_its_label(label: str) -> None:
    assert is_rate_label(label)


@pytest.mark.parametrize("label", ["← the learning rate: change it", "E_tot", "later", "η = 0.1"])
def test_other_text_is_no_learning_rate(label: str) -> None:
    assert not is_rate_label(label)


def test_settings_are_known_and_words_need_a_colon() -> None:
    assert [parse_setting(f"{symbol} =") for symbol in SETTINGS] == list(SETTINGS)
    assert [parse_setting(label) for label in ("loss:", "loss", "Loss")] == ["loss", None, None]
