#!/usr/bin/env python3
"""Whether a decoder's memory ever becomes pixels: valid, truncated, damaged and lying files of every codec, in memory full of a pattern.

    python Testing/Benchmarks/unwritten_memory.py [--damages 12] [--seed 1] [--dry]

Two processes decode the same files. In each the C library fills all memory that is taken with a pattern of its own (glibc's
MALLOC_PERTURB_, with large blocks from the heap too), as if another patient's image lay there. A frame that differs between the two
holds memory that no decoder wrote. Writes its section of RESULTS.md, unless --dry. Linux with glibc only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "PyLogikSlicer"
PATTERNS = (85, 170)
ROWS, COLUMNS, FRAMES = 120, 160, 4
LYING = b"\x01\xf0"  # 496: a size that the file does not hold


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A stack of grey frames of 8 bits, one of 16, and one of color, ``(frames, rows, columns[, 3])``."""
    generator = np.random.default_rng(3)
    across, down = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    grey = np.stack([(across + 2 * down + 9 * number) % 256 for number in range(FRAMES)]).astype(np.uint8)
    grey[:, 30:60, 30:90] = generator.integers(0, 255, (FRAMES, 30, 60))
    return grey, grey.astype(np.uint16) * 201 + 7, np.stack([grey, grey[:, ::-1], 255 - grey], axis=-1)


def write_samples(folder: Path) -> list[Path]:
    """A valid file of each codec and container."""
    grey, deep, color = pictures()
    return [
        *_write_stills(folder, grey, deep, color),
        *_write_tiffs(folder, grey, deep, color),
        *_write_volumes(folder, deep, color),
        *_write_videos(folder, color),
        *_write_dicom(folder, grey, deep, color),
    ]


def _write_stills(folder: Path, grey: np.ndarray, deep: np.ndarray, color: np.ndarray) -> Iterator[Path]:
    import imagecodecs
    from PIL import Image

    for suffix in ("png", "jpg", "bmp", "gif", "webp", "jp2", "ppm"):
        path = folder / f"color.{suffix}"
        Image.fromarray(color[0]).save(path)
        yield path
    animation = folder / "animation.gif"
    first, *others = map(Image.fromarray, color)
    first.save(animation, save_all=True, append_images=others)
    yield animation
    encoded = {
        "deep.png": imagecodecs.png_encode(deep[0]),
        "deep_color.png": imagecodecs.png_encode(color[0].astype(np.uint16) * 257),
        "deep.jp2": imagecodecs.jpeg2k_encode(color[0].astype(np.uint16) * 257, level=0),
        "deep.jxl": imagecodecs.jpegxl_encode(deep[0], lossless=True),
        "progressive.jpg": _progressive(color[0]),
    }
    for name, data in encoded.items():
        (folder / name).write_bytes(bytes(data))
        yield folder / name


def _progressive(image: np.ndarray) -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", progressive=True)
    return stream.getvalue()


def _write_tiffs(folder: Path, grey: np.ndarray, deep: np.ndarray, color: np.ndarray) -> Iterator[Path]:
    import tifffile

    kinds: dict[str, tuple[np.ndarray, dict]] = {
        "plain": (grey, {}),
        "planar16": (np.moveaxis(color[0], -1, 0).astype(np.uint16) * 257, {"planarconfig": "separate", "photometric": "rgb"}),
        "lzw": (grey, {"compression": "lzw"}),
        "deflate": (deep, {"compression": "zlib", "predictor": True}),
        "packbits": (grey, {"compression": "packbits"}),
        "jpeg": (color, {"compression": "jpeg", "photometric": "rgb"}),
        "tiled": (deep[0], {"tile": (64, 64), "compression": "zlib"}),
        "tiled_plain": (color[0], {"tile": (64, 64), "photometric": "rgb"}),
        "zstd": (deep, {"compression": "zstd"}),
        "big": (grey, {"bigtiff": True}),
        "imagej": (grey, {"imagej": True}),
    }
    for name, (data, options) in kinds.items():
        options = dict(options)
        path, is_big, is_imagej = folder / f"{name}.tif", options.pop("bigtiff", False), options.pop("imagej", False)
        tifffile.imwrite(path, data, bigtiff=is_big, imagej=is_imagej, **{"photometric": "minisblack", **options})
        yield path


def _write_volumes(folder: Path, deep: np.ndarray, color: np.ndarray) -> Iterator[Path]:
    import SimpleITK as sitk

    for name, compressed in (
        ("a.nii", False),
        ("a.nii.gz", False),
        ("a.nrrd", False),
        ("gz.nrrd", True),
        ("a.mha", False),
        ("z.mha", True),
    ):
        sitk.WriteImage(sitk.GetImageFromArray(deep), str(folder / name), compressed)
        yield folder / name
    sitk.WriteImage(sitk.GetImageFromArray(color, isVector=True), str(folder / "color.mha"), True)
    yield folder / "color.mha"


