"""What a killed process leaves behind shows a patient: it is private while it is there, and gone when the next process of ours starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import environment

import PyLogikSlicerLib.core.private_folders as private_folders
from PyLogikSlicerLib.core.private_folders import PrivateFolder, remove_abandoned
from PyLogikSlicerLib.writing.output_folder import OutputFolder

KILLED = """
import os, signal, sys
from pathlib import Path
from PyLogikSlicerLib.core.private_folders import own_folder
from PyLogikSlicerLib.writing.output_folder import OutputFolder
with OutputFolder(Path(sys.argv[1])) as folder:
    staged = folder.staging()
    (staged / "frame.png").write_bytes(b"a patient")
    (own_folder().path / "frames.npz").write_bytes(b"a patient")
    print(staged, own_folder().path, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def scratch(tmp_path, monkeypatch) -> Path:
    """The system's temporary folder for this test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(private_folders.tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_private_folder_is_never_open_to_others(scratch, monkeypatch):
    before = os.umask(0)
    try:
        folder = PrivateFolder()
        assert folder.path.parent == scratch and folder.path.stat().st_mode & 0o777 == 0o700
        with OutputFolder(scratch / "out") as output:
            assert output.staging().stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
    folder.remove()
    assert not folder.path.exists()


@pytest.mark.skipif(os.name == "nt", reason="kills a process as POSIX does")
def test_what_a_killed_process_left_goes_when_the_next_one_starts_wherever_that_writes(scratch, tmp_path):
    variables = {**environment(), "TMPDIR": str(scratch)}
    command = [sys.executable, "-c", KILLED, str(tmp_path / "out")]
    killed = subprocess.run(command, env=variables, capture_output=True, text=True)
    staged, private = map(Path, killed.stdout.split())
    assert staged.is_dir() and private.is_dir()
    remove_abandoned()
    assert private.is_dir(), "its owner may be about to take its lock"
    long_ago = time.time() - 3600
    os.utime(private, (long_ago, long_ago))
    remove_abandoned()
    assert not private.exists() and not staged.exists() and (tmp_path / "out" / "images").is_dir()


def test_a_folder_in_use_is_left_alone_and_nothing_else_is_ever_removed(scratch, tmp_path):
    folder, other = PrivateFolder(), scratch / "pylogikslicer-notes"
    other.mkdir()
    precious = tmp_path / "precious"
    precious.mkdir()
    folder.add_staging(precious)
    long_ago = time.time() - 3600
    for path in (folder.path, other):
        os.utime(path, (long_ago, long_ago))
    remove_abandoned()
    assert folder.path.is_dir() and other.is_dir() and precious.is_dir()
    folder._lock.release()
    remove_abandoned()
    assert not folder.path.exists() and other.is_dir() and precious.is_dir()
