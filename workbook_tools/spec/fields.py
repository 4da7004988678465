"""The kinds of value that the keys of a spec may have."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Text = Annotated[str, Field(pattern=r"^([^=\x00-\x1f][^\x00-\x1f]*)?$")]  # one line, not a formula
Name = Annotated[Text, Field(min_length=1, max_length=60)]
Positive = Annotated[float, Field(allow_inf_nan=False, strict=True, gt=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Fraction = Annotated[float, Field(allow_inf_nan=False, strict=True, ge=0, lt=1)]


class Table(BaseModel):
    """A table of a spec: immutable, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def as_list(value: Any) -> Any:
    """Return a single word as a list."""
    return [value] if isinstance(value, str) else value
