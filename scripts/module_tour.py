"""Writes the section "Modules" of docs/architecture.md: a line per module, from its docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "p2ptube"
DOCUMENT = ROOT / "docs" / "architecture.md"
# From the top of the layers to the bottom.
PACKAGES = (
    "cli",
    "web",
    "node",
    "playback",
    "overlay",
    "swarm",
    "tracker",
    "media",
    "library",
    "storage",
)


def tour() -> str:
    """The text of the section. Raises ValueError for a package that is in no layer."""
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    if found != set(PACKAGES):
        raise ValueError(f"packages and layers differ: {sorted(found ^ set(PACKAGES))}")
    parts = [_table(sorted(PACKAGE.glob("*.py")))]
    for name in PACKAGES:
        modules = sorted((PACKAGE / name).rglob("*.py"))
        about = _summary(PACKAGE / name / "__init__.py")
        parts.append(f"### `{name}/`\n\n" + (f"{about}\n\n" if about else "") + _table(modules))
    return "\n\n".join(parts)


def _table(modules: list[Path]) -> str:
    rows = [
        f"| `{module.relative_to(PACKAGE).as_posix()}` | {_summary(module)} |"
        for module in modules
        if module.name != "__init__.py"
    ]
    return "\n".join(["| module | what it is for |", "|---|---|", *rows])


def _summary(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].replace("|", "\\|")


def main() -> None:
    """Replace the section."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = re.compile(r"(?<=^## Modules\n).*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if not section.search(text):
        raise SystemExit(f"{DOCUMENT} has no section Modules")
    DOCUMENT.write_text(section.sub(lambda _: f"\n{tour()}\n\n", text), encoding="utf-8")


if __name__ == "__main__":
    main()
