"""QR codes and bar codes: where they are, including the quiet zone around them, and what they say. They carry identity like text does.

Symbols are drawn dark on light or light on dark, at any angle, with modules down to 1.5 px where ZXing needs 2. So an image is read in both
polarities, as it is and enlarged, and slanted stripes are turned upright: ZXing's own inversion leaves out the linear symbologies, and it
searches for these along the two axes only. ZXing finds a MaxiCode only where it stands upright with nothing else in the
image, so most are missed. Standards: ISO/IEC 18004 (QR), 24728 (MicroPDF417), 16022 (Data Matrix), 24778 (Aztec), 15438 (PDF417),
16023 (MaxiCode), 15420 (EAN, UPC).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import zxingcpp

from ..core.channels import max_channel, min_channel
from ..core.geometry import Polygon, box_of_image, to_pixel_centers, to_pixel_edges, translate_polygon

# Pixels of white around each image that is read: a symbol at its border has no quiet zone of its own.
QUIET_ZONE = 16

# Pixels; longest side of the parts in which small and slanted symbols are searched.
PART = 1536
# Pixels by which parts overlap: a symbol of this size lies whole in one of them wherever it is.
MAX_SIZE_IN_PARTS = 512
# Scale at which small and slanted symbols are read.
ENLARGEMENT = 2

# Pixels around every symbol that belong to its area.
MARGIN_PIXELS = 3.0
# Modules of the quiet zone that belongs to the area of a symbol, by symbology: with it masked, nothing of the outline tells what was there.
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
# The same for other matrix symbologies.
DEFAULT_QUIET_MODULES = 2
# The same at each end of a linear symbol.
LINEAR_QUIET_MODULES = 10
# Modules along the shorter side of the smallest symbol of a symbology; used where a symbol does not tell its own number.
MIN_MODULES = {"QR Code": 21, "Micro QR Code": 11, "rMQR Code": 7, "Data Matrix": 10, "Aztec": 15, "Aztec Code": 15, "MaxiCode": 30}
# The same for other symbologies.
DEFAULT_MIN_MODULES = 10
# Modules along the rows of the narrowest PDF417 symbol (MicroPDF417 of one column).
MIN_MODULES_OF_PDF417 = 38
# Modules of a linear symbol to each edge between bars and spaces: 11 to 6 in Code 128, 7 to 4 in EAN, more in Code 39.
MODULES_PER_EDGE = 1.8
# Share of an EAN or UPC symbol's length by which its guard bars are longer than the others: 5 of 95 modules.
GUARD_SHARE = 0.06
# Symbologies whose symbols are always square.
SQUARE = ("QR Code", "Micro QR Code", "Aztec", "Aztec Code", "MaxiCode")

# Levels by which the largest and the smallest channel of a pixel differ where symbols in color are searched.
MIN_CHROMA = 64
# Pixels; side of the window whose darkest and brightest pixel become black and white.
CONTRAST_WINDOW = 31
# Grey levels between these, below which the contrast is not stretched further.
MIN_SPREAD = 24

# What a quadrilateral that did not decode must be to count as a symbol all the same (see _looks_like_symbol):
# pixels of its shortest side,
MIN_SIDE = 8
# share of the longest side by which opposite sides may differ,
MAX_SIDE_DIFFERENCE = 0.1
# longest over shortest side, of a symbology that is always square,
MAX_SQUARE_RATIO = 1.25
# cosine of the angle between neighboring sides,
MAX_CORNER_COSINE = 0.15
# share of the image that it may cover,
MAX_IMAGE_SHARE = 0.25
# share of its pixels that must be bright, and share that must be dark,
MIN_TONE_SHARE = 0.25
# share of its variance that lies between these two tones,
MIN_TWO_TONE_VARIANCE = 0.7
# standard deviation in grey levels,
MIN_CONTRAST = 12
# and pixels of the side of the square that it is straightened to for this.
STRAIGHTENED_SIDE = 64

# Correlation with the profile of the rows read, from which another row is of the same bars.
MIN_ROW_CORRELATION = 0.5
# Pixels by which bars may be shifted between rows, and damaged rows that may lie between good ones.
ROW_TOLERANCE = 3
# Share of the median gradient of the rows read, or of a strong edge of the columns read, from which there is an edge of a bar.
MIN_EDGE_SHARE = 0.4
# Percentile of the gradients that is a strong edge.
STRONG_EDGE_PERCENTILE = 90

# Pixels; side of the window in which the structure tensor is averaged to find slanted stripes.
STRIPE_WINDOW = 25
# Mean squared gradient of stripes (Sobel, grey levels).
MIN_STRIPE_ENERGY = 90.0**2
# Coherence of the structure tensor, 0 to 1, from which edges are parallel.
MIN_COHERENCE = 0.75
# Squared mean gradient over mean squared gradient: near 0 for stripes, whose edges rise and fall, and near 1 for a single edge.
MAX_ONE_SIDED = 0.2
# Degrees from the axes within which ZXing reads stripes itself.
UPRIGHT_DEGREES = 4
# Pixels of the smallest striped area that is read.
MIN_STRIPE_AREA = 300

# Share of the smaller of two areas from which two detections are one symbol, where both are decoded.
SAME_DECODED_SHARE = 0.5
# The same where one of them is only located.
SAME_LOCATED_SHARE = 0.1

_LINEAR = frozenset(str(f) for f in zxingcpp.barcode_formats_list(zxingcpp.barcode_formats_from_str("AllLinear")))
_RETAIL = frozenset(str(f) for f in zxingcpp.barcode_formats_list(zxingcpp.barcode_formats_from_str("EANUPC")))
_ALL = zxingcpp.barcode_formats_from_str("All")
_STRIPED = zxingcpp.barcode_formats_from_str("AllLinear,PDF417,MicroPDF417")


@dataclass(frozen=True)
class CodeDetection:
    """One symbol.

    Attributes
    ----------
    polygon
        (x, y) corners, in pixels of the image given, x right, y down, pixel edges at integers, of an area that holds all modules and a
        margin of some pixels; it may reach over the image's border.
    text
        What it says; empty where it was located but not decoded.
    symbology
        ZXing's name of it, e.g. ``QR Code``.
    """

    polygon: Polygon
    text: str
    symbology: str


def find_codes(image: np.ndarray, thoroughly: bool = True) -> list[CodeDetection]:
    """The linear, stacked and matrix symbols that ZXing finds in an image, decoded or only located, from top to bottom.

    Parameters
    ----------
    image
        uint8 ``(rows, columns)`` or ``(rows, columns, 3)`` RGB; it is not changed.
    thoroughly
        Read it enlarged, turned, and by its colors too; otherwise only as grey, at its own and smaller sizes, in both polarities, for
        content that is examined again and again.
    """
    if not thoroughly:
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        found = [*_read_whole(grey, grey, 1)]
    elif image.ndim == 2:
        found = _find_in(np.ascontiguousarray(image))
    else:
        found = _find_in(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) + _find_in_color(image)
    return sorted(_remove_duplicates(found), key=lambda code: min((y, x) for x, y in code.polygon))


def _find_in(grey: np.ndarray) -> list[CodeDetection]:
    """The symbols of a grey image: large ones are read in the whole image, small and slanted ones in parts.

    Enlarged and turned views take many times the memory of the part that they are made of.
    """
    found = [*_read_whole(grey, grey, 1)]
    for box in box_of_image(*grey.shape).tiles(PART, MAX_SIZE_IN_PARTS):
        part = np.ascontiguousarray(grey[box.slices])
        codes = (*_read_whole(part, _stretch_contrast(part), ENLARGEMENT), *_read_slanted(part))
        found += [_translate(code, box.x0, box.y0) for code in codes]
    return found


def _translate(code: CodeDetection, x: int, y: int) -> CodeDetection:
    return replace(code, polygon=translate_polygon(code.polygon, x, y))


def _find_in_color(image: np.ndarray) -> list[CodeDetection]:
    """Symbols that the brightest channel shows and luminance may not, in the part of the image that has color."""
    brightest = max_channel(image)
    colored = cv2.subtract(brightest, min_channel(image)) > MIN_CHROMA
    x, y, width, height = cv2.boundingRect(colored.astype(np.uint8))
    if width == 0:
        return []
    part = np.ascontiguousarray(brightest[y : y + height, x : x + width])
    return [_translate(code, x, y) for code in _find_in(part)]


# --- reading ---------------------------------------------------------------------------------------------------------------


def _read_whole(grey: np.ndarray, view: np.ndarray, scale: int) -> Iterator[CodeDetection]:
    """Yield the symbols that ZXing finds in a view of an image: matrix symbols at any angle, linear ones within some degrees of the axes.

    ``view``: a rendering of the grey image, of the same size; it is enlarged by ``scale`` before it is read. A view that is not enlarged is
    read at smaller sizes too.
    """
    enlarged = view if scale == 1 else cv2.resize(view, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for barcode in _read_both_polarities(enlarged, _ALL, downscale=scale == 1):
        yield from _detect_symbol(grey, _corners(barcode) / scale, barcode)


def _stretch_contrast(grey: np.ndarray) -> np.ndarray:
    """The image with the darkest pixel near each pixel as black and the brightest as white: ZXing needs the whole range in a row."""
    size = (CONTRAST_WINDOW, CONTRAST_WINDOW)
    low, high = (cv2.blur(extreme(grey, np.ones(size, np.uint8)), size) for extreme in (cv2.erode, cv2.dilate))
    spread = np.maximum(cv2.subtract(high, low), MIN_SPREAD).astype(np.float32)
    return cv2.convertScaleAbs(cv2.subtract(grey, low) * (255 / spread))


def _read_slanted(grey: np.ndarray) -> Iterator[CodeDetection]:
    """Yield the linear and stacked symbols at any other angle: parallel stripes are found, turned upright and read."""
    for center, angle, size in _slanted_stripes(grey):
        to_patch = _matrix_to_upright_patch(center, angle, size)
        patch = cv2.warpAffine(
            grey, to_patch, (ENLARGEMENT * size, ENLARGEMENT * size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        to_image = cv2.invertAffineTransform(to_patch)
        for barcode in _read_both_polarities(patch, _STRIPED, downscale=False):
            if barcode.valid:
                yield from _detect_symbol(grey, cv2.transform(_corners(barcode)[None], to_image)[0], barcode)


def _read_both_polarities(grey: np.ndarray, formats: zxingcpp.BarcodeFormats, downscale: bool) -> Iterator[zxingcpp.Barcode]:
    for view in (grey, 255 - grey):
        padded = cv2.copyMakeBorder(view, QUIET_ZONE, QUIET_ZONE, QUIET_ZONE, QUIET_ZONE, cv2.BORDER_CONSTANT, value=255)
        yield from zxingcpp.read_barcodes(padded, formats, try_invert=False, try_downscale=downscale, return_errors=True)


def _corners(barcode: zxingcpp.Barcode) -> np.ndarray:
    """The symbol's corners, (x, y) ``(4, 2)``, pixel edges at integers. ZXing gives the pixels at the corners, in the padded image."""
    position = barcode.position
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return to_pixel_edges([(corner.x, corner.y) for corner in corners]) - QUIET_ZONE


