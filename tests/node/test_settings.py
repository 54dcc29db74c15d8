"""Settings that the user changes: checked, kept in config.toml, applied at once where possible."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clips import make_clip
from tests.node.checks import problem
from tests.nodes import NodeProcess, Start, acquainted

from p2ptube.config import Config, load_config
from p2ptube.errors import Conflict, InvalidInput
from p2ptube.node.preferences import CHANGEABLE, Preferences, checked_value

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def preferences(directory: Path, **flags: Any) -> tuple[Preferences, list[Config]]:
    applied: list[Config] = []
    config = load_config(data_dir=directory, **flags)
    return Preferences(config, applied.append), applied


# --- checking -------------------------------------------------------------------------------


@given(st.sampled_from([*CHANGEABLE, "host", "data_dir", "nothing"]), json_values)
def test_whatever_is_sent_is_checked_or_refused_by_name(name: str, value: Any) -> None:
    try:
        checked = checked_value(name, value)
    except InvalidInput as refusal:
        assert str(refusal).startswith(f"setting {name}: ")
        return
    assert name in CHANGEABLE
    # What passes is what the next start takes from the file.
    config = Config(data_dir=Path("/nowhere"), **{name: checked})
    assert getattr(config, name) == checked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "5678"),
        ("port", True),
        ("port", 65536),
        ("port", None),
        ("max_peers", 0),
        ("upload_limit", -1),
        ("download_limit", 2**31),
        ("limit_lan", 1),
        ("yielding", "yes"),
        ("schedule", "mon 08:00-18:00 up=1MB/s"),
        ("schedule", ["mon 08:00-18:00"]),
        ("schedule", ["mon 08:00-18:00 up=1MB/s"] * 51),
        ("name", " "),
        ("name", "a\nb"),
        ("name", "x" * 101),
        ("tracker", "http://t.example/announce"),
        ("tracker", ["t.example"]),
        ("tracker", ["http://t.example/announce"] * 17),
        ("proxy", "socks4://127.0.0.1:1080"),
        ("stun_server", "stun.example"),
        ("blocked", ["host.example"]),
        ("connections_per_address", 0),
        ("host", "0.0.0.0"),
    ],
)
async def test_one_wrong_setting_changes_nothing(tmp_path: Path, name: str, value: Any) -> None:
    kept, applied = preferences(tmp_path)
    before = kept.view()
    with pytest.raises(InvalidInput, match=f"^setting {name}: "):
        await kept.change({"download_limit": 1000, name: value})
    assert kept.view() == before
    assert applied == []
    assert not (tmp_path / "config.toml").exists()


async def test_two_servers_do_not_get_one_port(tmp_path: Path) -> None:
    kept, _ = preferences(tmp_path)
    with pytest.raises(InvalidInput, match="setting port: swarm_port has this port"):
        await kept.change({"port": 5679})
    with pytest.raises(InvalidInput, match="setting public_port: web_port has this port"):
        await kept.change({"web_port": 7000, "public_port": 7000})
    exchanged = await kept.change({"port": 5679, "swarm_port": 5678})
    assert exchanged.restart == ("port", "swarm_port")
    zeros = await kept.change({"port": 0, "swarm_port": 0})
    assert (zeros.settings["port"], zeros.settings["swarm_port"]) == (0, 0)


# --- the file -------------------------------------------------------------------------------


async def test_the_file_keeps_what_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('# mine\nhops = 2  # not far\nname = "Old"\npublic_port = 5681\n')
    kept, _ = preferences(tmp_path)
    changes: dict[str, Any] = {
        "name": "Ünal",
        "tracker": ["udp://t.example:1/announce"],
        "public_port": None,
    }
    view = await kept.change(changes)
    text = file.read_text()
    assert "# mine\nhops = 2  # not far\n" in text
    assert tomllib.loads(text) == {
        "hops": 2,
        "name": "Ünal",
        "tracker": ["udp://t.example:1/announce"],
    }
    assert file.stat().st_mode & 0o777 == 0o600
    assert view.restart == ("public_port",)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    again = load_config(data_dir=tmp_path)
    assert (again.name, again.tracker, again.public_port, again.hops) == (
        "Ünal",
        ("udp://t.example:1/announce",),
        None,
        2,
    )


async def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    real, directory = tmp_path / "dotfiles.toml", tmp_path / "data"
    directory.mkdir()
    real.write_text("")
    (directory / "config.toml").symlink_to(real)
    kept, _ = preferences(directory)
    await kept.change({"max_peers": 9})
    assert (directory / "config.toml").is_symlink()
    assert tomllib.loads(real.read_text()) == {"max_peers": 9}


async def test_a_file_that_was_spoilt_meanwhile_is_left_alone(tmp_path: Path) -> None:
    kept, applied = preferences(tmp_path)
    (tmp_path / "config.toml").write_text("name = ")
    with pytest.raises(Conflict, match="unreadable"):
        await kept.change({"name": "Ada"})
    assert (tmp_path / "config.toml").read_text() == "name = "
    assert applied == []


async def test_many_changes_at_once_all_count(tmp_path: Path) -> None:
    kept, applied = preferences(tmp_path)
    changes: list[dict[str, Any]] = [
        {"max_peers": 7},
        {"upload_limit": 1},
        {"download_limit": 2},
        {"dht": False},
    ]
    await asyncio.gather(*(kept.change(change) for change in changes))
    written = tomllib.loads((tmp_path / "config.toml").read_text())
    assert written == {"max_peers": 7, "upload_limit": 1, "download_limit": 2, "dht": False}
    assert (applied[-1].upload_limit, applied[-1].download_limit) == (1, 2)


async def test_what_a_flag_or_the_environment_decides_is_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("P2PTUBE_UPLOAD_LIMIT", "1000")
    kept, _ = preferences(tmp_path, port=7000)
    view = kept.view()
    assert view.fixed == ("port", "upload_limit")
    for name, value in (("port", 7001), ("upload_limit", 0)):
        with pytest.raises(Conflict, match=f"^setting {name}: "):
            await kept.change({name: value})
    # A form that sends everything, changed or not, is fine.
    assert (await kept.change(view.settings)).restart == ()


# --- a running node -------------------------------------------------------------------------


def patch(node: NodeProcess, **changes: Any) -> dict[str, Any]:
    view: dict[str, Any] = node._checked(node.api.patch("settings", json=changes))
    return view


def test_a_name_is_seen_by_others_and_in_new_videos_and_survives(
    start: Start, tmp_path: Path
) -> None:
    a = start(tmp_path / "a", upload_limit=None)
    b = start(tmp_path / "b", join=a.peer_id)
    acquainted(a, b)
    shown = a.get("settings")
    assert set(shown["settings"]) == set(CHANGEABLE)
    assert set(shown["fixed"]) == {"port", "swarm_port", "web_port", "dht", "lan"}
    changed = patch(a, name="Ada's node", max_peers=40)
    assert (changed["settings"]["name"], changed["restart"]) == ("Ada's node", ["max_peers"])
    assert a.get("node")["name"] == "Ada's node"
    b.until(lambda: b.get("peers")[0]["name"], lambda name: name == "Ada's node")
    video = a.add(make_clip(tmp_path / "clip.mp4", seconds=2, faststart=True))
    assert video["publisher"]["name"] == "Ada's node"

    refused = a.api.patch("settings", json={"port": 7000})
    assert "setting port" in problem(refused, 409)
    assert "setting max_peers" in problem(a.api.patch("settings", json={"max_peers": "x"}), 400)
    a.stop()
    a.start()
    again = a.get("settings")
    assert (again["settings"], again["restart"]) == (changed["settings"], [])


def test_limits_hold_at_once_for_open_connections(start: Start, tmp_path: Path) -> None:
    film = make_clip(tmp_path / "film.mp4", seconds=15, bit_rate=3_000_000, faststart=True)
    a = start(tmp_path / "a", upload_limit=None)
    patch(a, upload_limit=50_000, limit_lan=True)
    b = start(tmp_path / "b", join=a.peer_id)
    acquainted(a, b)
    video = a.add(film)
    b.find("film")
    b.post(f"videos/{video['id']}/fetch")  # would take minutes
    b.until(lambda: b.get(f"videos/{video['id']}/swarm")["peers"], bool)
    assert b.get(f"videos/{video['id']}")["state"] == "fetching"
    assert patch(a, limit_lan=False)["restart"] == []
    b.complete(video["id"], 20)


def test_a_schedule_holds_at_once_and_so_does_yielding(start: Start, tmp_path: Path) -> None:
    a = start(tmp_path / "a", upload_limit=None)
    assert (a.get("node")["upload_limit"], a.get("node")["yielding_limit"]) == (0, 0)
    always = "daily 00:00-24:00 up=3MB/s"
    changed = patch(a, schedule=["mon-sun 00:00-24:00 up=3000kB/s"], yielding=True)
    assert changed["restart"] == []
    assert changed["settings"]["schedule"] == [always]
    assert changed["settings"]["yielding"] is True
    assert a.get("node")["upload_limit"] == 3_000_000
    assert a.get("node")["download_limit"] == 0
    assert a.get("node")["uplink_delay"] is None
    assert patch(a, schedule=[], upload_limit=5000, yielding=False)["restart"] == []
    assert a.get("node")["upload_limit"] == 5000
