"""Says in one line what pydantic finds wrong with a spec: the field, what is wrong, the remedy."""

from typing import Any

from pydantic import ValidationError


def first_problem(error: ValidationError, content: dict[str, Any]) -> str:
    """Return pydantic's first complaint about a spec in one line, with the remedy."""
    problem = error.errors(include_url=False)[0]
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    location = problem["loc"]
    if location[:1] == ("sheet",):
        location = (f"sheet {location[1]!r}", *location[2:])
    if location[:1] == ("data",) and len(location) == 4:
        listed = content["data"][location[1]]
        if not any(isinstance(part, list) for part in listed):  # one sample, given flat
            location = (*location[:2], location[3])
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    field = field.removeprefix(".")
    if problem["type"] == "extra_forbidden":
        return f"{field}: unknown key; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{field}: missing; add it"
    expected = problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"{field}: {problem['input']!r} given, expected {expected}; correct the value"
