"""QR codes and bar codes: where they are, whole symbol and margin, and what they say. They carry identity like text does.

Symbols are drawn dark on light or light on dark, at any angle, with modules down to 1.5 px where ZXing wants 2. So an image is
read in both polarities, as it is and enlarged, and stripes that stand aslant are turned upright (ZXing's own inversion leaves
out the linear symbologies, and its search for these knows the two axes only). MaxiCode is beyond ZXing's finder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import zxingcpp

from ..core.channels import max_channel, min_channel
from .boxes import parts_of
from .polygons import shifted

QUIET_ZONE = 16  # px of white around each image that is read: a symbol at the border has no quiet zone of its own

# Pixels of a part, and of the largest symbol that lies in one of them whole wherever it is.
PART = 1536
LARGEST_IN_PARTS = 512

MARGIN_PIXELS = 3.0
# Modules of the quiet zone that belongs to a symbol (ISO/IEC 18004, 24728, 16022, 24778, 15438, 16023; 10 of a linear one, at its ends):
# with it gone, nothing of the symbol's outline tells what was there.
QUIET_MODULES = {
    "QR Code": 4,
    "Micro QR Code": 2,
    "rMQR Code": 2,
    "Data Matrix": 1,
    "Aztec": 1,
    "Aztec Code": 1,
    "PDF417": 2,
    "MaxiCode": 1,
}
QUIET_MODULES_OF_A_LINEAR_SYMBOL = 10
# Modules along the shorter side of the smallest symbol of a kind, where its own number is not known.
FEWEST_MODULES = {"QR Code": 21, "Micro QR Code": 11, "rMQR Code": 7, "Data Matrix": 10, "Aztec": 15, "Aztec Code": 15, "MaxiCode": 30}
# Modules along the rows of the narrowest one (MicroPDF417 of one column).
FEWEST_MODULES_OF_PDF417 = 38
# Modules of a linear symbol to an edge between its bars and spaces: 11 to 6 in Code 128, 7 to 4 in EAN, more in Code 39.
MODULES_PER_EDGE = 1.8
GUARD_SHARE = 0.06  # of an EAN or UPC symbol's length: its guard bars are 5 of 95 modules longer than the others (ISO/IEC 15420)
SQUARE = ("QR Code", "Micro QR Code", "Aztec", "Aztec Code", "MaxiCode")

_LINEAR = frozenset(str(f) for f in zxingcpp.barcode_formats_list(zxingcpp.BarcodeFormat.AllLinear))
_RETAIL = frozenset(str(f) for f in zxingcpp.barcode_formats_list(zxingcpp.BarcodeFormat.EANUPC))
_ALL = zxingcpp.barcode_formats_from_str("All")
_STRIPED = zxingcpp.barcode_formats_from_str("AllLinear,PDF417,MicroPDF417")


@dataclass(frozen=True)
class CodeDetection:
    """One symbol. ``polygon``: the (x, y) corners, in pixels of the image given, x right, y down, pixel edges at integers, of
    an area that holds all its modules and a margin of some pixels; it may reach over the image's border. ``text`` is empty
    where the symbol was located but not decoded. ``symbology`` is ZXing's name of it, e.g. ``QR Code``."""

    polygon: tuple[tuple[float, float], ...]
    text: str
    symbology: str


def find_codes(image: np.ndarray, closely: bool = True) -> list[CodeDetection]:
    """All linear and matrix symbols of an image, decoded or only located, from top to bottom.

    ``image``: uint8 ``(rows, columns)`` or ``(rows, columns, 3)`` RGB; it is not changed. Without ``closely`` it is read as it
    is only, neither enlarged nor turned: for what is looked at again and again.
    """
    if not closely:
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        found = [*_read_whole(grey, grey, 1)]
    elif image.ndim == 2:
        found = _find_in(np.ascontiguousarray(image))
    else:
        found = _find_in(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) + _find_in_color(image)
    return sorted(_distinct(found), key=lambda code: min((y, x) for x, y in code.polygon))