def _detect_symbol(grey: np.ndarray, quad: np.ndarray, barcode: zxingcpp.Barcode) -> Iterator[CodeDetection]:
    """Yield the symbol with its margin; nothing where it did not decode and does not look like one.

    ``quad``: the corners that ZXing gave, (x, y) ``(4, 2)``, in pixels of the image; its first side runs across the bars.
    """
    symbology = str(barcode.format)
    stacked = "Stacked" in symbology or "PDF417" in symbology
    striped = stacked or symbology in _LINEAR
    if striped:
        quad = _extend_to_whole_bars(grey, quad, stacked)
    if not barcode.valid and not _looks_like_symbol(grey, quad, symbology):
        return
    along, across = max(_side(quad, 0), 1.0), max(_side(quad, 1), 1.0)
    is_linear = symbology in _LINEAR
    quiet = LINEAR_QUIET_MODULES if is_linear else QUIET_MODULES.get(symbology, DEFAULT_QUIET_MODULES)
    zone = MARGIN_PIXELS + quiet * _module_size(grey, quad, barcode, is_linear)
    guard = GUARD_SHARE * along if symbology in _RETAIL else 0.0
    polygon = _expand(quad, zone / along, (MARGIN_PIXELS + guard if is_linear else zone) / across)
    yield CodeDetection(tuple((float(x), float(y)) for x, y in polygon), barcode.text if barcode.valid else "", symbology)


