"""Small real inputs of every kind, and what came of a run over them: shared by the tests of whole runs."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import SimpleITK as sitk
from PIL import Image
from planted import write
from reading_samples import ct_image, write_dicom

from PyLogikSlicerLib.batch import run
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.core.stack import ImageStack
from PyLogikSlicerLib.writing.output_folder import file_sha256

PACKAGE_ROOT = Path(__file__).resolve().parents[3] / "PyLogikSlicer"


def picture(seed=0, text="", rows=128, columns=128) -> np.ndarray:
    """A real CT slice in one of eight positions, in the middle of uint8 ``(rows, columns)``, with ``text`` across its lower part.

    No reader sees text in the slice itself, so that what a run finds is what was written.
    """
    slice_ = ct_image().astype(float)
    level = np.rint((slice_ - slice_.min()) / np.ptp(slice_) * 255).astype(np.uint8)
    turned = np.roll(np.rot90(level if seed % 8 < 4 else np.fliplr(level), seed), seed // 8, axis=0)
    above, left = max((rows - 128) // 2, 0), max((columns - 128) // 2, 0)
    shown = turned[max((128 - rows) // 2, 0) :, max((128 - columns) // 2, 0) :][:rows, :columns]
    image = np.zeros((rows, columns), np.uint8)
    image[above : above + shown.shape[0], left : left + shown.shape[1]] = shown
    return write(image, text, 8, rows - 24) if text else image


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def dicom(path: Path, frames: list[np.ndarray], **attributes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = {"NumberOfFrames": len(frames)} if len(frames) > 1 else {}
    return write_dicom(path, b"".join(frame.tobytes() for frame in frames), frames[0], **{"Modality": "US"} | count | attributes)


def video(path: Path, frames: list[np.ndarray]) -> Path:
    rows, columns = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (columns, rows))
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def volume(path: Path, array: np.ndarray) -> Path:
    image = sitk.GetImageFromArray(array) if array.ndim < 4 else sitk.JoinSeries([sitk.GetImageFromArray(part) for part in array])
    sitk.WriteImage(image, str(path))
    return path


def every_kind(folder: Path) -> dict[str, int]:
    """One small input of each kind that is read, written to ``folder``; their names and how many frames each has."""
    folder.mkdir(parents=True, exist_ok=True)
    gray = [picture(seed, "AB 12", 96, 112) for seed in range(2)]
    color = np.stack([gray[0], gray[0] // 2, gray[0] // 4], axis=2)
    deep = gray[0].astype(np.uint16) * 16
    dicom(folder / "monochrome2.dcm", gray[:1])
    dicom(folder / "monochrome1.dcm", [255 - gray[0]], PhotometricInterpretation="MONOCHROME1")
    dicom(folder / "signed.dcm", [deep.astype(np.int16) - 1024])
    dicom(folder / "sixteen.dcm", [deep], BitsStored=12)
    dicom(folder / "rgb.dcm", [color])
    table = np.arange(256, dtype=np.uint16) * 257
    palette = {f"{name}PaletteColorLookupTableData": (table // share).tobytes() for name, share in (("Red", 1), ("Green", 2), ("Blue", 4))}
    descriptors = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in ("Red", "Green", "Blue")}
    dicom(folder / "palette.dcm", gray[:1], PhotometricInterpretation="PALETTE COLOR", **palette, **descriptors)
    dicom(folder / "cine.dcm", gray)
    save(folder / "gray.png", gray[0])
    save(folder / "color.jpg", color)
    save(folder / "deep.png", deep)
    Image.fromarray(gray[0]).save(folder / "pages.tif", save_all=True, append_images=[Image.fromarray(gray[1])])
    video(folder / "clip.avi", gray)
    volume(folder / "flat.nrrd", gray[0])
    volume(folder / "volume.nii.gz", np.stack(gray).astype(np.int16))
    volume(folder / "series.nii", np.stack([gray[:1], gray[1:]]).astype(np.float32))
    counts = {"cine": 2, "pages": 2, "clip": 2, "volume": 2, "series": 2}
    names = [path.name.split(".")[0] for path in folder.iterdir()]
    return {name: counts.get(name, 1) for name in names}


class Run:
    """A run in this process, and what it left behind. ``worked_on``: numbers of the inputs that were examined.

    Images keep the names of their files, by which the tests know them, unless ``rename`` is an option.
    """

    def __init__(self, inputs, output, engine, **options) -> None:
        self.output = Path(output)
        self.worked_on: set[int] = set()
        self.events: list[tuple[int, str, str]] = []
        inputs = [inputs] if isinstance(inputs, Path) else inputs
        chosen = Options(**{"rename": False} | options)
        self.report = run(inputs, self.output, chosen, self._progress, lambda *event: self.events.append(event), engine)

    def _progress(self, source, *_) -> None:
        self.worked_on.add(source)

    @property
    def statuses(self) -> list[str]:
        return [status for _, status, _ in self.events]

    def reason(self) -> str:
        """Why the only input that was not done was not."""
        (reason,) = [reason for _, status, reason in self.events if status != "done"]
        return reason

    @property
    def images(self) -> dict[str, dict]:
        return {image["name"]: image for image in self.report["images"]}


def table(output: Path, name: str) -> list[dict[str, str]]:
    with open(output / "phi" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files_below(folder: Path) -> dict[str, bytes]:
    """Content of every file, by its path relative to ``folder``."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def shared_files(output: Path) -> dict[str, bytes]:
    """What may be shared: all but phi/."""
    return {path: content for path, content in files_below(output).items() if not path.startswith("phi/")}


def leftovers(output: Path) -> list[str]:
    return [path.relative_to(output).as_posix() for path in output.rglob(".partial*")]


def assert_consistent(output: Path) -> None:
    """Nothing half written: every published file is in the report with its hash, and the other way round."""
    assert not leftovers(output)
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    expected = {path: digest for image in report["images"] for path, digest in image.get("files", {}).items()}
    assert {f"images/{path}": file_sha256(output / "images" / path) for path in files_below(output / "images")} == expected
    done = [image["name"] for image in report["images"] if image["status"] == "done"]
    assert sorted(row["name"] for row in table(output, "crosswalk")) == sorted(done)
    assert {row["name"] for row in table(output, "text")} <= set(done)


def command(*arguments, **settings) -> subprocess.CompletedProcess:
    """The command line as a person starts it, in a process of its own."""
    started = [sys.executable, "-m", "PyLogikSlicerLib", *map(str, arguments)]
    return subprocess.run(started, capture_output=True, timeout=120, **{"env": environment()} | settings)


def start_command(*arguments) -> subprocess.Popen:
    """As from a terminal: a test run in the background (nohup, a job without control) would hand down that Ctrl-C is ignored."""
    started = [sys.executable, "-m", "PyLogikSlicerLib", *map(str, arguments)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    finally:
        signal.signal(signal.SIGINT, before)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}


def frames_of(stack: ImageStack) -> list[np.ndarray]:
    return [frame.copy() for frame in stack.frames()]
