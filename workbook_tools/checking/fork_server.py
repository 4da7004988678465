"""The process that the workers of a class are forked from: their modules are loaded only once."""

import os
import signal
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext

from workbook_tools.checking.worker import ONE_THREAD

_MODULES = [
    "pebble",
    "workbook_tools.checking.verify",
    "workbook_tools.mending.repair",
    "workbook_tools.reporting.html",
    "workbook_tools.reporting.json_document",
]


def begin_fork_server() -> BaseContext:
    """Start it unless it runs, and return how to start a worker; on Windows it starts by itself.

    Workers are no forks of this process, which may have threads: a fork leaves these in an
    undefined state.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    from multiprocessing import forkserver  # Windows has none

    context = get_context("forkserver")
    context.set_forkserver_preload(_MODULES)
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # it must have one thread, too
    # Ctrl-C reaches this process, which ends it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return context