def _module_size(grey: np.ndarray, quad: np.ndarray, barcode: zxingcpp.Barcode, is_linear: bool) -> float:
    """Pixels of a module: the narrowest bar, or the side of a cell. Where the symbol does not tell, the most that it can be."""
    if is_linear:
        return _side(quad, 0) / (MODULES_PER_EDGE * max(_count_edges(grey, quad), 1))
    if "PDF417" in str(barcode.format):
        return _side(quad, 0) / MIN_MODULES_OF_PDF417
    extra: Any = barcode.extra  # a dict, which the stubs of zxing-cpp call an object
    version = str(extra.get("Version", "")) if barcode.valid else ""
    side = min(_side(quad, 0), _side(quad, 1))
    if str(barcode.format) == "QR Code" and version.isdecimal():
        return side / (17 + 4 * int(version))
    return side / MIN_MODULES.get(str(barcode.format), DEFAULT_MIN_MODULES)


def _count_edges(grey: np.ndarray, quad: np.ndarray) -> int:
    """The number of edges that a line across all bars meets."""
    width, height = max(round(2 * _side(quad, 0)), 2), 16
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    levels = cv2.warpPerspective(grey, cv2.getPerspectiveTransform(quad.astype(np.float32), corners), (width, height)).mean(axis=0)
    bright = levels > (levels.min() + levels.max()) / 2
    return int(np.count_nonzero(bright[1:] != bright[:-1]))


