"""The rivals of npm: installed once, at the versions of bench/rivals/package-lock.json."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

RIVALS = Path(__file__).parent / "rivals"


@functools.cache
def rivals() -> Path | None:
    """Their folder, with our scripts beside them; None where they cannot be had.

    It lies in the user's cache. Nothing that a package brings is run when it is installed, so
    modules that would have to be compiled are missing: WebRTC and uTP, which are not measured.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        print("bench: node and npm are not installed; their rivals are left out", file=sys.stderr)
        return None
    lock = (RIVALS / "package-lock.json").read_bytes()
    name = f"bench-rivals-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder = user_cache_path("p2ptube") / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / ".installed").exists():
        shutil.copytree(RIVALS, folder, dirs_exist_ok=True)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"bench: npm: {done.stderr.strip()[-300:]}; left out", file=sys.stderr)
            return None
        (folder / "node_modules" / ".installed").touch()
    shutil.copytree(RIVALS, folder, dirs_exist_ok=True)  # the scripts may be newer
    return folder