def _find_in(grey: np.ndarray) -> list[CodeDetection]:
    """Large symbols are read in the whole image; small and slanted ones in parts, whose views take many times their memory."""
    found = [*_read_whole(grey, grey, 1)]
    for x0, y0, x1, y1 in parts_of((0, 0, grey.shape[1], grey.shape[0]), PART, LARGEST_IN_PARTS):
        part = np.ascontiguousarray(grey[y0:y1, x0:x1])
        found += [_moved(code, x0, y0) for code in (*_read_whole(part, _full_contrast(part), 2), *_read_slanted(part))]
    return found


def _moved(code: CodeDetection, x: int, y: int) -> CodeDetection:
    return replace(code, polygon=shifted(code.polygon, x, y))


def _find_in_color(image: np.ndarray) -> list[CodeDetection]:
    """Symbols that the brightest channel shows and luminance does not, in the part of the image that has color."""
    brightest = max_channel(image)
    colored = cv2.subtract(brightest, min_channel(image)) > 64
    x, y, width, height = cv2.boundingRect(colored.astype(np.uint8))
    if width == 0:
        return []
    part = np.ascontiguousarray(brightest[y : y + height, x : x + width])
    return [_moved(code, x, y) for code in _find_in(part)]


# --- reading ---------------------------------------------------------------------------------------------------------------