# --- what was located but not decoded ----------------------------------------------------------------------------------------


def _looks_like_symbol(grey: np.ndarray, quad: np.ndarray, symbology: str) -> bool:
    """Whether a quadrilateral that did not decode is a printed symbol all the same: a rectangle of two tones.

    ZXing's finders also report picture frames, sectors and letters. Those are odd in shape, cover most of the image, or are not of two
    tones in balance.
    """
    sides = np.array([_side(quad, i) for i in range(4)])
    tolerance = MAX_SIDE_DIFFERENCE * sides.max()
    if sides.min() < MIN_SIDE or abs(sides[0] - sides[2]) > tolerance or abs(sides[1] - sides[3]) > tolerance:
        return False
    if symbology in SQUARE and sides.max() > MAX_SQUARE_RATIO * sides.min():
        return False
    edges = np.roll(quad, -1, axis=0) - quad
    if abs(edges[0] @ edges[1]) > MAX_CORNER_COSINE * sides[0] * sides[1] or sides[0] * sides[1] > MAX_IMAGE_SHARE * grey.size:
        return False
    side = STRAIGHTENED_SIDE
    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    levels = cv2.warpPerspective(grey, cv2.getPerspectiveTransform(quad.astype(np.float32), square), (side, side))
    _, bright = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright_share = float(bright.mean())
    if not MIN_TONE_SHARE < bright_share < 1 - MIN_TONE_SHARE:
        return False
    variance_between = bright_share * (1 - bright_share) * (levels[bright == 1].mean() - levels[bright == 0].mean()) ** 2
    return bool(variance_between > MIN_TWO_TONE_VARIANCE * levels.var() and levels.std() > MIN_CONTRAST)


# --- linear symbols ----------------------------------------------------------------------------------------------------------


