"""What headers and other labels say."""

from random import Random

from openpyxl.utils import get_column_letter

from fuzzing.book import cell_of, set_cell
from fuzzing.made import Level, Made, damage, editing_sheet, pick

LABELS = [
    "w", "w0", "w-1", "w1.5", "w" + "1" * 5000, "w99999999", "w_{1}", "w₁", "w¹²", "w(1)", "w[1]",
    "w1,2", "w_1_2", "∂E/∂w" + "9" * 40, "∂E/∂", "dE/dw3", "∂E_total/∂w₅", "grad w1", "d(E)/d(w1)",
    "δ", "δ_o", "h", "h(", "a_h1)", "out h1", "net h1", "net" + "_" * 900, "σ(σ(σ(h1)))",
    "(" * 2000, "[" * 500 + "w1" + "]" * 500, "w1 " * 3000, "E", "E total", "loss", "error",
    "Error!", "target", "t", "y", "ŷ", "i", "x1 x2", "bias", "b", "b1 b2", "=w1", "'w1", "w1\nw2",
    "W1", " w1 ", "w１", "w١", "weight one", "the first weight", "η", "learning rate: 0.5", "0.5",
    "1", "", " ", "\u200b", "🙂", "layers: 2-2-2", "image 99999x99999, convolution 3x3 to 99999",
    "2-2-2-2-2", "image 3x3, convolution 9x9 to 1", "epoch", "iteration", "step 1", "sample", "#",
    "No.", "w1*i1+w2*i2", "1/(1+exp(-h1))", "exp(" * 400, "+".join(["w1"] * 900), "a" * 32_767,
    "½(t1 − a_o1)²", "activation: swish", "activation:", "loss:", "optimizer:", "adam", "m_w1",
    "v_w1", "momentum", "mini-batch 3", "w1_1_1_1", "i1" * 99,
]  # fmt: skip
LETTERS = "abehinotwxδησ∂ΔE_0123456789 /().,:=-+*'\"\u0301\u00a0"


def _noise(text: str, random: Random) -> str:
    for _ in range(random.choice([1, 1, 2, 4])):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(["", *LETTERS]) + text[at + random.choice([0, 1]) :]
    return text


@damage("labels", Level.ANY)
def headers_changed(made: Made, random: Random) -> str:
    sheet = pick(random, made.host.headers)
    headers = made.host.headers[sheet]
    symbols = {
        target.header: target.symbol for target in made.host.targets if target.sheet == sheet
    }
    names = random.sample(headers, k=min(len(headers), random.choice([1, 1, 2, 5, 40])))
    labels = {
        name: random.choice(LABELS)
        if random.random() < 0.5
        else _noise(symbols.get(name) or "w1", random)
        for name in names
    }
    if random.random() < 0.2 and len(names) > 1:
        labels = dict(zip(names, [symbols.get(name) or "w1" for name in [*names[1:], names[0]]],
                          strict=True))  # fmt: skip
    with editing_sheet(made, sheet) as root:
        for name, label in labels.items():
            set_cell(cell_of(root, name), value=label, kind="inlineStr")
    return f"headers of {sheet}: " + "; ".join(f"{n} {t[:30]!r}" for n, t in labels.items())


@damage("labels", Level.ANY)
def labels_added(made: Made, random: Random) -> str:
    """Put labels above, beside and below a table."""
    sheet = pick(random, made.checked_sheets)
    count = random.choice([1, 3, 20, 200])
    cells = {
        f"{random.choice(['A', 'B', 'C', 'E', 'G', 'AH', 'AI', 'AK', 'AN'])}"
        f"{random.choice([1, 2, 3, 4, 16, 18, 20, 21, 22, 40, 60])}": random.choice(LABELS)
        for _ in range(count)
    }
    taken = {target.cell for target in made.host.targets if target.sheet == sheet}
    taken |= {*made.host.headers.get(sheet, ()), *made.host.data.get(sheet, ())}
    with editing_sheet(made, sheet) as root:
        for name, label in cells.items():
            if name not in taken:
                set_cell(cell_of(root, name), value=label, kind="inlineStr")
    return f"labels beside the tables of {sheet}: " + "; ".join(
        f"{n} {t[:20]!r}" for n, t in list(cells.items())[:20]
    )


@damage("labels", Level.ELSEWHERE)
def labels_on_another_sheet(made: Made, random: Random) -> str:
    """Put single labels where no table is, none beside another."""
    sheet = pick(random, made.host.others)
    made.changed_formulas.add(sheet)
    labels = [random.choice(LABELS) for _ in range(random.choice([1, 30]))]
    with editing_sheet(made, sheet) as root:
        for k, label in enumerate(labels):
            set_cell(cell_of(root, f"C{100 + 3 * k}"), value=label, kind="inlineStr")
    return f"labels on {sheet}: {'; '.join(label[:20] for label in labels)[:200]}"


@damage("labels", Level.SAME)
def spaces_around_headers(made: Made, random: Random) -> str:
    sheet = pick(random, made.host.headers)
    symbols = {t.header: t.symbol for t in made.host.targets if t.sheet == sheet}
    names = [name for name in made.host.headers[sheet] if symbols.get(name)]
    chosen = random.sample(names, k=min(3, len(names)))
    planted = {target.header for mistake in made.mistakes for target in mistake.targets}
    with editing_sheet(made, sheet) as root:
        for name in chosen:
            if name not in planted:
                set_cell(cell_of(root, name), value=f" {symbols[name]}  ", kind="inlineStr")
    return f"spaces around headers {chosen} of {sheet}"


@damage("labels", Level.ANY)
def many_headers(made: Made, random: Random) -> str:
    """Put rows of headers, with numbers below, beneath a table."""
    sheet = pick(random, made.checked_sheets)
    rows, columns = random.choice([(1, 40), (30, 12), (3, 300)])
    with editing_sheet(made, sheet) as root:
        for row in range(500, 500 + 3 * rows, 3):
            for column in range(1, columns + 1):
                letters = get_column_letter(column)
                label = (
                    f"{random.choice(['w', 'i', 'h', 'a_h', 'o', 't', '∂E/∂w'])}{column % 9 + 1}"
                )
                set_cell(cell_of(root, f"{letters}{row}"), value=label, kind="inlineStr")
                set_cell(cell_of(root, f"{letters}{row + 1}"), value=0.5)
    return f"{rows} rows of {columns} headers below the tables of {sheet}"
