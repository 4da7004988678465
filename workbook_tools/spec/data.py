"""``[data]``: the samples that a network is trained on, with their targets or classes."""

from functools import cached_property
from statistics import pstdev
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from workbook_tools.spec.fields import Finite, Name, Table


def _rows(value: Any) -> Any:
    """Return a flat list of numbers as a list with one sample."""
    is_flat = isinstance(value, list) and not any(isinstance(part, list) for part in value)
    return [value] if is_flat else value


class DataTable(Table):
    """``[data]``: one sample or several, with their targets or classes."""

    inputs: Annotated[list[list[Finite]], BeforeValidator(_rows), Field(min_length=1)]
    input_names: list[Name] | None = None
    targets: Annotated[list[list[Finite]], BeforeValidator(_rows)] | None = None
    classes: list[Name] | None = None  # of each sample, instead of targets
    class_names: Annotated[list[Name], Field(min_length=2)] | None = (
        None  # in the order of the outputs
    )
    standardise: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> "DataTable":
        _same_lengths("data.inputs", self.inputs)
        if (self.targets is None) == (self.classes is None):
            raise ValueError("data.targets: give either targets or classes, not both")
        if self.targets is not None:
            _same_lengths("data.targets", self.targets)
            if self.class_names:
                raise ValueError("data.class_names: targets have no classes; remove one of them")
        given = len(self.inputs)
        for name in ("targets", "classes"):
            listed = getattr(self, name)
            if listed is not None and len(listed) != given:
                raise ValueError(
                    f"data.{name}: {len(listed)} samples given, data.inputs has {given}; "
                    "change one or the other"
                )
        if self.input_names and len(self.input_names) != len(self.inputs[0]):
            raise ValueError(
                f"data.input_names: {len(self.input_names)} given for {len(self.inputs[0])} inputs"
                "; name each input once"
            )
        self._check_classes()
        if self.standardise:
            self._check_spread()
        return self

    def _check_classes(self) -> None:
        if self.classes is None:
            return
        found = list(dict.fromkeys(self.classes))
        for name in self.class_names or ():
            if name not in found:
                raise ValueError(
                    f"data.class_names: no sample is a {name!r}; the classes are "
                    f"{', '.join(map(repr, found[:6]))}: correct or remove it"
                )
        for name in found:
            if self.class_names and name not in self.class_names:
                raise ValueError(
                    f"data.class_names: {name!r} is missing, but sample "
                    f"{self.classes.index(name) + 1} has that class; add it"
                )
        for k, name in enumerate(names := self.outputs):
            if name.lower() in map(str.lower, names[:k]):
                raise ValueError(
                    f"data.classes: {name!r} is there twice, because Excel's = does not tell "
                    "capitals from small letters; rename one"
                )
        if len(found) < 2:
            raise ValueError(
                f"data.classes: every sample is a {found[0]!r}, so there is nothing to learn; "
                "add samples of another class"
            )

    def _check_spread(self) -> None:
        if len(self.inputs) == 1:
            raise ValueError(
                "data.standardise: one sample has no standard deviation; set it to false"
            )
        for number, column in enumerate(zip(*self.inputs, strict=True), start=1):
            if pstdev(column) <= 1e-12 * max(map(abs, column)):
                name = self.input_names[number - 1] if self.input_names else f"input {number}"
                raise ValueError(
                    f"data.standardise: {name} is {column[0]:.15g} in every sample, which cannot "
                    "be standardised; leave the input out"
                )

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.inputs)

    @property
    def is_several(self) -> bool:
        """Whether there is more than one sample; the classic sheet has one."""
        return self.count > 1

    @cached_property
    def outputs(self) -> list[str]:
        """The classes in the order of the outputs; a single output stands for the second of two.

        Empty if the samples have targets.
        """
        if self.classes is None:
            return []
        return self.class_names or list(dict.fromkeys(self.classes))

    def target_rows(self, outputs: int) -> list[list[float]]:
        """Return each sample's targets: as given, or 1 for its class and 0 for the others.

        Raises ``ValueError`` if the number of outputs fits neither targets nor classes.
        """
        if self.targets is not None:
            if len(self.targets[0]) != outputs:
                raise ValueError(
                    f"data.targets: {len(self.targets[0])} values given, network.layers asks for "
                    f"{outputs}; change one or the other"
                )
            return self.targets
        names = self.output_classes(outputs)
        return [[float(name == own) for name in names] for own in self.classes or ()]

    def output_classes(self, outputs: int) -> list[str]:
        """Return the class that each output stands for; a single output stands for the second."""
        names = self.outputs
        if len(names) == 2 and outputs == 1:
            return names[1:]
        if names and len(names) != outputs:
            raise ValueError(
                f"data.classes: {len(names)} classes ({', '.join(names[:6])}), network.layers asks "
                f"for {outputs} outputs; change one or the other"
            )
        return names


def _same_lengths(field: str, rows: list[list[float]]) -> None:
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]) or not row:
            raise ValueError(
                f"{field}: sample {number} has {len(row)} values, the first has {len(rows[0])}; "
                "give every sample as many"
            )
