"""What the columns of a training are called: as the model calls its cells."""

import re
from collections import Counter
from collections.abc import Sequence

from workbook_tools.formulas.labels_beside import label_of
from workbook_tools.gradients.model import Model
from workbook_tools.notation.addresses import cell_name, full_name
from workbook_tools.training.flat import Key

_INPUT = re.compile(r"[ixt]\d*")  # as inputs and targets are called


def headings(model: Model, keys: Sequence[Key]) -> dict[Key, str]:
    """Return what the columns of cells are called: their labels, and addresses where needed."""
    sheets = {sheet.name: sheet for sheet in model.sheets}
    several = len({key.cell[0] for key in keys}) > 1
    own = {key: label_of(sheets[key.cell[0]], *key.cell[1:]) for key in keys}
    times, by = Counter(own.values()), {*model.by}
    found = {}
    for key, label in own.items():
        name = full_name(key.cell) if several else cell_name(*key.cell[1:])
        if not label or (key.cell in by and _INPUT.fullmatch(label)):
            found[key] = name  # an input that is learned is none, and nobody must take it for one
        else:
            found[key] = label if times[label] == 1 else f"{label} {name}"
    return found
