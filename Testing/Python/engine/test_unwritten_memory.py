"""What a decoder did not write never becomes a pixel: the same files, decoded in memory full of two different patterns."""

from __future__ import annotations

import os
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="MALLOC_PERTURB_ is glibc's")


@pytest.fixture(scope="module")
def unwritten_memory(benchmark_module):
    return benchmark_module("unwritten_memory")


@pytest.fixture
def folders(tmp_path):
    for name in ("valid", "all"):
        (tmp_path / name).mkdir()
    return tmp_path / "valid", tmp_path / "all"


def with_damages(module, folders, damages, seed):
    """All samples, each whole and with that many damages, in the second of the folders."""
    valid, everything = folders
    for path in module.write_samples(valid):
        os.link(path, everything / path.name)
        for number in range(damages):
            (everything / f"{path.stem}~{number}{path.suffix}").write_bytes(module.damaged(path.read_bytes(), number, seed)[1])
    return everything


def test_no_frame_depends_on_what_lay_in_memory(unwritten_memory, folders):
    became, differing = unwritten_memory.compare(with_damages(unwritten_memory, folders, 4, seed=11))
    assert not differing
    assert not [name for name, frames in became.items() if "~" not in name and frames[-1].startswith(("refused", "crashed"))]
    assert sum(frames[-1].startswith("refused") for frames in became.values()) > 50  # truncated and lying files are told


@pytest.mark.slow
def test_so_it_is_for_more_damages(unwritten_memory, folders):
    assert not unwritten_memory.compare(with_damages(unwritten_memory, folders, 24, seed=12))[1]


def test_memory_that_is_not_written_is_seen_by_this(unwritten_memory, tmp_path):
    """The opposite: a program that sends what lay in memory differs under the two patterns."""
    import subprocess

    said = [
        subprocess.run(
            [sys.executable, "-c", "import numpy, sys; sys.stdout.buffer.write(numpy.empty(100_000, numpy.uint8).tobytes())"],
            env={**os.environ, "MALLOC_PERTURB_": str(pattern), "MALLOC_MMAP_THRESHOLD_": str(1 << 30)},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for pattern in unwritten_memory.PATTERNS
    ]
    assert len(said[0]) == 100_000
    assert said[0] != said[1]
