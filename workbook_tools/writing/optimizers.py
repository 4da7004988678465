"""The update rules of the optimizers as cell formulas, in symbols.

The definitions are those of ``torch.optim`` (documentation of PyTorch 2.x: SGD with ``momentum``
and ``nesterov``, RMSprop, Adam, AdamW). The state m, v of every parameter has its own columns.
``x[-1]`` is the value of x in the iteration before.
"""

from workbook_tools.notation.quantities import ITERATION, gradient_symbol, state_symbol
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.writing.quantity import Quantity, Role


def gradient(optimizer: Optimizer, parameter: str, decays: bool) -> str:
    """Return the gradient that the optimizer uses: with weight decay, λ w is added."""
    symbol = gradient_symbol(parameter)
    return f"({symbol}+λ*{parameter})" if decays and optimizer is not Optimizer.ADAMW else symbol


def state(optimizer: Optimizer, parameter: str, decays: bool) -> list[Quantity]:
    """Return the state columns of a parameter; all states are 0 before the first iteration."""
    g = gradient(optimizer, parameter, decays)
    m, v = state_symbol("m", parameter), state_symbol("v", parameter)
    match optimizer:
        case Optimizer.GRADIENT_DESCENT:
            return []
        case Optimizer.MOMENTUM | Optimizer.NESTEROV:
            return [Quantity(m, f"μ*{m}[-1]+{g}", Role.STATE, g)]
        case Optimizer.RMSPROP:
            return [Quantity(v, f"α*{v}[-1]+(1-α)*{g}^2", Role.STATE, f"(1-α)*{g}^2")]
    return [
        Quantity(m, f"β1*{m}[-1]+(1-β1)*{g}", Role.STATE, f"(1-β1)*{g}"),
        Quantity(v, f"β2*{v}[-1]+(1-β2)*{g}^2", Role.STATE, f"(1-β2)*{g}^2"),
    ]


def update(optimizer: Optimizer, parameter: str, rate: str, decays: bool) -> str:
    """Return a parameter's update formula; ``rate`` is η or the symbol of its column."""
    before = f"{parameter}[-1]"
    g = gradient(optimizer, parameter, decays)
    g = g.replace(parameter, before)  # the gradient's symbol ends in the parameter's symbol
    m, v = (f"{state_symbol(letter, parameter)}[-1]" for letter in "mv")
    match optimizer:
        case Optimizer.GRADIENT_DESCENT:
            return f"{before}-{rate}*{g}"
        case Optimizer.MOMENTUM:
            return f"{before}-{rate}*{m}"
        case Optimizer.NESTEROV:
            return f"{before}-{rate}*({g}+μ*{m})"
        case Optimizer.RMSPROP:
            return f"{before}-{rate}*{g}/(SQRT({v})+ε)"
    k = f"{ITERATION}[-1]"
    moved = f"{rate}*({m}/(1-β1^{k}))/(SQRT({v}/(1-β2^{k}))+ε)"
    if optimizer is Optimizer.ADAMW and decays:
        return f"{before}-{rate}*λ*{before}-{moved}"
    return f"{before}-{moved}"


def scheduled(schedule: Schedule) -> str:
    """Return the rate of an iteration."""
    match schedule:
        case Schedule.STEP:
            return f"η*γ^INT(({ITERATION}-1)/span)"
        case Schedule.EXPONENTIAL:
            return f"η*γ^({ITERATION}-1)"
        case Schedule.COSINE:
            return f"η*(1+COS(PI()*({ITERATION}-1)/span))/2"
    raise ValueError("a constant rate has no column")