def _write_videos(folder: Path, color: np.ndarray) -> Iterator[Path]:
    import av

    kinds = {
        "mpeg2.mpg": ("mpeg2video", "yuv420p", {}),
        "interlaced.mpg": ("mpeg2video", "yuv420p", {"flags": "+ildct+ilme", "top": "1"}),
        "h264.mp4": ("libx264", "yuv420p", {}),
        "interlaced.mp4": ("libx264", "yuv420p", {"x264opts": "tff=1", "flags": "+ildct+ilme"}),
        "mpeg4.avi": ("mpeg4", "yuv420p", {}),
        "interlaced.avi": ("mpeg4", "yuv420p", {"flags": "+ildct+ilme"}),
        "mjpeg.avi": ("mjpeg", "yuvj422p", {}),
        "ffv1.mkv": ("ffv1", "yuv444p", {}),
        "vp9.webm": ("libvpx-vp9", "yuv420p", {}),
        "av1.mkv": ("libsvtav1", "yuv420p", {}),
        "raw.avi": ("rawvideo", "yuv420p", {}),
    }
    for name, (codec, pixels, options) in kinds.items():
        path = folder / name
        try:
            with av.open(str(path), "w") as container:
                stream = container.add_stream(codec, rate=25, options=options)
                stream.width, stream.height, stream.pix_fmt = COLUMNS, ROWS, pixels
                for number in range(3 * FRAMES):
                    frame = av.VideoFrame.from_ndarray(np.roll(color[number % FRAMES], number, axis=1).copy(), format="rgb24")
                    for packet in stream.encode(frame):
                        container.mux(packet)
                for packet in stream.encode():
                    container.mux(packet)
        except (av.error.FFmpegError, ValueError):  # this FFmpeg cannot encode to it
            path.unlink(missing_ok=True)
            continue
        yield path


def _write_dicom(folder: Path, grey: np.ndarray, deep: np.ndarray, color: np.ndarray) -> Iterator[Path]:
    import imagecodecs
    from pydicom.uid import RLELossless

    jpeg = "1.2.840.10008.1.2.4."
    encoders: dict[str, tuple[np.ndarray, str, Callable[[np.ndarray], bytes]]] = {
        "native": (deep, "1.2.840.10008.1.2.1", lambda frame: frame.tobytes()),
        "deflated": (deep, "1.2.840.10008.1.2.1.99", lambda frame: frame.tobytes()),
        "jpeg": (color, jpeg + "50", lambda frame: imagecodecs.jpeg8_encode(frame, level=95)),
        "jpeg12": (deep >> 4, jpeg + "51", lambda frame: imagecodecs.jpeg8_encode(frame, level=95, bitspersample=12)),
        "lossless": (deep, jpeg + "70", lambda frame: imagecodecs.jpeg8_encode(frame, lossless=True, bitspersample=16)),
        "jpegls": (deep, jpeg + "80", imagecodecs.jpegls_encode),
        "jpegls_color": (color, jpeg + "80", imagecodecs.jpegls_encode),
        "jpeg2000": (deep, jpeg + "90", lambda frame: imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k")),
        "htj2k": (deep, jpeg + "201", imagecodecs.htj2k_encode),
        "jpegxl": (grey, jpeg + "110", lambda frame: imagecodecs.jpegxl_encode(frame, lossless=True)),
        "rle": (color, str(RLELossless), None),
    }
    for name, (frames, syntax, encode) in encoders.items():
        path = folder / f"{name}.dcm"
        _dicom(path, frames, syntax, encode)
        yield path


def _dicom(path: Path, frames: np.ndarray, syntax: str, encode: Callable[[np.ndarray], bytes] | None) -> None:
    from pydicom._uid_dict import UID_dictionary
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    UID_dictionary.setdefault(syntax, ("", "Transfer Syntax", "", "", ""))
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid(entropy_srcs=[path.name])
    dataset.Modality, dataset.PatientName, dataset.NumberOfFrames = "US", "DOE^JANE", len(frames)
    dataset.Rows, dataset.Columns = frames.shape[1:3]
    is_color, bits = frames.ndim == 4, 8 * frames.itemsize
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = (3, "RGB") if is_color else (1, "MONOCHROME2")
    if is_color:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    if encode is None:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.PixelData = frames.tobytes()
        dataset["PixelData"].VR = "OB"
        dataset.compress(syntax, generate_instance_uid=False)
    elif syntax.startswith("1.2.840.10008.1.2.1"):
        dataset.PixelData = b"".join(encode(frame) for frame in frames)
        dataset["PixelData"].VR = "OW"
    else:
        dataset.PixelData = encapsulate([bytes(encode(np.ascontiguousarray(frame))) for frame in frames])
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
    dataset.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)


