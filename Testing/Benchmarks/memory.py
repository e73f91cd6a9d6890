#!/usr/bin/env python3
"""Peak memory of a de-identification of a long colour cine, run as a process of its own (issue: below 1.5 GB for 1,000 frames).

    python Testing/Benchmarks/memory.py [--frames 1000] [--rows 768] [--columns 1024]

The cine is uncompressed RGB DICOM, written frame by frame: still furniture with text, a small sector of speckle that moves
(time, not memory, grows with its size), a timer. Linux only: it reads VmHWM of the process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid
from results import HERE, write_section


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=768)
    parser.add_argument("--columns", type=int, default=1024)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cine = Path(folder) / "cine.dcm"
        pictures = pictures_of(arguments.frames, arguments.rows, arguments.columns)
        write_cine(cine, pictures, arguments.frames, arguments.rows, arguments.columns)
        seconds, peak, status = measured(cine, Path(folder) / "out")
        size = cine.stat().st_size
    figures = f"{size / 1e9:.2f} GB | {peak / 1e6:.0f} MB | {seconds:.0f} s | {status}"
    row = f"| {arguments.frames} | {arguments.columns} x {arguments.rows} RGB | {figures} |"
    write_section(
        "memory", f"| frames | size | pixel data | peak memory | time | exit status |\n| ---: | --- | ---: | ---: | ---: | ---: |\n{row}"
    )
    print(row)
    return status


def write_cine(path: Path, pictures: Iterable[np.ndarray], frames: int, rows: int, columns: int) -> None:
    """One pass, one frame in memory: the header by pydicom, the pixel data element by hand behind it. ``pictures``: uint8 RGB frames."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UltrasoundMultiFrameImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPClassUID, header.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    header.Modality, header.PatientName = "US", "Memory^Test"
    header.Rows, header.Columns, header.NumberOfFrames = rows, columns, frames
    header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 8, 8, 7, 0
    header.save_as(path, enforce_file_format=True)
    length = frames * rows * columns * 3
    with open(path, "ab") as file:
        file.write(b"\xe0\x7f\x10\x00OW\0\0" + length.to_bytes(4, "little"))
        for picture in pictures:
            file.write(picture.tobytes())


def pictures_of(frames: int, rows: int, columns: int) -> Iterator[np.ndarray]:
    """Frames (rows, columns, 3): a fan of speckle that drifts, still text around it, a timer."""
    generator = np.random.default_rng(1)
    ys, xs = np.mgrid[:rows, :columns]
    angle, radius = np.arctan2(xs - columns / 2, ys + 1), np.hypot(xs - columns / 2, ys)
    fan = (abs(angle) < 0.6) & (radius > 0.12 * rows) & (radius < 0.45 * rows)
    field = generator.normal(size=(2, rows * 2, columns)).astype(np.float32)
    speckle = np.hypot(*(cv2.GaussianBlur(part, (0, 0), 2) for part in field))
    speckle = np.clip(speckle / speckle.mean() * 60, 0, 255).astype(np.uint8)
    for number in range(frames):
        frame = np.zeros((rows, columns, 3), np.uint8)
        frame[fan] = np.roll(speckle, 3 * number, axis=0)[:rows][fan][:, None]
        for text, place in (("MEMORY TEST 01.02.2003", (20, 30)), ("MI 0.8", (20, 80)), (f"00:{number % 60:02d}", (columns - 120, 30))):
            cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
        yield frame


def measured(source: Path, out: Path) -> tuple[float, int, int]:
    """(seconds, peak resident bytes, exit status) of the command line on one file."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "PyLogikSlicer")}
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "PyLogikSlicerLib", "deid", str(source), "-o", str(out)], env=environment)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _peak_of(process.pid))
        time.sleep(0.2)
    return time.perf_counter() - start, peak, process.returncode


def _peak_of(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