def _extend_to_whole_bars(grey: np.ndarray, quad: np.ndarray, stacked: bool) -> np.ndarray:
    """The rectangle, (x, y) ``(4, 2)``, that the bars fill: ZXing gives the scan lines that it read, often a part of their height.

    The surroundings of what was read are turned until the bars stand upright. A row belongs to the symbol as long as its profile is that of
    the rows read, or, where rows of several profiles are stacked, as long as it has as strong edges. A column belongs to it as long as the
    next bar is no farther than any two bars within, so that a short read of a longer symbol grows to all of it.
    """
    for _ in range(2):  # the second time with the angle measured over all that the first time found
        normal = _stripe_normal(grey, quad)
        axes = np.array((normal, (-normal[1], normal[0])))  # rows: unit vectors across the bars and along them
        positions = quad @ axes.T
        low, size = positions.min(axis=0), np.ceil(np.ptp(positions, axis=0)).astype(int)
        margin = int(size[0])
        corner = low - margin
        columns, rows = (int(side) for side in size + 2 * margin)
        to_image = np.column_stack((axes.T, to_pixel_centers(to_pixel_edges(corner) @ axes)))
        patch = cv2.warpAffine(grey, to_image, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP).astype(np.float32)
        read = patch[:, margin : columns - margin]
        top, bottom = (_extend_over_rich_rows if stacked else _extend_over_similar_rows)(read, margin, rows - margin - 1)
        left, right = _extend_over_bars(patch[top : bottom + 1], margin, columns - margin - 1)
        box = np.array([(left, top), (right + 1, top), (right + 1, bottom + 1), (left, bottom + 1)], dtype=np.float64)
        quad = (corner + box) @ axes
    return quad


def _stripe_normal(grey: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """The unit vector (x, y) across the bars in and near ``quad``: the main direction of the gradient (structure tensor)."""
    x0, y0 = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 4, 0)
    x1, y1 = np.ceil(quad.max(axis=0)).astype(int) + 4
    crop = cv2.GaussianBlur(grey[y0:y1, x0:x1], (0, 0), 0.8).astype(np.float32)
    inside = np.zeros(crop.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(quad - (x0, y0)).astype(np.int32), 1)
    near = cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0
    gx, gy = cv2.Sobel(crop, cv2.CV_32F, 1, 0)[near], cv2.Sobel(crop, cv2.CV_32F, 0, 1)[near]
    angle = 0.5 * np.arctan2(2 * (gx * gy).sum(), (gx * gx - gy * gy).sum())
    normal = np.array((np.cos(angle), np.sin(angle)))
    return normal if normal @ (quad[1] - quad[0]) >= 0 else -normal


