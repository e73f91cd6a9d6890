#!/usr/bin/env python3
"""Burned-in text over text-free grounds, the same for the same seed, as DICOM with the truth beside it.

    python Testing/Benchmarks/overlay_generator.py OUT [--seed 1] [--stills 24] [--cines 8] [--dim 0] [--frames 30]

OUT/dicom holds the images, OUT/truth their truth and reference frames as ``score.py`` reads them:

    pylogikslicer deid OUT/dicom -o RUN --format png --keep-names; python score.py OUT/truth RUN

Each item of the truth also tells its height (of capitals), contrast (mean grey levels between ink and ground in the largest
channel), place, duration, color, opacity, angle and typeface. Without --installed-fonts only what comes with Pillow, matplotlib
and OpenCV is written with. The real grounds are named in overlay_grounds.py; those of the corpus are left out where it is absent.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
from overlay_grounds import Ground, ground, speckle_cine
from overlay_scripts import SCRIPTS
from overlay_typefaces import Face, faces
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0] / "Training"))

import words  # noqa: E402

Box = tuple[int, int, int, int]

CORPUS = HERE.parents[2] / "shared" / "corpus" / "edge"
STILL, CINE = (512, 640), (384, 512)
HEIGHTS = (6, 8, 10, 12, 16, 20, 28, 40)
CONTRASTS = (25, 40, 80, 160)
PLACES = ("screen", "border", "edge", "anatomy")
# How long an item is there: all the while, with letters that change, on 3 or 10 frames only, or all the while elsewhere on each frame.
DURATIONS = ("static", "static", "changing", "brief", "ten", "moving")
HUES = {"white": (1, 1, 1), "yellow": (1, 1, 0.1), "green": (0.1, 1, 0.2), "cyan": (0.1, 1, 1), "black": (1, 1, 1)}
OPACITIES = (1.0, 1.0, 0.5)
ANGLES = (0, 0, 0, 0, 90, 270, "some")
KINDS = ("phi-like", "phi-like", "phi-like", "scientific", "scientific", "marker")
SYNTAXES = (ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless, JPEGLSLossless)
# Ink that a person cannot see is no text. White that is not bright is called grey.
LEAST_CONTRAST, GREY = 16, 200
INK = 0.4  # of a pixel's area
GAP = 16  # pixels between items, so that one's mask does not hide another
PANEL = 4  # pixels of light ground around dark text
AREA = 15  # pixels over which the level of the ground is taken
ITEMS = 12


@dataclass(frozen=True)
class Mark:
    """One look of an item: ``ink``, bool ``(rows, columns)``, with its upper left pixel at ``(x, y)`` on frames ``first`` to ``last``."""

    text: str
    first: int
    last: int
    x: int
    y: int
    ink: np.ndarray

    @property
    def box(self) -> Box:
        return self.x, self.y, self.x + self.ink.shape[1], self.y + self.ink.shape[0]

    def covers(self, frame: int) -> bool:
        return self.first <= frame <= self.last


@dataclass(frozen=True)
class Item:
    """One piece of text: how it looks, and its marks in the order of time."""

    kind: str
    height: int
    contrast: float
    place: str
    duration: str
    color: str
    opacity: float
    angle: int
    typeface: str
    marks: tuple[Mark, ...]

    def on_frame(self, frame: int) -> Mark | None:
        return next((mark for mark in self.marks if mark.covers(frame)), None)


@dataclass(frozen=True)
class Screen:
    """One image. ``frames``: uint8 ``(frames, rows, columns, 3)``; ``anatomy`` as in :class:`~overlay_grounds.Ground`."""

    name: str
    frames: np.ndarray
    items: tuple[Item, ...]
    anatomy: np.ndarray
    ground: str
    modality: str

    @property
    def reference_frames(self) -> list[int]:
        """First, middle and last, and the middle of whatever is not always there."""
        count = len(self.frames)
        passing = ((item.marks[0].first + item.marks[-1].last) // 2 for item in self.items if item.duration in ("brief", "ten"))
        return sorted({0, count // 2, count - 1, *passing})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    add_options(parser)
    arguments = parser.parse_args()
    for made in screens(arguments):
        write_screen(made, arguments.out)
        print(f"{made.name}: {made.ground}, {len(made.frames)} frames, {len(made.items)} items")


def add_options(parser: argparse.ArgumentParser, stills: int = 24, cines: int = 8, dim: int = 0) -> None:
    """What decides the set; :func:`screens` takes it."""
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stills", type=int, default=stills)
    parser.add_argument("--cines", type=int, default=cines)
    parser.add_argument(
        "--dim", type=int, default=dim, help="cines of moving speckle on which all text is dim and stays for 10 frames or more"
    )
    parser.add_argument("--frames", type=int, default=30, help="of each cine")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="the folder edge of the corpus; grounds of it are used where it is")
    parser.add_argument("--installed-fonts", action="store_true", help="write with Debian's fonts too; sets then differ between machines")


def screens(arguments: argparse.Namespace) -> Iterator[Screen]:
    corpus = arguments.corpus if arguments.corpus.is_dir() else None
    for index in range(arguments.stills):
        yield screen(arguments.seed, index, 1, corpus, arguments.installed_fonts)
    for index in range(arguments.cines):
        yield screen(arguments.seed, index, arguments.frames, corpus, arguments.installed_fonts)
    for index in range(arguments.dim):
        yield dim_screen(arguments.seed, index, arguments.frames, arguments.installed_fonts)


def screen(seed: int, index: int, frames: int, corpus: Path | None = None, installed: bool = False) -> Screen:
    """Screen ``index`` of the endless series ``seed``; whatever else is made, it is the same. A still for ``frames`` = 1."""
    still = frames == 1
    rng = np.random.default_rng([seed, index, not still])
    under = ground(rng, index, frames, STILL if still else CINE, corpus)
    return _drawn(f"overlay{seed}_{'still' if still else 'cine'}{index:03d}", rng, under, _wishes(rng, still, faces(installed)))


def dim_screen(seed: int, index: int, frames: int, installed: bool = False) -> Screen:
    """Cine ``index`` of another series: moving speckle, and over it text of the least contrast that stays for a while."""
    rng = np.random.default_rng([seed, index, 2])
    under = speckle_cine(rng, frames, CINE)
    wishes = [
        replace(wish, contrast=CONTRASTS[0], place="anatomy", duration=("static", "ten")[number % 2], height=max(wish.height, 8))
        for number, wish in enumerate(_wishes(rng, False, faces(installed)))
    ]
    return _drawn(f"overlay{seed}_dim{index:03d}", rng, under, wishes)


def script_screen(seed: int, index: int, script: str, corpus: Path | None = None) -> Screen:
    """Still ``index`` of another series: names in one of :data:`SCRIPTS`."""
    rng = np.random.default_rng([seed, index, 3, list(SCRIPTS).index(script)])
    under = ground(rng, index, 1, STILL, corpus)
    wishes = [replace(wish, kind=script, height=max(wish.height, 8)) for wish in _wishes(rng, True, SCRIPTS[script].faces)]
    return _drawn(f"{script.lower()}{seed}_still{index:03d}", rng, under, wishes)


def _drawn(name: str, rng: np.random.Generator, under: Ground, wishes: Sequence[_Wish]) -> Screen:
    drawing = _Drawing(rng, under)
    for wish in wishes:
        drawing.add(wish)
    return Screen(name, drawing.frames, tuple(drawing.items), under.anatomy, under.name, under.modality)


@dataclass(frozen=True)
class _Wish:
    """What an item should be; what the ground does not allow (contrast, place) gives way, and the item tells what it became."""

    kind: str
    height: int
    contrast: int
    place: str
    duration: str
    hue: str
    opacity: float
    angle: int
    face: Face


def _wishes(rng: np.random.Generator, still: bool, available: Sequence[Face]) -> list[_Wish]:
    """As many of each value of each property as of the others, in chance combinations; the tallest first, while there is room."""
    dealt = {
        "kind": _dealt(rng, KINDS),
        "height": _dealt(rng, HEIGHTS),
        "contrast": _dealt(rng, CONTRASTS),
        "place": _dealt(rng, PLACES),
        "duration": _dealt(rng, ("static",) if still else DURATIONS),
        "hue": _dealt(rng, tuple(HUES)),
        "opacity": _dealt(rng, OPACITIES),
        "angle": [int(rng.choice([-25, -12, -6, 6, 12, 25])) if angle == "some" else angle for angle in _dealt(rng, ANGLES)],
        "face": _dealt(rng, available),
    }
    wishes = [_Wish(**dict(zip(dealt, values, strict=True))) for values in zip(*dealt.values(), strict=True)]
    return sorted(wishes, key=lambda wish: -wish.height)


def _dealt(rng: np.random.Generator, values: Sequence) -> list:
    """ITEMS of the values, each equally often as far as that goes, in a chance order."""
    hands = -(-ITEMS // len(values))
    return [values[number] for _ in range(hands) for number in rng.permutation(len(values))][:ITEMS]


class _Drawing:
    def __init__(self, rng: np.random.Generator, under: Ground) -> None:
        self._rng = rng
        self._anatomy = under.anatomy
        self._taken = np.zeros(under.anatomy.shape, bool)
        self.frames = under.frames.copy()
        self.items: list[Item] = []

    def add(self, wish: _Wish) -> None:
        """Draw an item; where there is no room for it, or it could not be seen, there is none."""
        looks = self._looks(wish)
        if looks is None:
            return
        placed = self._placed(looks, wish.place)
        if placed is None:
            return
        marks, place = placed
        untouched = self.frames.copy()
        opacity, color, name = self._ink_for(marks, wish)
        before = [self._brightest(mark) for mark, _ in marks]
        for mark, coverage in marks:
            self._blend(mark, coverage, opacity, color)
        after = [self._brightest(mark) for mark, _ in marks]
        ink = [np.broadcast_to(mark.ink, seen.shape) for (mark, _), seen in zip(marks, before, strict=True)]
        changed = np.concatenate([(b - a)[i] for a, b, i in zip(before, after, ink, strict=True)])
        contrast = round(abs(float(changed.mean())), 1)
        if contrast < LEAST_CONTRAST:
            self.frames = untouched
            return
        only = tuple(mark for mark, _ in marks)
        self.items.append(
            Item(wish.kind, wish.height, contrast, place, wish.duration, name, round(opacity, 2), wish.angle, _typeface(wish.face), only)
        )

    def _looks(self, wish: _Wish) -> list[tuple[str, int, int, np.ndarray, int, int]] | None:
        """(text, first, last, coverage, dx, dy) of each look of the item; None for what fits on no screen."""
        count = len(self.frames)
        first, last = _span(self._rng, wish.duration, count)
        texts = [(text, a, b) for text, a, b in self._texts(wish, first, last)]
        looks = [(text, a, b, _turned(wish.face.write(text, wish.height), wish.angle), 0, 0) for text, a, b in texts]
        if wish.duration == "moving":
            text, _, _, coverage, _, _ = looks[0]
            dx, dy = ((2, 0), (0, 1), (-2, 0), (1, 1))[int(self._rng.integers(4))]
            looks = [(text, frame, frame, coverage, dx * frame, dy * frame) for frame in range(count)]
        rows, columns = self._anatomy.shape
        fits = all(0 < coverage.shape[0] < rows // 2 and coverage.shape[1] < columns // 2 for _, _, _, coverage, _, _ in looks)
        return looks if fits else None

    def _texts(self, wish: _Wish, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        if wish.duration == "changing":
            yield from _clockwork(self._rng, last + 1)
            return
        room = self._anatomy.shape[1] * 0.45
        for _ in range(50):
            text = invented(self._rng, wish.kind)
            if wish.face.write(text, wish.height).shape[1] <= room:
                break
        else:
            text = text[:4].strip() or "7"
        yield text, first, last

    def _placed(self, looks, wanted: str) -> tuple[list[tuple[Mark, np.ndarray]], str] | None:
        """The looks as marks at a place of the wanted sort, else of another, where nothing else is."""
        left, top = min(look[4] for look in looks), min(look[5] for look in looks)
        width = max(look[4] + look[3].shape[1] for look in looks) - left
        height = max(look[5] + look[3].shape[0] for look in looks) - top
        rows, columns = self._anatomy.shape
        if width > columns or height > rows:
            return None
        for place in (wanted, *(other for other in PLACES if other != wanted)):
            for _ in range(150):
                x, y = int(self._rng.integers(0, columns - width + 1)), int(self._rng.integers(0, rows - height + 1))
                if place == "border":
                    x, y = ((x, 0), (x, rows - height), (0, y), (columns - width, y))[int(self._rng.integers(4))]
                box = x, y, x + width, y + height
                if self._is_free(box) and _is_sort(place, box, self._anatomy):
                    self._taken[box[1] : box[3], box[0] : box[2]] = True
                    at = [(x - left + look[4], y - top + look[5]) for look in looks]
                    marks = [(Mark(t, a, b, *xy, c > INK), c) for (t, a, b, c, _, _), xy in zip(looks, at, strict=True)]
                    return marks, place
        return None

    def _is_free(self, box: Box) -> bool:
        x0, y0, x1, y1 = box
        return not self._taken[max(y0 - GAP, 0) : y1 + GAP, max(x0 - GAP, 0) : x1 + GAP].any()

    def _ink_for(self, marks, wish: _Wish) -> tuple[float, tuple[int, ...], str]:
        """Opacity, RGB and name of the color that stand out from the ground as wished; dark text gets a light panel where it needs one."""
        low, high = self._levels(marks)
        hue, contrast = wish.hue, float(wish.contrast)
        if hue != "black" and 255 - high < min(contrast, 2 * CONTRASTS[0]):
            hue = "black"  # nothing light can be seen there
        if hue == "black":
            if low < contrast:
                self._lay_panel(marks, min(contrast + 70, 235))
                low, _ = self._levels(marks)
            opacity = max(wish.opacity, min(contrast / max(low, 1), 1.0))
            shade = max(low - contrast / opacity, 0)
            return opacity, (round(shade),) * 3, "black"
        contrast = min(contrast, 255 - high)
        opacity = max(wish.opacity, min(contrast / (255 - high), 1.0))
        shade = min(high + contrast / opacity, 255)
        name = "grey" if hue == "white" and shade < GREY else hue
        return opacity, tuple(round(shade * share) for share in HUES[hue]), name

    def _levels(self, marks) -> tuple[float, float]:
        """How dark and how bright the ground gets under the ink, in areas as large as a letter: an item that lies over both must be
        seen on both."""
        under = [cv2.blur(self._brightest(mark).mean(axis=0), (AREA, AREA))[mark.ink] for mark, _ in marks]
        low, high = np.percentile(np.concatenate(under), (15, 85))
        return float(low), float(high)

    def _lay_panel(self, marks, shade: float) -> None:
        boxes = np.array([mark.box for mark, _ in marks])
        (x0, y0), (x1, y1) = np.maximum(boxes[:, :2].min(axis=0) - PANEL, 0), boxes[:, 2:].max(axis=0) + PANEL
        self.frames[marks[0][0].first : marks[-1][0].last + 1, y0:y1, x0:x1] = round(shade)

    def _brightest(self, mark: Mark) -> np.ndarray:
        """The largest channel under a mark on its frames, int16 ``(frames, rows, columns)``."""
        x0, y0, x1, y1 = mark.box
        return self.frames[mark.first : mark.last + 1, y0:y1, x0:x1].max(axis=-1).astype(np.int16)

    def _blend(self, mark: Mark, coverage: np.ndarray, opacity: float, color: tuple[int, ...]) -> None:
        x0, y0, x1, y1 = mark.box
        window = self.frames[mark.first : mark.last + 1, y0:y1, x0:x1]
        share = (coverage * opacity)[None, ..., None]
        window[:] = np.rint(window * (1 - share) + np.array(color) * share).astype(np.uint8)


def _typeface(face: Face) -> str:
    return f"{face.name}, {face.kind}"


def _span(rng: np.random.Generator, duration: str, count: int) -> tuple[int, int]:
    """First and last frame; what passes is seen neither on the first nor on the last one."""
    length = {"brief": 3, "ten": 10}.get(duration, count)
    if length >= count - 1:
        return 0, count - 1
    first = int(rng.integers(1, count - length))
    return first, first + length - 1


def _clockwork(rng: np.random.Generator, count: int) -> Iterator[tuple[str, int, int]]:
    """A timer that runs with every frame, or a heart rate that changes every five."""
    if rng.random() < 0.5:
        start = int(rng.integers(0, 3000))
        yield from ((f"00:{(start + n) // 60 % 60:02}:{(start + n) % 60:02}", n, n) for n in range(count))
    else:
        starts = range(0, count, 5)
        yield from ((f"HR {rng.integers(48, 180)}", n, min(n + 4, count - 1)) for n in starts)


def invented(rng: np.random.Generator, kind: str) -> str:
    """A line of text of the kind (as the truth of the corpus names them), or a name in one of :data:`SCRIPTS`."""
    if kind in SCRIPTS:
        return SCRIPTS[kind].names[int(rng.integers(len(SCRIPTS[kind].names)))]
    makers: dict[str, tuple[Callable[[np.random.Generator], str], ...]] = {
        "phi-like": (words.name, words.date, words.clock, lambda rng: "".join(map(str, rng.integers(0, 10, 7))), _labelled),
        "scientific": (words.measure, words.number),
        "marker": (words.single,),
    }
    return makers[kind][int(rng.integers(len(makers[kind])))](rng)


def _labelled(rng: np.random.Generator) -> str:
    return f"ID {rng.integers(10**5, 10**8)}"


def _turned(coverage: np.ndarray, angle: int) -> np.ndarray:
    """Counterclockwise by ``angle`` degrees; right angles move pixels and blend none."""
    if angle % 90 == 0:
        return np.ascontiguousarray(np.rot90(coverage, angle // 90))
    rows, columns = coverage.shape
    side = int(np.ceil(np.hypot(rows, columns))) + 2
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1.0)
    turn[:, 2] += (side / 2 - columns / 2, side / 2 - rows / 2)
    page = cv2.warpAffine(coverage, turn, (side, side), flags=cv2.INTER_LINEAR)
    ys, xs = np.nonzero(page > INK)
    return page[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]


def _is_sort(place: str, box: Box, anatomy: np.ndarray) -> bool:
    x0, y0, x1, y1 = box
    share = anatomy[y0:y1, x0:x1].mean()
    if place == "border":
        return True
    inside = min(x0, y0, anatomy.shape[1] - x1, anatomy.shape[0] - y1) > GAP // 2
    return inside and {"screen": share < 0.02, "edge": 0.2 <= share <= 0.8, "anatomy": share > 0.95}[place]


def write_screen(made: Screen, out: Path) -> Path:
    """Write ``out/dicom/<name>.dcm``, ``out/truth/<name>.json`` and the reference frames; returns the path of the DICOM file."""
    (out / "dicom").mkdir(parents=True, exist_ok=True)
    (out / "truth").mkdir(exist_ok=True)
    path = out / "dicom" / f"{made.name}.dcm"
    dicom_of(made).save_as(path, enforce_file_format=True)
    (out / "truth" / f"{made.name}.json").write_text(json.dumps(truth_of(made), indent=1), encoding="utf-8")
    for frame in made.reference_frames:
        cv2.imwrite(str(out / "truth" / f"{made.name}_{frame}.png"), made.frames[frame][..., ::-1])
    return path


def truth_of(made: Screen) -> dict:
    """The truth as ``score.py`` reads it. What does not stand still has one entry for each reference frame that shows it."""
    ys, xs = np.nonzero(made.anatomy)
    count, rows, columns = made.frames.shape[:3]
    return {
        "name": made.name,
        "width": columns,
        "height": rows,
        "frames": count,
        "roi": [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1],
        "complete": True,
        "ground": made.ground,
        "items": [entry for item in made.items for entry in _entries(item, made.reference_frames)],
        "ignore": [],
    }


def _entries(item: Item, frames: Sequence[int]) -> Iterator[dict]:
    told = ("kind", "height", "contrast", "place", "duration", "color", "opacity", "angle", "typeface")
    looks = {name: getattr(item, name) for name in told}
    if item.duration == "static":
        yield {"text": item.marks[0].text, "box": list(item.marks[0].box), "frame": None, **looks}
        return
    for frame in frames:
        mark = item.on_frame(frame)
        if mark is not None:
            yield {"text": mark.text, "box": list(mark.box), "frame": frame, **looks}


def dicom_of(made: Screen) -> Dataset:
    """The screen as a DICOM instance; the number in its name decides the transfer syntax. What is grey all over is stored grey."""
    syntax = SYNTAXES[int(made.name[-3:]) % len(SYNTAXES)]
    count, rows, columns = made.frames.shape[:3]
    grey = bool((made.frames == made.frames[..., :1]).all())
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage if count > 1 else SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[made.name])
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.Modality, dataset.PatientName = made.modality, "Overlay^Bench"
    dataset.Rows, dataset.Columns = rows, columns
    if count > 1:
        dataset.NumberOfFrames = count
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = (1, "MONOCHROME2") if grey else (3, "RGB")
    if not grey:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    pixels = np.ascontiguousarray(made.frames[..., 0] if grey else made.frames)
    if syntax == ExplicitVRLittleEndian:
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OW"
    elif syntax == JPEG2000Lossless:
        # pydicom compresses to it through pylibjpeg only, which the engine does without.
        encoded = [imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", mct=False) for frame in pixels]
        dataset.PixelData = encapsulate(encoded)
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax
    else:
        dataset.compress(syntax, pixels if count > 1 else pixels[0], generate_instance_uid=False)
    return dataset


if __name__ == "__main__":
    main()
