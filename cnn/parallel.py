"""Training in several processes started by ``torchrun``; without it these functions do nothing.

Each process takes its share of every batch; DistributedDataParallel averages their gradients.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def group(device: str) -> Iterator[None]:
    """Join the process group if ``torchrun`` started this process, and leave it at the end."""
    if "WORLD_SIZE" not in os.environ:
        yield
        return
    torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


@contextmanager
def first_alone() -> Iterator[None]:
    """Let the first process go first, so that the others find what it has downloaded."""
    if rank() > 0:
        torch.distributed.barrier()
    yield
    if rank() == 0 and count() > 1:
        torch.distributed.barrier()


def rank() -> int:
    """Return this process's number; number 0 evaluates, writes and prints."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def device_here(name: str) -> torch.device:
    """Return this process's device; with several processes on a machine, each has its own GPU."""
    if name == "cuda" and count() > 1:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return torch.device(name)


def shared(model: nn.Module) -> nn.Module:
    """Return the network with its gradients averaged over the processes."""
    return DistributedDataParallel(model) if count() > 1 else model


def summed(values: Tensor) -> Tensor:
    """Sum the values over all processes, in place."""
    if count() > 1:
        torch.distributed.all_reduce(values)
    return values


def of_the_first(values: Tensor) -> Tensor:
    """Replace the values by those of the first process, in place."""
    if count() > 1:
        torch.distributed.broadcast(values, src=0)
    return values
