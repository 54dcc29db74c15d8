"""`python -m p2ptube` and the `p2ptube` command."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
