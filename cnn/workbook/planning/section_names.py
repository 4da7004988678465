"""What the sections of a layer are called."""


def weights_name(layer: str) -> str:
    """Return the name of the section that holds a layer's weights."""
    return f"Weights_{layer}"


def turned_name(layer: str) -> str:
    """Return the name of the section with the weights rearranged for the backward pass."""
    return f"Turned_{layer}"


def back_name(layer: str) -> str:
    """Return the name of the section with the gradient at a layer's output."""
    return f"Back_{layer}"


def grad_name(layer: str) -> str:
    """Return the name of the section with the gradients of a layer's weights."""
    return f"Grad_{layer}"


def step_name(layer: str) -> str:
    """Return the name of the section that holds a layer's weights after one step."""
    return f"Step_{layer}"
