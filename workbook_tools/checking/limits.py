"""What the check of one workbook may take: seconds, and memory in proportion to the file."""

import os
import zipfile
from contextlib import suppress
from pathlib import Path

TIMEOUT = 60.0  # seconds
ENGINE_THREAD = "an engine calculates"  # the name of a thread, which may go on for ever
_LEAST_MEMORY = 880 << 20  # bytes: a stray cell at the end of a row alone may take half of them
_MEMORY_PER_BYTE = 32  # of the inflated parts; large training sheets take up to 25
_MOST_MEMORY = 8 << 30
_FRESH = 128 << 20  # bytes that a process has that has loaded the program


def memory_limit(path: Path) -> int:
    """Return how many bytes of memory the check of a file may take."""
    size = 0
    odd = (OSError, ValueError, zipfile.BadZipFile, NotImplementedError)
    with suppress(*odd), zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    return min(_LEAST_MEMORY + _MEMORY_PER_BYTE * size, _MOST_MEMORY)


def limit_memory(path: Path) -> None:
    """Let this process take no more memory than the check of a file may.

    What earlier checks have not given back does not count. Windows has no such limit, and macOS
    does not keep it.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        left_over = max(0, _memory_in_use() - _FRESH)
        # What is written to counts, not what is mapped: PyTorch maps gigabytes of its libraries.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit(path) + left_over, most))


def allow_more_memory(size: int) -> None:
    """Let this process take so many bytes more than it may now."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        limit, most = resource.getrlimit(resource.RLIMIT_DATA)
        if limit != resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_DATA, (limit + size, most))


def _memory_in_use() -> int:
    """Return how many bytes of memory this process has that are its own; raises ``OSError``."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def out_of_memory(path: Path) -> str:
    """Say that the memory was not enough."""
    limit = memory_limit(path) / (1 << 30)
    return f"needs more than {limit:.1f} GiB of memory, which is out of proportion to its size"
