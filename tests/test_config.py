from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptube.config import Config, load_config
from p2ptube.errors import InvalidInput


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(f"P2PTUBE_{name.upper()}", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def write(directory: Path, text: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.toml").write_text(text)


def test_the_defaults(tmp_path: Path) -> None:
    config = load_config(data_dir=tmp_path)
    assert (config.port, config.swarm_port, config.web_port) == (5678, 5679, 5680)
    assert (config.public_port, config.hops, config.max_peers) == (None, 3, 50)
    assert config.name == socket.gethostname()
    assert config.data_dir == tmp_path


def test_a_flag_is_above_the_environment_above_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "port = 1\nswarm_port = 1\nweb_port = 1\njoin = ['a:1', 'b:2']\n")
    monkeypatch.setenv("P2PTUBE_SWARM_PORT", "2")
    monkeypatch.setenv("P2PTUBE_WEB_PORT", "2")
    config = load_config(data_dir=tmp_path, web_port=3, port=None)
    assert (config.port, config.swarm_port, config.web_port) == (1, 2, 3)
    assert config.join == ("a:1", "b:2")
    assert config.public_port is None


def test_the_file_lies_in_the_data_directory_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "other", "name = 'other'")
    monkeypatch.setenv("P2PTUBE_DATA_DIR", str(tmp_path / "other"))
    assert load_config().name == "other"
    write(tmp_path / "flag", "name = 'flag'")
    assert load_config(data_dir=tmp_path / "flag").name == "flag"


def test_the_file_lies_in_the_usual_data_directory(tmp_path: Path) -> None:
    directory = load_config().data_dir
    assert directory.is_relative_to(tmp_path)
    write(directory, "name = 'usual'")
    assert load_config().name == "usual"


BAD = [
    ("port", "65536"),
    ("port", "-1"),
    ("swarm_port", "x"),
    ("max_peers", "0"),
    ("hops", "11"),
    ("upload_limit", "-5"),
    ("stabilize_interval", "0"),
    ("dht", "perhaps"),
    ("name", "x" * 101),
    ("join", "a:1"),
    ("proxy", "127.0.0.1:9050"),
    ("stun_server", "stun.example"),
    ("blocked", '["192.0.2.0/33"]'),
    ("connections_per_address", "0"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_of_the_environment_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"P2PTUBE_{name.upper()}", value)
    with pytest.raises(InvalidInput, match=name) as caught:
        load_config(data_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_flag_or_line_of_the_file_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        load_config(data_dir=tmp_path, **{name: value})
    write(tmp_path, f"{name} = '{value}'")
    with pytest.raises(InvalidInput, match=name) as caught:
        load_config(data_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://t.example", "http://t.example/announce"),
        ("wss://t.example:8/", "wss://t.example:8/announce"),
        ("https://t.example/secret/announce?key=1", "https://t.example/secret/announce?key=1"),
        ("udp://t.example:6969", "udp://t.example:6969"),
        ("udp://[2001:db8::1]:6969/announce", "udp://[2001:db8::1]:6969/announce"),
    ],
)
def test_a_tracker_is_taken(tmp_path: Path, url: str, kept: str) -> None:
    assert load_config(data_dir=tmp_path, tracker=(url,)).tracker == (kept,)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("t.example:6969", "begins with"),
        ("ftp://t.example", "begins with"),
        ("http://", "with a host"),
        ("http:///announce", "with a host"),
        ("http://t.example:/announce", "with a host"),
        ("http://t.example:65536", "with a host"),
        ("udp://t.example:0", "with a host"),
        ("http://t.example/an nounce", "with a host"),
        ("udp://t.example/announce", "needs a port"),
        ("udp://[2001:db8::1]", "needs a port"),
    ],
)
def test_what_is_no_tracker_is_refused(tmp_path: Path, url: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        load_config(data_dir=tmp_path, tracker=(url,))


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "prot = 5\n")
    with pytest.raises(InvalidInput, match="prot"):
        load_config(data_dir=tmp_path)


@pytest.mark.parametrize("text", ["port =", "[", "port = 1\nport = 2", "\0"])
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    with pytest.raises(InvalidInput, match="settings"):
        load_config(data_dir=tmp_path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(InvalidInput):
        load_config(data_dir=tmp_path)


@given(st.binary(max_size=60))
@settings(deadline=None)  # the disk may be slow
def test_garbage_in_the_file(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    directory = tmp_path_factory.mktemp("garbage")
    (directory / "config.toml").write_bytes(content)
    try:
        load_config(data_dir=directory)
    except InvalidInput as error:
        assert str(error)


def test_settings_are_frozen(tmp_path: Path) -> None:
    config = load_config(data_dir=tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        config.port = 5
