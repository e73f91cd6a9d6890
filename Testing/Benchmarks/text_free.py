#!/usr/bin/env python3
"""What is masked of real images that hold no text: every pixel of it is anatomy lost for nothing.

    python Testing/Benchmarks/text_free.py

Images of pydicom and, where it is, of the corpus' folder edge (all looked at; the corpus holds the same CT slice in several transfer
syntaxes, and one of each kind is taken), at their own size, and the stills among them also as small as slices of functional MRI and PET
are. A whole examination of each. Writes its section of RESULTS.md, unless --dry.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pydicom.data
from overlay_generator import CORPUS
from overlay_grounds import CORPUS_CINES, CORPUS_STILLS, PYDICOM_FILES
from results import HERE, write_section

sys.path.insert(0, str(HERE.parents[1] / "PyLogikSlicer"))

from PyLogikSlicerLib.core.masking import region_mask  # noqa: E402
from PyLogikSlicerLib.core.stack import Display, ImageStack  # noqa: E402
from PyLogikSlicerLib.detection.engines import Engine, choose_engine  # noqa: E402
from PyLogikSlicerLib.detection.examine import examine  # noqa: E402
from PyLogikSlicerLib.reading import open_stacks  # noqa: E402

# Beside those that the generator writes on.
MORE_OF_PYDICOM = ("MR_small.dcm", "JPEG2000.dcm", "JPGExtended.dcm", "rtdose.dcm")
MORE_OF_THE_CORPUS = (
    *("ct/ct_jpeg_p1.dcm", "ct/seg_ct_3slice_01.dcm", "ct/seg_ct_3slice_02.dcm", "ct/seg_ct_3slice_03.dcm", "cr/cr_nema_rg1_mono1_j2k.dcm"),
    *("mr/mr_enhanced_nema_brmulti.dcm", "mr/mr_multiframe_16x8bit.dcm", "mr/seg_dcmqi24_mf.dcm", "pt/rgb_petct_fusion.dcm"),
    *("usimg/img_lung_northumbria_jpg.jpg", "video/vid_lung_northumbria_avi.avi"),
    *("nifti/nifti_anat3d.nii", "nifti/nifti_func4d.nii", "seg/seg_liver.dcm"),
)
# Of the longer side, in pixels.
SMALL = (32, 48, 64, 96, 128, 192)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    arguments = parser.parse_args()
    engine = choose_engine("ppocr", "cpu")
    lines = ["| image | size | frames | regions | masked |", "| --- | --- | ---: | ---: | ---: |"]
    shares: list[float] = []
    small: dict[int, list[float]] = {side: [] for side in SMALL}
    for path in real_images():
        (stack, *_) = open_stacks(path)
        regions, share = masked(stack, engine)
        shares.append(share)
        lines.append(f"| {path.name} | {stack.columns} x {stack.rows} | {stack.frame_count} | {regions} | {share:.2%} |")
        print(lines[-1], flush=True)
        if stack.frame_count == 1:
            for side in SMALL:
                small[side].append(masked(shrunk(stack, side), engine)[1])
    lines += ["", f"{len(shares)} images, on average {np.mean(shares):.2%} masked, {sum(map(bool, shares))} of them not untouched."]
    lines += ["", "| the stills, longer side | " + " | ".join(map(str, SMALL)) + " |", "| --- |" + " ---: |" * len(SMALL)]
    lines.append("| masked on average | " + " | ".join(f"{np.mean(small[side]):.2%}" for side in SMALL) + " |")
    lines.append("| masked at most | " + " | ".join(f"{max(small[side]):.2%}" for side in SMALL) + " |")
    text = "\n".join(lines)
    print(text)
    if not arguments.dry:
        write_section("text-free", text)


def real_images() -> Iterator[Path]:
    for name in (*PYDICOM_FILES, *MORE_OF_PYDICOM):
        yield Path(pydicom.data.get_testdata_file(name, download=False))
    if CORPUS.is_dir():
        yield from (CORPUS / name for name in (*CORPUS_STILLS, *CORPUS_CINES, *MORE_OF_THE_CORPUS))


def masked(stack: ImageStack, engine: Engine) -> tuple[int, float]:
    """The number of regions found, and the share of the pixels of all frames that they cover."""
    text_map = examine(stack, engine.readers).text_map
    shares = (region_mask(text_map.on_frame(number), stack.rows, stack.columns).mean() for number in range(stack.frame_count))
    return len(text_map.regions), float(np.mean(list(shares)))


def shrunk(stack: ImageStack, side: int) -> ImageStack:
    """The still as a person sees it, its longer side so many pixels."""
    shown = stack.display.show(next(iter(stack.frames())))
    scale = side / max(shown.shape[:2])
    size = tuple(max(1, round(scale * length)) for length in shown.shape[1::-1])
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return replace(stack, rows=size[1], columns=size[0], dtype=small.dtype, decode=lambda: iter([small]), display=Display())


if __name__ == "__main__":
    main()