def _extend_over_similar_rows(rows: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """First and last of the rows around ``first..last`` that have their profile, but for a slant and a few damaged rows."""
    template = np.median(rows[first : last + 1], axis=0)
    shifts = range(-ROW_TOLERANCE, ROW_TOLERANCE + 1)
    score = np.max([_correlation(rows, np.roll(template, shift)) for shift in shifts], axis=0)
    return _extend(score > MIN_ROW_CORRELATION, first, last, ROW_TOLERANCE)


def _extend_over_rich_rows(rows: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """First and last of the rows around ``first..last`` that have as strong edges as these."""
    gradient = np.abs(np.diff(rows, axis=1)).mean(axis=1)
    return _extend(gradient > MIN_EDGE_SHARE * np.median(gradient[first : last + 1]), first, last, ROW_TOLERANCE)


def _extend_over_bars(rows: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """First and last of the columns around ``first..last`` between edges that run through most rows."""
    gradient = np.abs(np.diff(rows.mean(axis=0), append=0))
    is_edge = gradient > MIN_EDGE_SHARE * np.percentile(gradient[first : last + 1], STRONG_EDGE_PERCENTILE)
    widest = int(np.diff(np.flatnonzero(is_edge[first : last + 1])).max(initial=1)) + 1
    return _extend(is_edge, first, last, widest)


def _extend(belongs: np.ndarray, first: int, last: int, gap: int) -> tuple[int, int]:
    """The range ``first..last``, extended over elements that belong to it (bool), across at most ``gap - 1`` that do not."""
    while (near := np.flatnonzero(belongs[max(0, first - gap) : first])).size:
        first = max(0, first - gap) + int(near[0])
    while (near := np.flatnonzero(belongs[last + 1 : last + 1 + gap])).size:
        last += 1 + int(near[-1])
    return first, last


def _correlation(rows: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each row with a template, -1 to 1."""
    rows, template = rows - rows.mean(axis=1, keepdims=True), template - template.mean()
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(template)
    return (rows @ template) / np.maximum(norms, 1e-6)


def _slanted_stripes(grey: np.ndarray) -> Iterator[tuple[tuple[float, float], float, int]]:
    """Yield center (x, y), angle in degrees and size in px of areas of parallel stripes that are not along the axes.

    Coherence of the structure tensor tells parallel edges; a mean gradient near zero tells stripes from one edge.
    """
    window = (STRIPE_WINDOW, STRIPE_WINDOW)
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.boxFilter(product, -1, window) for product in (gx * gx, gy * gy, gx * gy))
    energy = xx + yy + 1e-3
    double_cos, double_sin = (xx - yy) / energy, 2 * xy / energy
    coherence = np.hypot(double_cos, double_sin)
    one_sided = (cv2.boxFilter(gx, -1, window) ** 2 + cv2.boxFilter(gy, -1, window) ** 2) / energy
    is_slanted = np.abs(double_sin) > np.sin(np.radians(2 * UPRIGHT_DEGREES)) * coherence
    is_striped = (energy > MIN_STRIPE_ENERGY) & (coherence > MIN_COHERENCE) & (one_sided < MAX_ONE_SIDED) & is_slanted
    count, labels, stats, centers = cv2.connectedComponentsWithStats(is_striped.astype(np.uint8))
    for label in range(1, count):
        x, y, width, height, pixels = stats[label]
        if pixels < MIN_STRIPE_AREA:
            continue
        part = labels[y : y + height, x : x + width] == label
        sine, cosine = (values[y : y + height, x : x + width][part].mean() for values in (double_sin, double_cos))
        angle, size = float(np.degrees(0.5 * np.arctan2(sine, cosine))), int(1.5 * np.hypot(width, height)) + 4 * STRIPE_WINDOW
        yield (float(centers[label][0]), float(centers[label][1])), angle, size


def _matrix_to_upright_patch(center: tuple[float, float], angle: float, size: int) -> np.ndarray:
    """The affine matrix from the image to an enlarged square patch in which stripes stand upright.

    ``center`` and ``size``: of the patch, in pixels of the image; ``angle``: of the stripes' normal, in degrees.
    """
    matrix = cv2.getRotationMatrix2D(center, angle, ENLARGEMENT)
    middle = ENLARGEMENT * size / 2
    return matrix + np.array([(0.0, 0.0, middle - center[0]), (0.0, 0.0, middle - center[1])])


# --- polygons ----------------------------------------------------------------------------------------------------------------


def _side(quad: np.ndarray, i: int) -> float:
    """The length of a side of a quadrilateral; side 0 is from its first to its second corner."""
    return float(np.linalg.norm(quad[(i + 1) % 4] - quad[i]))


def _expand(quad: np.ndarray, along: float, across: float) -> np.ndarray:
    """The quadrilateral with its corners moved outwards: by the share ``along`` of its first side, and by ``across`` of its second."""
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


def _remove_duplicates(found: Sequence[CodeDetection]) -> Iterator[CodeDetection]:
    """Yield one detection for each symbol, decoded ones first, with the hull of the detections that say the same.

    A detection that overlaps one already kept and has other or no text is dropped: symbols do not overlap, so it is a finder's mistake.
    """
    kept: list[CodeDetection] = []
    for code in sorted(found, key=lambda code: not code.text):
        same_share = SAME_DECODED_SHARE if code.text else SAME_LOCATED_SHARE
        same = next((i for i, other in enumerate(kept) if _overlap_share(code, other) > same_share), None)
        if same is None:
            kept.append(code)
        elif code.text == kept[same].text:
            both = cv2.convexHull(np.array(code.polygon + kept[same].polygon, np.float32)).reshape(-1, 2)
            kept[same] = CodeDetection(tuple((float(x), float(y)) for x, y in both), code.text, kept[same].symbology)
    yield from kept


def _overlap_share(one: CodeDetection, other: CodeDetection) -> float:
    """The common area over the smaller of the two areas, 0 to 1."""
    first, second = np.array(one.polygon, np.float32), np.array(other.polygon, np.float32)
    smaller = min(cv2.contourArea(first), cv2.contourArea(second))
    return cv2.intersectConvexConvex(first, second)[0] / smaller if smaller > 0 else 0.0