def _read_whole(grey: np.ndarray, view: np.ndarray, scale: int) -> Iterator[CodeDetection]:
    """Symbols of any kind in a view of the image: matrix symbols at any angle, linear ones within some degrees of the axes."""
    enlarged = view if scale == 1 else cv2.resize(view, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for barcode in _read_both_polarities(enlarged, _ALL, downscale=scale == 1):
        yield from _detection(grey, _corners(barcode) / scale, barcode)


def _full_contrast(grey: np.ndarray) -> np.ndarray:
    """Each pixel between the darkest and the brightest near it, as black and white: ZXing wants the whole range of a row."""
    window = np.ones((31, 31), np.uint8)
    low, high = (cv2.blur(extreme(grey, window), (31, 31)) for extreme in (cv2.erode, cv2.dilate))
    spread = np.maximum(cv2.subtract(high, low), 24).astype(np.float32)
    return cv2.convertScaleAbs(cv2.subtract(grey, low) * (255 / spread))


def _read_slanted(grey: np.ndarray) -> Iterator[CodeDetection]:
    """Linear and stacked symbols at any other angle: parallel stripes are found, turned upright and read."""
    for center, angle, size in _slanted_stripes(grey):
        to_patch = _turn(center, angle, size, scale=2)
        patch = cv2.warpAffine(grey, to_patch, (2 * size, 2 * size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        to_image = cv2.invertAffineTransform(to_patch)
        for barcode in _read_both_polarities(patch, _STRIPED, downscale=False):
            if barcode.valid:
                yield from _detection(grey, cv2.transform(_corners(barcode)[None], to_image)[0], barcode)


def _read_both_polarities(grey: np.ndarray, formats: zxingcpp.BarcodeFormats, downscale: bool) -> Iterator[zxingcpp.Barcode]:
    for view in (grey, 255 - grey):
        padded = cv2.copyMakeBorder(view, *(QUIET_ZONE,) * 4, cv2.BORDER_CONSTANT, value=255)
        yield from zxingcpp.read_barcodes(padded, formats, try_invert=False, try_downscale=downscale, return_errors=True)


def _corners(barcode: zxingcpp.Barcode) -> np.ndarray:
    """The symbol's corners ``(4, 2)``, edges at integers. ZXing gives the pixels at the corners, in the padded image."""
    position = barcode.position
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return np.array([(corner.x, corner.y) for corner in corners], dtype=np.float64) + 0.5 - QUIET_ZONE


def _detection(grey: np.ndarray, quad: np.ndarray, barcode: zxingcpp.Barcode) -> Iterator[CodeDetection]:
    """The symbol with its margin; nothing where it did not decode and does not look like one."""
    symbology = str(barcode.format)
    stacked = "Stacked" in symbology or "PDF417" in symbology
    striped = stacked or symbology in _LINEAR
    if striped:
        quad = _whole_bars(grey, quad, stacked)
    if not barcode.valid and not _looks_like_a_symbol(grey, quad, symbology):
        return
    along, across = max(_side(quad, 0), 1.0), max(_side(quad, 1), 1.0)
    is_linear = symbology in _LINEAR
    quiet = QUIET_MODULES_OF_A_LINEAR_SYMBOL if is_linear else QUIET_MODULES.get(symbology, 2)
    zone = MARGIN_PIXELS + quiet * _module(grey, quad, barcode, is_linear)
    guard = GUARD_SHARE * along if symbology in _RETAIL else 0.0
    polygon = _grown(quad, zone / along, (MARGIN_PIXELS + guard if is_linear else zone) / across)
    yield CodeDetection(tuple((float(x), float(y)) for x, y in polygon), barcode.text if barcode.valid else "", symbology)


def _module(grey: np.ndarray, quad: np.ndarray, barcode: zxingcpp.Barcode, is_linear: bool) -> float:
    """Pixels of a module: the narrowest bar, or the side of a cell."""
    if is_linear:
        return _side(quad, 0) / (MODULES_PER_EDGE * max(_edges_along(grey, quad), 1))
    if "PDF417" in str(barcode.format):
        return _side(quad, 0) / FEWEST_MODULES_OF_PDF417
    version = str(barcode.extra.get("Version", "")) if barcode.valid else ""
    side = min(_side(quad, 0), _side(quad, 1))
    if str(barcode.format) == "QR Code" and version.isdecimal():
        return side / (17 + 4 * int(version))
    return side / FEWEST_MODULES.get(str(barcode.format), 10)


def _edges_along(grey: np.ndarray, quad: np.ndarray) -> int:
    """How many edges a line across all bars meets."""
    width, height = max(round(2 * _side(quad, 0)), 2), 16
    corners = np.float32([(0, 0), (width, 0), (width, height), (0, height)])
    levels = cv2.warpPerspective(grey, cv2.getPerspectiveTransform(quad.astype(np.float32), corners), (width, height)).mean(axis=0)
    bright = levels > (levels.min() + levels.max()) / 2
    return int(np.count_nonzero(bright[1:] != bright[:-1]))


# --- what was located but not decoded ----------------------------------------------------------------------------------------


def _looks_like_a_symbol(grey: np.ndarray, quad: np.ndarray, symbology: str) -> bool:
    """Whether a quadrilateral that did not decode is a printed symbol all the same: a rectangle of two tones.

    ZXing's finders also report picture frames, sectors and letters; those are odd in shape, take up most of the image, or
    are not of two tones in balance.
    """
    sides = np.array([_side(quad, i) for i in range(4)])
    if sides.min() < 8 or abs(sides[0] - sides[2]) > 0.1 * sides.max() or abs(sides[1] - sides[3]) > 0.1 * sides.max():
        return False
    if symbology in SQUARE and sides.max() > 1.25 * sides.min():
        return False
    edges = np.roll(quad, -1, axis=0) - quad
    if abs(edges[0] @ edges[1]) > 0.15 * sides[0] * sides[1] or sides[0] * sides[1] > grey.size / 4:
        return False
    side = 64
    straighten = cv2.getPerspectiveTransform(quad.astype(np.float32), np.float32([(0, 0), (side, 0), (side, side), (0, side)]))
    levels = cv2.warpPerspective(grey, straighten, (side, side))
    threshold, bright = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    share = float(bright.mean())
    if not 0.25 < share < 0.75:
        return False
    between = share * (1 - share) * (levels[bright == 1].mean() - levels[bright == 0].mean()) ** 2
    return bool(between > 0.7 * levels.var() and levels.std() > 12)


# --- linear symbols ----------------------------------------------------------------------------------------------------------


def _whole_bars(grey: np.ndarray, quad: np.ndarray, stacked: bool) -> np.ndarray:
    """The rectangle ``(4, 2)`` that the bars really fill: ZXing gives the scan lines it read, often a part of their height.

    Around what was read the image is turned until the bars stand upright. A row belongs to the symbol as long as its
    profile is that of the rows read, or is as rich in edges where rows of several profiles are stacked. A column belongs to
    it as long as the next bar is no farther than any two bars within: a short read of a longer symbol grows to all of it.
    """
    for _ in range(2):  # the second time with an angle measured over all that the first time found
        normal = _stripe_normal(grey, quad)
        axes = np.array((normal, (-normal[1], normal[0])))  # in rows: across the bars, along the bars
        places = quad @ axes.T
        low, size = places.min(axis=0), np.ceil(np.ptp(places, axis=0)).astype(int)
        reach = int(size[0])
        corner = low - reach
        columns, rows = size + 2 * reach
        to_image = np.column_stack((axes.T, (corner + 0.5) @ axes - 0.5))
        patch = cv2.warpAffine(grey, to_image, (int(columns), int(rows)), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP).astype(np.float32)
        read = patch[:, reach : columns - reach]
        top, bottom = (_rows_as_rich if stacked else _rows_alike)(read, reach, rows - reach - 1)
        left, right = _columns_of_bars(patch[top : bottom + 1], reach, columns - reach - 1)
        box = np.array([(left, top), (right + 1, top), (right + 1, bottom + 1), (left, bottom + 1)], dtype=np.float64)
        quad = (corner + box) @ axes
    return quad


def _stripe_normal(grey: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """Unit vector across the bars near ``quad``: the main direction of the gradient (structure tensor)."""
    x0, y0 = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 4, 0)
    x1, y1 = np.ceil(quad.max(axis=0)).astype(int) + 4
    crop = cv2.GaussianBlur(grey[y0:y1, x0:x1], (0, 0), 0.8).astype(np.float32)
    inside = np.zeros(crop.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(quad - (x0, y0)).astype(np.int32), 1)
    inside = cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0
    gx, gy = (cv2.Sobel(crop, cv2.CV_32F, *order)[inside] for order in ((1, 0), (0, 1)))
    angle = 0.5 * np.arctan2(2 * (gx * gy).sum(), (gx * gx - gy * gy).sum())
    normal = np.array((np.cos(angle), np.sin(angle)))
    return normal if normal @ (quad[1] - quad[0]) >= 0 else -normal


def _rows_alike(rows: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """First and last of the rows around ``first..last`` whose profile is theirs, but for a slant of 3 px and 3 damaged rows."""
    template = np.median(rows[first : last + 1], axis=0)
    score = np.max([_correlation(rows, np.roll(template, shift)) for shift in range(-3, 4)], axis=0)
    return _spread(score > 0.5, first, last, 3)


def _rows_as_rich(rows: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """First and last of the rows around ``first..last`` that have as many strong edges as they have."""
    edges = np.abs(np.diff(rows, axis=1)).mean(axis=1)
    return _spread(edges > 0.4 * np.median(edges[first : last + 1]), first, last, 3)


def _columns_of_bars(rows: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """First and last of the columns around ``first..last`` between edges that run through most rows."""
    edges = np.abs(np.diff(rows.mean(axis=0), append=0))
    within = np.flatnonzero(edges[first : last + 1] > 0.4 * np.percentile(edges[first : last + 1], 90))
    strong = edges > 0.4 * np.percentile(edges[first : last + 1], 90)
    widest = int(np.diff(within).max(initial=1)) + 1
    return _spread(strong, first, last, widest)


def _spread(alike: np.ndarray, first: int, last: int, gap: int) -> tuple[int, int]:
    """``first..last`` grown over what is alike, across at most ``gap - 1`` that is not."""
    while (near := np.flatnonzero(alike[max(0, first - gap) : first])).size:
        first = max(0, first - gap) + int(near[0])
    while (near := np.flatnonzero(alike[last + 1 : last + 1 + gap])).size:
        last += 1 + int(near[-1])
    return first, last


def _correlation(rows: np.ndarray, template: np.ndarray) -> np.ndarray:
    rows, template = rows - rows.mean(axis=1, keepdims=True), template - template.mean()
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(template)
    return (rows @ template) / np.maximum(norms, 1e-6)


def _slanted_stripes(grey: np.ndarray) -> Iterator[tuple[tuple[float, float], float, int]]:
    """Center, angle in degrees and size in px of areas of parallel stripes that are not within 4 degrees of the axes.

    Coherence of the structure tensor tells parallel edges; a mean gradient near zero tells stripes from one edge.
    """
    window = (25, 25)
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.boxFilter(product, -1, window) for product in (gx * gx, gy * gy, gx * gy))
    energy = xx + yy + 1e-3
    double_cos, double_sin = (xx - yy) / energy, 2 * xy / energy
    coherence = np.hypot(double_cos, double_sin)
    one_sided = (cv2.boxFilter(gx, -1, window) ** 2 + cv2.boxFilter(gy, -1, window) ** 2) / energy
    slanted = np.abs(double_sin) > np.sin(np.radians(8)) * coherence
    stripes = (energy > 90.0**2) & (coherence > 0.75) & (one_sided < 0.2) & slanted
    count, labels, stats, centers = cv2.connectedComponentsWithStats(stripes.astype(np.uint8))
    for label in range(1, count):
        x, y, width, height, area = stats[label]
        if area < 300:
            continue
        part = labels[y : y + height, x : x + width] == label
        sine, cosine = (values[y : y + height, x : x + width][part].mean() for values in (double_sin, double_cos))
        yield tuple(centers[label]), float(np.degrees(0.5 * np.arctan2(sine, cosine))), int(1.5 * np.hypot(width, height)) + 4 * window[0]


def _turn(center: tuple[float, float], angle: float, size: int, scale: int) -> np.ndarray:
    """Affine matrix from the image to a square patch in which stripes whose normal has this angle stand upright."""
    matrix = cv2.getRotationMatrix2D(center, angle, scale)
    matrix[:, 2] += scale * size / 2 - np.array(center)
    return matrix


# --- polygons ----------------------------------------------------------------------------------------------------------------


def _side(quad: np.ndarray, i: int) -> float:
    return float(np.linalg.norm(quad[(i + 1) % 4] - quad[i]))


def _grown(quad: np.ndarray, along: float, across: float) -> np.ndarray:
    """The quadrilateral with each end moved out by these shares of its own two directions."""
    a, b, c, d = quad
    grow = np.array(
        [
            along * (a - b) + across * (a - d),
            along * (b - a) + across * (b - c),
            along * (c - d) + across * (c - b),
            along * (d - c) + across * (d - a),
        ]
    )
    return quad + grow


def _distinct(found: list[CodeDetection]) -> Iterator[CodeDetection]:
    """One detection per symbol, of equals an area that holds both. Symbols do not overlap: what does is a finder's mistake."""
    kept: list[CodeDetection] = []
    for code in sorted(found, key=lambda code: not code.text):
        same = next((i for i, other in enumerate(kept) if _overlap(code, other) > (0.5 if code.text else 0.1)), None)
        if same is None:
            kept.append(code)
        elif code.text == kept[same].text:
            both = cv2.convexHull(np.float32(code.polygon + kept[same].polygon)).reshape(-1, 2)
            kept[same] = CodeDetection(tuple((float(x), float(y)) for x, y in both), code.text, kept[same].symbology)
    yield from kept


def _overlap(one: CodeDetection, other: CodeDetection) -> float:
    """Common area over the smaller of the two areas."""
    first, second = np.float32(one.polygon), np.float32(other.polygon)
    smaller = min(cv2.contourArea(first), cv2.contourArea(second))
    return cv2.intersectConvexConvex(first, second)[0] / smaller if smaller > 0 else 0.0
