"""``[training]``: learning rates, iterations, optimizer, schedule, and their settings."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbook_tools.notation.quantities import AVERAGED
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.spec.fields import Count, Fraction, Positive, Table

OPTIMIZER_SETTINGS: dict[Optimizer, dict[str, float]] = {
    Optimizer.GRADIENT_DESCENT: {},
    Optimizer.MOMENTUM: {"momentum": 0.9},
    Optimizer.NESTEROV: {"momentum": 0.9},
    Optimizer.RMSPROP: {"smoothing": 0.99, "epsilon": 1e-8},
    Optimizer.ADAM: {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    Optimizer.ADAMW: {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
}
SCHEDULE_SETTINGS: dict[Schedule, tuple[str, ...]] = {
    Schedule.CONSTANT: (),
    Schedule.STEP: ("factor", "span"),
    Schedule.EXPONENTIAL: ("factor",),
    Schedule.COSINE: ("span",),
}
SETTING_SYMBOLS = {
    "momentum": "μ",
    "smoothing": "α",
    "beta1": "β1",
    "beta2": "β2",
    "epsilon": "ε",
    "factor": "γ",
    "span": "span",
}


class Training(Table):
    """``[training]``: one sheet for each learning rate, one row for each iteration.

    The settings of optimizers and schedules are optional; their defaults are PyTorch's.
    """

    learning_rates: Annotated[list[Positive], Field(min_length=1)]
    iterations: Annotated[int, Field(strict=True, ge=2)]
    batch: Count | None = None  # samples per iteration, in the order of the data; by default all
    over_samples: Literal["averaged", "summed"] = AVERAGED  # gradients and losses
    optimizer: Optimizer = Optimizer.GRADIENT_DESCENT
    momentum: Fraction | None = None
    smoothing: Fraction | None = None
    beta1: Fraction | None = None
    beta2: Fraction | None = None
    epsilon: Positive | None = None
    weight_decay: Annotated[float, Field(allow_inf_nan=False, strict=True, ge=0)] = 0.0
    schedule: Schedule = Schedule.CONSTANT
    factor: Annotated[float, Field(allow_inf_nan=False, strict=True, gt=0, le=1)] | None = None
    span: Count | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Training":
        own = {*OPTIMIZER_SETTINGS[self.optimizer], *SCHEDULE_SETTINGS[self.schedule]}
        for settings in (*OPTIMIZER_SETTINGS.values(), *SCHEDULE_SETTINGS.values()):
            for name in settings:
                if name not in own and getattr(self, name) is not None:
                    raise ValueError(
                        f"training.{name}: neither {self.optimizer} nor a {self.schedule} "
                        f"schedule has this setting; remove it, or choose another"
                    )
        for name in SCHEDULE_SETTINGS[self.schedule]:
            if getattr(self, name) is None:
                raise ValueError(f"training.{name}: missing; a {self.schedule} schedule needs it")
        if self.schedule is Schedule.COSINE and (self.span or 0) < self.iterations:
            raise ValueError(
                f"training.span: the rate reaches zero after {self.span} iterations, and there "
                f"are {self.iterations}; give at least {self.iterations}"
            )
        return self

    @property
    def is_averaged(self) -> bool:
        """Whether gradients and losses are averaged over the samples, not summed."""
        return self.over_samples == AVERAGED

    @property
    def is_plain(self) -> bool:
        """Whether the update is w − η ∂E/∂w with a constant η."""
        plain = self.optimizer is Optimizer.GRADIENT_DESCENT and not self.weight_decay
        return plain and self.schedule is Schedule.CONSTANT

    @property
    def settings(self) -> dict[str, float]:
        """The numbers besides η that the formulas read, by symbol."""
        found: dict[str, float] = {}
        for name, default in OPTIMIZER_SETTINGS[self.optimizer].items():
            given = getattr(self, name)
            found[SETTING_SYMBOLS[name]] = default if given is None else given
        if self.weight_decay:
            found["λ"] = self.weight_decay
        for name in SCHEDULE_SETTINGS[self.schedule]:
            found[SETTING_SYMBOLS[name]] = getattr(self, name)
        return found
