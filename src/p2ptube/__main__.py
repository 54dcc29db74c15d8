"""`python -m p2ptube` and the `p2ptube` command."""

from __future__ import annotations

import atexit
import gc


def main() -> None:
    """Load the program, which takes longest of a short command, and run it."""
    # What is loaded is no garbage: looking for some takes a fifth of the time to start, and the
    # last look of all, when the system is about to take everything back, as much again.
    gc.disable()
    atexit.register(gc.freeze)
    from .cli import main as run

    run()


if __name__ == "__main__":
    main()
