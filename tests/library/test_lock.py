from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2ptube.errors import StorageError
from p2ptube.library import DataLock

HOLD = """
import sys
from pathlib import Path
from p2ptube.library import DataLock
lock = DataLock.acquire(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "data"
    with DataLock.acquire(directory) as lock:
        with pytest.raises(StorageError, match=rf"in use by another node \(pid {os.getpid()}\)"):
            DataLock.acquire(directory)
        lock.release()
        DataLock.acquire(directory).release()
    DataLock.acquire(directory).release()


def test_a_killed_node_frees_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=rf"pid {process.pid}\)"):
            DataLock.acquire(tmp_path)
        process.kill()
        process.wait()
    DataLock.acquire(tmp_path).release()


def test_a_forked_worker_does_not_keep_it(tmp_path: Path) -> None:
    lock = DataLock.acquire(tmp_path)
    read_end, write_end = os.pipe()
    forked_read, forked_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(forked_write, b"x")
        os.read(read_end, 1)
        os._exit(0)
    try:
        os.read(forked_read, 1)
        lock.release()
        DataLock.acquire(tmp_path).release()
    finally:
        os.write(write_end, b"x")
        os.waitpid(child, 0)
        for end in (read_end, write_end, forked_read, forked_write):
            os.close(end)


def test_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot use"):
        DataLock.acquire(tmp_path / "file")
