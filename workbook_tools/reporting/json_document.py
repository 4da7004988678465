"""The report as a JSON document, with the fields that docs/json.md describes."""

import json
import math
from dataclasses import asdict
from typing import Any

from workbook_tools.formulas.references import MAX_FORMULA_LENGTH
from workbook_tools.judging.faults import Fault
from workbook_tools.judging.findings import Finding, advice, said
from workbook_tools.judging.report import Cells, Learned, ModelReport, NetworkReport, Report
from workbook_tools.notation.addresses import MAX_TEXT_LENGTH
from workbook_tools.package.files import printable
from workbook_tools.texts import shortened

SCHEMA = 2


def to_json(report: Report) -> dict[str, Any]:
    """Return a report as the JSON document that docs/json.md describes.

    Numbers that JSON does not have, such as infinity, become null. Texts are cut to the length that
    Excel allows.
    """
    document: dict[str, Any] = _plain(_document(report))
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    if isinstance(value, str):
        return printable(shortened(value, MAX_TEXT_LENGTH))
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _document(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "workbook": report.workbook,
        "engine": report.engine,
        "verdict": report.verdict,
        "strict": report.is_strict,
        "not_checked": report.not_checked,
        "findings": [_finding(finding) for finding in report.findings],
        "tables": [
            {
                "sheet": table.sheet,
                "range": table.range,
                "network": table.network,
                "learning_rate": table.learning_rate,
                "iterations": table.iterations,
                "cells": _cells(table.cells),
                "max_abs_error": table.differences.absolute,
                "max_rel_error": table.differences.relative,
                "max_ulps": table.differences.ulps,
                "last_loss": table.last_loss,
                "last_loss_of_run": table.last_loss_of_run,
                "understood": asdict(table.understood),
            }
            for table in report.tables
        ],
        "summaries": [
            {
                "sheet": summary.sheet,
                "what": summary.what,
                "cells": _cells(summary.cells),
            }
            for summary in report.summaries
        ],
        "models": [_model(model) for model in report.models],
        "other_formulas": report.other_formulas,
        **({"left_out": report.left_out} if report.left_out else {}),
        **({"convolutional_network": _network(report.network)} if report.network else {}),
    }


def json_text(document: object, ensure_ascii: bool = False) -> str:
    """Return a JSON document as it is written to a file."""
    return json.dumps(document, ensure_ascii=ensure_ascii, indent=2, allow_nan=False) + "\n"


def _model(model: ModelReport) -> dict[str, Any]:
    losses = [{"sheet": sheet, "cells": cells} for sheet, cells in model.losses]
    return {
        "loss": losses[0] if len(losses) == 1 else losses or None,
        "assumed_loss": model.assumed_loss,
        "parameters": [{"sheet": sheet, "cells": cells} for sheet, cells in model.parameters],
        "claims": [_learned(one) for one in model.claims],
        "helpers": [_learned(one) for one in model.helpers],
        "updates": [_learned(one) for one in model.updates],
        "findings": [_finding(finding) for finding in model.findings],
    }


def _learned(one: Learned) -> dict[str, Any]:
    return {
        "sheet": one.sheet,
        "cells": one.cells,
        "is": one.what,
        "factor": one.factor,
        "verdict": one.verdict,
        "why": one.why,
    }


def _network(network: NetworkReport) -> dict[str, Any]:
    return {
        "network": network.network,
        "moments": network.moments,
        "max_abs_error": network.whole.absolute,
        "max_rel_error": network.whole.relative,
        "numbers_compared": network.whole.compared,
        "numbers_off": network.whole.off,
    }


def _cells(cells: Cells) -> dict[str, Any]:
    return {
        "formulas": cells.formulas,
        "checked": cells.checked,
        "agreeing": cells.agreeing,
        "numbers": cells.numbers,
        "not_checked": cells.not_checked,
        "not_checked_because": cells.reasons,
        "harmless": cells.harmless,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "harmless": finding.is_harmless,
        "quantities": finding.quantities,
        "cells": finding.count,
        "message": said(finding),
        "advice": advice(finding),
        "effects": [effect._asdict() for effect in finding.effects],
        "places": [_place(place) for place in finding.places],
    }


def _place(place: Fault) -> dict[str, Any]:
    suggestion = place.suggestion
    proven = {"rows": suggestion.rows, "trials": suggestion.trials} if suggestion else None
    return {
        "kind": place.kind.value,
        "quantity": place.quantity,
        "sheet": place.sheet,
        "cells": place.ranges,
        "rows": place.count,
        "formula": shortened(place.formula, MAX_FORMULA_LENGTH) if place.formula else None,
        "value": place.value,
        "expected": place.expected,
        "max_rel_error": place.max_rel_error,
        "suggestion": shortened(suggestion.formula, MAX_FORMULA_LENGTH) if suggestion else None,
        "edit": suggestion.edit if suggestion else None,
        "proven": proven,
    }
