"""The documents say what the program is: commands, routes, modules, settings, links."""

from __future__ import annotations

import pkgutil
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from scripts.module_tour import tour
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from typer.testing import CliRunner

from p2ptube.cli.app import app
from p2ptube.config import Config
from p2ptube.node import Node
from p2ptube.swarm.settings import SwarmSettings, pack
from p2ptube.web.admin import create_admin_app

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "p2ptube"
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_COMMANDS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ENVIRONMENT = r"(?:[A-Z0-9_]+=\S+ )*"
COMMAND = re.compile(rf"(?:^|(?<=`))(?:\$ )?({ENVIRONMENT}p2ptube(?: [^`\n]*)?)", re.MULTILINE)
FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What is below the heading, up to the next one of the same level."""
    found = re.search(
        rf"^(#+) {re.escape(heading)}\n(.*?)(?=^\1 |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, heading
    return found[2]


# --- commands -----------------------------------------------------------------------------


@cache
def help_of(*verbs: str) -> str:
    result = CliRunner().invoke(app, [*verbs, "--help"])
    assert result.exit_code == 0, verbs
    return result.stdout


def flags_of(*verbs: str) -> set[str]:
    options = help_of(*verbs).partition("\nOptions:\n")[2].partition("\nCommands:\n")[0]
    # Behind two spaces is the explanation, which may speak of other flags.
    heads = [line.strip().split("  ")[0] for line in options.splitlines() if line[:3] == "  -"]
    return {flag for head in heads for flag in FLAG.findall(head)}


def verbs_of(*verbs: str) -> set[str]:
    commands = help_of(*verbs).partition("\nCommands:\n")[2]
    return set(re.findall(r"^  ([a-z]+)", commands, re.MULTILINE))


def commands_in(path: Path) -> Iterator[str]:
    for match in COMMAND.finditer(text_of(path)):
        yield re.sub(f"^{ENVIRONMENT}", "", match[1])


def check_command(command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    verbs: tuple[str, ...] = ()
    for word in words:
        if word.startswith("-"):
            flag = word.partition("=")[0]
            assert flag in flags_of(*verbs), f"{command}: {flag}"
        elif word in verbs_of(*verbs):
            verbs = (*verbs, word)
        elif not verbs:
            assert not word[0].islower() or "/" in word, f"{command}: no verb {word}"


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda path: path.name)
def test_commands_exist(document: Path) -> None:
    for command in commands_in(document):
        check_command(command)


def test_commands_are_found_at_all() -> None:
    assert len(list(commands_in(ROOT / "README.md"))) > 10
    common = {"--data-dir", "--json", "--join", "-h", "--help"}
    assert flags_of("fetch") == common | {"-o", "--output", "--file"}
    assert {"--dht", "--no-dht", "--json"} < flags_of("serve")
    for wrong in ("p2ptube nonsense", "p2ptube add --nonsense x", "p2ptube peers list --once"):
        with pytest.raises(AssertionError):
            check_command(wrong)


def all_verbs() -> list[tuple[str, ...]]:
    top = [(verb,) for verb in sorted(verbs_of())]
    return top + [("peers", verb) for verb in sorted(verbs_of("peers"))]


@pytest.mark.parametrize("verbs", all_verbs(), ids=" ".join)
def test_every_verb_is_described_with_its_flags_and_an_example(verbs: tuple[str, ...]) -> None:
    described = section(text_of(ROOT / "docs" / "cli.md"), f"p2ptube {' '.join(verbs)}")
    assert re.search(rf"^p2ptube {' '.join(verbs)}\b", described, re.MULTILINE)
    common = {"--data-dir", "--json", "--join", "-h", "--help"}
    named = set(FLAG.findall(described))
    assert flags_of(*verbs) - common <= named
    assert named <= flags_of(*verbs) | flags_of() | common


def test_every_setting_is_in_the_readme() -> None:
    table = section(text_of(ROOT / "README.md"), "Settings")
    assert set(re.findall(r"`P2PTUBE_([A-Z_]+)`", table)) == {
        name.upper() for name in Config.model_fields
    }
    assert flags_of("serve") - {"--json", "--version", "-h", "--help"} <= set(FLAG.findall(table))


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda path: path.name)
def test_targets_of_make_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text_of(document), re.MULTILINE)) <= targets


# --- the API ------------------------------------------------------------------------------


def routes(found: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    for route in found:
        if isinstance(route, Mount):
            path = f"{prefix}{route.path}"
            yield from routes(list(route.routes), path) if route.routes else (f"GET {path}/FILE",)
        elif isinstance(route, Route):
            path = prefix + re.sub(r"{(\w+)(:\w+)?}", lambda match: match[1].upper(), route.path)
            for method in (route.methods or set()) - {"HEAD"}:
                yield f"{method} {path}"


def test_the_api_is_described_both_ways() -> None:
    guard = create_admin_app(cast(Node, SimpleNamespace(token="t")))
    (inner,) = (value for value in vars(guard).values() if isinstance(value, Starlette))
    real = set(routes(list(inner.routes)))
    assert len(real) > 20
    document = text_of(ROOT / "docs" / "api.md")
    described = re.findall(r"^### `([A-Z]+ /\S*)`", document, re.MULTILINE)
    assert sorted(described) == sorted(real)


# --- the tour of the code -----------------------------------------------------------------


def test_every_module_is_in_the_architecture_and_no_other() -> None:
    described = section(text_of(ROOT / "docs" / "architecture.md"), "Modules")
    assert described.strip() == tour().strip(), "run scripts/module_tour.py"


def test_the_names_of_the_tour_exist() -> None:
    text = text_of(ROOT / "docs" / "architecture.md")
    packages = "|".join(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
    names = set(re.findall(rf"`((?:{packages}|descriptor)(?:\.(?!py|json|sqlite)\w+)+)`", text))
    assert len(names) > 20
    for name in names:
        pkgutil.resolve_name(f"p2ptube.{name}")


def test_every_setting_of_the_session_has_its_reason() -> None:
    settings = pack(SwarmSettings(host="127.0.0.1", port=0, dht=False, lan=False))
    table = section(text_of(ROOT / "docs" / "architecture.md"), "Settings of the data plane")
    named: set[str] = set()
    for first, reason in re.findall(r"^\| (`.+?) \| .+? \| (.+?) \|$", table, re.MULTILINE):
        named |= set(re.findall(r"`(\w+)`", first))
        assert len(reason) > 10
    assert named == set(settings)


# --- links --------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = text_of(document)
    targets = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def test_images_are_small_and_used() -> None:
    text = "".join(text_of(document) for document in DOCUMENTS)
    images = sorted((ROOT / "docs" / "images").iterdir())
    assert images
    for image in images:
        assert image.stat().st_size < 150_000, image
        assert image.name in text
