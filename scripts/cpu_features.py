"""Print the processor features that numpy would use here beyond its baseline, separated by blanks.

Given to numpy as `NPY_DISABLE_CPU_FEATURES` they turn it into the numpy of an older processor, which is
how `make test-cpus` finds numbers of the book that depend on the machine.
"""

from __future__ import annotations

import importlib


def dispatched() -> list[str]:
    """Features that numpy was compiled for, that are not its baseline, and that this processor has."""
    umath = importlib.import_module("numpy._core._multiarray_umath")
    return [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]]


if __name__ == "__main__":
    print(*dispatched())
