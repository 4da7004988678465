"""``[[sheet]]``: trainings that differ from the rest of the spec, each on a sheet of its own."""

import re
from typing import Any

from workbook_tools.spec.fields import Table
from workbook_tools.spec.network import Network
from workbook_tools.spec.training import Training

_SHEET_NAME = re.compile(r"[^\[\]:*?/\\\x00-\x1f']{1,31}")
_SAME_EVERYWHERE = {"layers", "biases", "gradient_sizes", "iterations"}
_PARTS: dict[str, type[Table]] = {"network": Network, "training": Training}


def variants(content: dict[str, Any], sheets: Any) -> dict[str, Any]:
    """Return the spec of each ``[[sheet]]``: the whole spec, with the sheet's own keys replaced."""
    if not isinstance(sheets, list) or not all(isinstance(own, dict) for own in sheets):
        raise ValueError("sheet: write each sheet as a table of its own, headed [[sheet]]")
    found: dict[str, Any] = {}
    for number, own in enumerate(sheets, start=1):
        name = own.get("name")
        if not isinstance(name, str) or not _SHEET_NAME.fullmatch(name):
            raise ValueError(
                f"sheet[{number}].name: {name!r} given, expected up to 31 characters without "
                "[ ] : * ? / \\ or '; correct the value"
            )
        if name.lower() in {"overview", "data", *map(str.lower, found)}:
            raise ValueError(f"sheet[{number}].name: {name!r} is taken already; choose another")
        merged = {**content, "network": dict(content.get("network", {}))}
        merged["training"] = dict(content.get("training", {}))
        for key, value in own.items():
            part = next((p for p, k in _PARTS.items() if key in k.model_fields), None)
            if key == "name":
                continue
            if part is None or key in _SAME_EVERYWHERE:
                raise ValueError(
                    f"sheet[{number}].{key}: cannot differ from one sheet to another; remove it"
                )
            merged[part][key] = value
        rates = merged["training"].get("learning_rates")
        if isinstance(rates, list) and len(rates) > 1:
            raise ValueError(
                f"sheet[{number}].learning_rates: {len(rates)} given for one sheet; give one"
            )
        found[name] = merged
    return found
