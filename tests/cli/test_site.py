"""`p2ptube site`: what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from p2ptube.cli import site as module
from p2ptube.cli.app import app

PAGE = '<html><meta name="p2ptube-stun" content="" /><script src="viewer.js"></script></html>'


@pytest.fixture(autouse=True)
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiled web app of a few bytes."""
    folder = tmp_path / "static"
    (folder / "viewer" / "parts").mkdir(parents=True)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "viewer" / "index.html").write_text(PAGE)
    (folder / "viewer" / "viewer.js").write_text("1")
    (folder / "viewer" / "parts" / "a-1.js").write_text("2")
    monkeypatch.setattr(module, "STATIC", folder)
    return folder


def site(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["site", *map(str, arguments)])


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


ALL = {"index.html", "viewer.js", "parts/a-1.js", "icon.svg", "p2ptube-site.json"}


def test_it_writes_all_files_and_says_which(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "site"
    result = site(target, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"directory": str(target), "files": sorted(ALL)}
    assert names(target) == ALL
    assert (target / "index.html").read_text() == PAGE


def test_again_replaces_what_it_wrote_and_removes_what_is_outdated(
    tmp_path: Path, static: Path
) -> None:
    target = tmp_path / "site"
    assert site(target).exit_code == 0
    (target / "mine.txt").write_text("stays")
    (static / "viewer" / "viewer.js").write_text("newer")
    (static / "viewer" / "parts" / "a-1.js").rename(static / "viewer" / "parts" / "a-2.js")
    assert site(target).exit_code == 0
    assert names(target) == ALL - {"parts/a-1.js"} | {"parts/a-2.js", "mine.txt"}
    assert (target / "viewer.js").read_text() == "newer"


@pytest.mark.parametrize("name", ["index.html", "icon.svg", "p2ptube-site.json"])
def test_it_refuses_to_replace_files_of_others(tmp_path: Path, name: str) -> None:
    target = tmp_path / "site"
    target.mkdir()
    (target / name).write_text("mine")
    result = site(target)
    assert result.exit_code == 1
    assert name in result.stderr and "--force" in result.stderr
    assert result.stderr.count("\n") == 1
    assert names(target) == {name}
    assert site(target, "--force").exit_code == 0
    assert names(target) == ALL


def test_a_file_that_was_changed_since_is_somebodys(tmp_path: Path, static: Path) -> None:
    target = tmp_path / "site"
    assert site(target).exit_code == 0
    (target / "index.html").write_text("edited by hand")
    result = site(target)
    assert result.exit_code == 1 and "index.html" in result.stderr
    (static / "viewer" / "parts" / "a-1.js").unlink()
    (target / "parts" / "a-1.js").write_text("edited, too")
    assert site(target, "--force").exit_code == 0
    assert (target / "index.html").read_text() == PAGE
    assert (target / "parts" / "a-1.js").read_text() == "edited, too"


def test_a_record_that_names_files_elsewhere_removes_none(tmp_path: Path) -> None:
    target = tmp_path / "site"
    assert site(target).exit_code == 0
    outside = tmp_path / "precious"
    outside.write_text("x")
    record = json.loads((target / "p2ptube-site.json").read_text())
    digest = module._digest(b"x")
    record["files"] |= {"../precious": digest, str(outside): digest}
    (target / "p2ptube-site.json").write_text(json.dumps(record))
    assert site(target).exit_code == 0
    assert outside.read_text() == "x"


def test_stun_servers_are_written_into_the_page(tmp_path: Path) -> None:
    servers = ("--stun", "stun.example.org:3478", "--stun", "[2001:db8::1]:3478")
    assert site(tmp_path / "site", *servers).exit_code == 0
    page = (tmp_path / "site" / "index.html").read_text()
    told = re.search(r'name="p2ptube-stun" content="([^"]*)"', page)
    assert told and told[1] == "stun:stun.example.org:3478 stun:[2001:db8::1]:3478"


@pytest.mark.parametrize("server", ["x", 'a"b:1', "stun.example.org", "<b>:3478"])
def test_what_is_no_stun_server_is_refused(tmp_path: Path, server: str) -> None:
    result = site(tmp_path / "site", "--stun", server)
    assert result.exit_code == 1 and "--stun" in result.stderr
    assert not (tmp_path / "site").exists()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        result = site(target)
        assert result.exit_code == 1
        assert result.stderr.startswith("p2ptube: ") and result.stderr.count("\n") == 1


def test_without_a_compiled_page(tmp_path: Path, static: Path) -> None:
    (static / "viewer" / "index.html").unlink()
    result = site(tmp_path / "site")
    assert result.exit_code == 1 and "not compiled" in result.stderr