def damaged(data: bytes, number: int, seed: int) -> tuple[str, bytes]:
    """The kind of a damage, and the file with it."""
    generator = random.Random(f"{seed} {number} {len(data)}")
    kind = ("truncated", "damaged", "lying", "zeroed")[number % 4]
    result = bytearray(data)
    if kind == "truncated":
        return kind, bytes(result[: generator.choice([len(result) - 1, len(result) - 64, len(result) * 9 // 10, len(result) // 2])])
    if kind == "damaged":
        for _ in range(generator.choice([1, 4, 40])):
            result[generator.randrange(min(200, len(result) - 1), len(result))] ^= 1 << generator.randrange(8)
    elif kind == "lying":
        # A size that stands somewhere in the header, larger than it is.
        places = [at for side in (ROWS, COLUMNS, FRAMES) for at in _places(data, side)]
        if places:
            at, width = generator.choice(places)
            result[at : at + width] = _larger(bytes(result[at : at + width]))
    else:
        start = generator.randrange(len(result) // 3, len(result))
        result[start : start + generator.choice([16, 400, 4000])] = bytes(len(result[start : start + 400]))
    return kind, bytes(result)


def _places(data: bytes, value: int) -> list[tuple[int, int]]:
    """Where a number stands in the first 4 KiB, as 16 bits of either order or as text, and how many bytes it takes."""
    head, found = data[:4096], []
    for pattern in (value.to_bytes(2, "little"), value.to_bytes(2, "big"), str(value).encode()):
        at = head.find(pattern)
        while at >= 0 and len(found) < 40:
            found.append((at, len(pattern)))
            at = head.find(pattern, at + 1)
    return found


def _larger(number: bytes) -> bytes:
    if number.isdigit():
        return b"9" * len(number)
    return LYING[::-1] if number[0] else LYING


def decode_all(folder: Path) -> dict[str, list[str]]:
    """In this process: of each file the hash of every frame, of both decoders, or why there is none."""
    sys.path.insert(0, str(PACKAGE))
    from PyLogikSlicerLib.core.errors import UnreadableInput
    from PyLogikSlicerLib.reading.opening import open_file

    found: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()):
        hashes: list[str] = []
        try:
            for stack in open_file(path):
                for frame in stack.frames():
                    hashes.append(hashlib.sha256(np.ascontiguousarray(frame).tobytes()).hexdigest())
                hashes += [hashlib.sha256(np.ascontiguousarray(again.frame).tobytes()).hexdigest() for again in stack.decode_again()]
        except UnreadableInput as error:
            hashes.append(f"refused: {error}")
        found[path.name] = hashes
        print(json.dumps({path.name: hashes}), flush=True)
    return found


def compare(folder: Path) -> tuple[dict[str, list[str]], list[str]]:
    """What became of each file, and the names of those whose frames differ between two processes with other memory."""
    outcomes = [_decoded_in_memory_full_of(pattern, folder) for pattern in PATTERNS]
    return outcomes[0], [name for name in outcomes[0] if outcomes[0][name] != outcomes[1].get(name)]


def _decoded_in_memory_full_of(pattern: int, folder: Path) -> dict[str, list[str]]:
    """A crash costs the file it happened on; the others are decoded by the next process."""
    variables = {**os.environ, "MALLOC_PERTURB_": str(pattern), "MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": "0"}
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as left:
        for path in folder.iterdir():
            os.link(path, Path(left) / path.name)
        while names := sorted(os.listdir(left)):
            process = subprocess.run(
                [sys.executable, __file__, "--decode", left], env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            for line in process.stdout.splitlines():
                found |= json.loads(line)
            undone = [name for name in names if name not in found]
            if undone:
                found[undone[0]] = ["crashed"]
            for name in names:
                if name in found:
                    (Path(left) / name).unlink()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--damages", type=int, default=12, help="of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    parser.add_argument("--decode", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.decode:
        decode_all(arguments.decode)
        return
    from results import write_section

    counts: dict[str, Counter] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as temporary:
        originals, folder = Path(temporary) / "valid", Path(temporary) / "all"
        originals.mkdir()
        folder.mkdir()
        kinds: dict[str, str] = {}
        for path in write_samples(originals):
            os.link(path, folder / path.name)
            kinds[path.name] = "valid"
            for number in range(arguments.damages):
                kind, data = damaged(path.read_bytes(), number, arguments.seed)
                name = f"{path.stem}~{number}{path.suffix}"
                (folder / name).write_bytes(data)
                kinds[name] = kind
        outcomes, differing = compare(folder)
    for name, outcome in outcomes.items():
        became = "crashed" if outcome == ["crashed"] else "refused" if outcome[-1:] and outcome[-1].startswith("refused") else "decoded"
        counts[kinds[name]][became] += 1
    lines = ["| files | decoded | refused | crashed (the process ends, the file fails) |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {kind} | {count['decoded']} | {count['refused']} | {count['crashed']} |" for kind, count in sorted(counts.items())]
    lines += [
        "",
        f"{len(outcomes)} files of {list(kinds.values()).count('valid')} kinds; files with a frame that differs: {len(differing)}.",
    ]
    lines += ["", *(f"- {name} ({kinds[name]})" for name in differing)] if differing else []
    refused = [name for name, outcome in outcomes.items() if kinds[name] == "valid" and outcome[-1].startswith("refused")]
    lines += ["", *(f"- refused though valid: {name}: {outcomes[name][-1]}" for name in refused)] if refused else []
    text = "\n".join(lines)
    print(text)
    if not arguments.dry:
        write_section("unwritten", text)


if __name__ == "__main__":
    main()
