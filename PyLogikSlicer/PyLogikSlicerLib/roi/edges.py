"""Straight edges and arcs in the border of a mask, found by a Hough transform that distinguishes inside and outside.

A line is ``(a, b, c)``: ``a x + b y <= c`` is inside and ``(a, b)`` is its outward unit normal.

OpenCV's Hough transforms are not used, because they take neither the direction of the border nor the mask beyond a line or an arc into
account, by which edges of the display are distinguished from structures within the echo.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .geometry import Line

# The least cosine between the normal of a border pixel and that of a line or arc on which it lies.
_ALIGNED = 0.9
# Share of the mask beyond a line or arc at which its score has fallen to 1/e.
_BEYOND_SCALE = 0.01
# Distance in pixels behind a line or arc from which the mask counts as beyond it.
_BEYOND_DISTANCE = 2.0
# Pixels on both sides of a line that was found from which border pixels are not used for another one.
_TAKEN_DISTANCE = 2.5
# Distance in pixels of border pixels to which a line is fitted.
_FIT_DISTANCE = 2
# The least number of border pixels to which a line is fitted.
_FEWEST_FIT_PIXELS = 10


@dataclass(frozen=True)
class Border:
    """The border of a mask, without its parts at the edge of the frame and beside text, where it may be no border of the echo.

    Parameters
    ----------
    points
        Border pixels ``(n, 2)``: x, y.
    normals
        The outward unit normal at each point ``(n, 2)``.
    cloud
        A regular sample of all pixels of the mask ``(m, 2)``: x, y.
    shape
        (rows, columns) of the mask.
    unit
        Width in pixels up to which something is a line and not an area.
    """

    points: np.ndarray
    normals: np.ndarray
    cloud: np.ndarray
    shape: tuple[int, int]
    unit: int


@dataclass(frozen=True)
class Edge:
    """A line, the number of border pixels that lie on it, and the share of the mask on its outer side."""

    line: Line
    support: int
    beyond: float


def find_border(mask: np.ndarray, unknown: np.ndarray, unit: int) -> Border:
    """The border of ``mask``, without the pixels within two pixels of ``unknown`` or of the edge of the frame."""
    rows, columns = mask.shape
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    inner = cv2.erode(padded, np.ones((3, 3), np.uint8))[1:-1, 1:-1].astype(bool)
    border = mask & ~inner & ~cv2.dilate(unknown.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    for edge in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        border[edge] = False
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.5 * unit, borderType=cv2.BORDER_REPLICATE)
    y, x = np.nonzero(border)
    slope = np.stack([-cv2.Sobel(smooth, cv2.CV_32F, 1, 0)[y, x], -cv2.Sobel(smooth, cv2.CV_32F, 0, 1)[y, x]], axis=1)
    length = np.maximum(np.hypot(*slope.T), 1e-9)
    step = max(1, int(np.sqrt(mask.sum() / 2000)))
    cloud_y, cloud_x = np.nonzero(mask[::step, ::step])
    cloud = np.stack([cloud_x, cloud_y], axis=1).astype(np.float32) * step
    return Border(np.stack([x, y], axis=1).astype(np.float32), (slope / length[:, None]).astype(np.float32), cloud, (rows, columns), unit)


def straight_edges(border: Border, normal_angles: np.ndarray, count: int) -> list[Edge]:
    """The ``count`` best supported lines whose outward normals have one of ``normal_angles`` (radians, x right, y down).

    The score of a line is the number of border pixels on it, reduced by the share of the mask beyond it, which an edge has not.
    """
    free = np.ones(len(border.points), bool)
    found: list[Edge] = []
    votes = _votes(border, normal_angles)
    for _ in range(count):
        edge = _best_line(border, free, normal_angles, votes)
        if edge is None:
            break
        edge = _refine_line(border, free, edge)
        found.append(edge)
        distance = border.points @ np.array(edge.line[:2], np.float32) - edge.line[2]
        free &= np.abs(distance) > _TAKEN_DISTANCE
    return found


def _votes(border: Border, normal_angles: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each angle: the border points whose normals have that angle (bool), the offset of each border point along it, and the sorted
    offsets of the cloud."""
    votes = []
    for angle in normal_angles:
        normal = np.array([np.cos(angle), np.sin(angle)], np.float32)
        facing = border.normals @ normal > _ALIGNED
        votes.append((facing, border.points @ normal, np.sort(border.cloud @ normal)))
    return votes


def _best_line(border: Border, free: np.ndarray, normal_angles: np.ndarray, votes: list) -> Edge | None:
    """The line with the highest score among the border points that are ``free``; None where none has enough of them."""
    best, best_score = None, 0.0
    minimum = 4 * border.unit
    for angle, (facing, offsets, cloud) in zip(normal_angles, votes, strict=True):
        use = offsets[facing & free]
        if len(use) < minimum:
            continue
        first = int(np.floor(use.min())) - 2
        counts = np.bincount((np.rint(use) - first).astype(int), minlength=5).astype(float)
        near = np.convolve(counts, (0.5, 1, 0.5), mode="same")
        centers = first + np.arange(len(near))
        beyond = 1 - np.searchsorted(cloud, centers + _BEYOND_DISTANCE) / max(len(cloud), 1)
        score = near * np.exp(-beyond / _BEYOND_SCALE)
        top = int(score.argmax())
        if score[top] > best_score and near[top] >= minimum:
            best_score = float(score[top])
            line = (float(np.cos(angle)), float(np.sin(angle)), float(centers[top]))
            best = Edge(line, int(near[top]), float(beyond[top]))
    return best


def _refine_line(border: Border, free: np.ndarray, edge: Edge) -> Edge:
    """The edge with its line fitted to its border pixels by total least squares; horizontal and vertical lines are not changed."""
    if min(abs(edge.line[0]), abs(edge.line[1])) < 1e-6:
        return edge
    a, b, c = edge.line
    for _ in range(2):
        normal = np.array([a, b], np.float32)
        near = free & (np.abs(border.points @ normal - c) < _FIT_DISTANCE) & (border.normals @ normal > _ALIGNED)
        points = border.points[near].astype(float)
        if len(points) < _FEWEST_FIT_PIXELS:
            return edge
        middle = points.mean(axis=0)
        a2, b2 = np.linalg.svd(points - middle, full_matrices=False)[2][1]
        a, b = (a2, b2) if a2 * a + b2 * b > 0 else (-a2, -b2)
        c = float(middle @ (a, b))
    return replace(edge, line=(float(a), float(b), c))


def lower_arc(border: Border, extent: tuple[float, float, float, float]) -> tuple[float, float, float] | None:
    """The circle (x, y, radius) on whose lower side lie most of the border pixels that face down; None where there are too few.

    ``extent`` is the box (x0, y0, x1, y1) of the echo. RANSAC (Fischler and Bolles 1981) with a fixed seed, and a least squares fit to
    the points on the best circle.
    """
    x0, y0, x1, y1 = extent
    points = border.points[(border.normals[:, 1] > 0.7) & (border.points[:, 1] > (y0 + y1) / 2)].astype(float)
    if len(points) < max(0.3 * (x1 - x0), 10):
        return None
    chosen = np.random.default_rng(0).integers(0, len(points), (300, 3))
    circles = _circles(points[chosen])
    flat_enough = (circles[:, 2] > 0.5 * (x1 - x0)) & (circles[:, 1] < y0 + 0.8 * (y1 - y0)) & (circles[:, 2] < 1e5)
    circles = circles[flat_enough & (np.abs(circles[:, 0] - (x0 + x1) / 2) < 0.25 * (x1 - x0))]
    if len(circles) == 0:
        return None
    gaps = np.abs(np.hypot(points[:, 0, None] - circles[:, 0], points[:, 1, None] - circles[:, 1]) - circles[:, 2])
    best = int((gaps < 1.5).sum(axis=0).argmax())
    near = points[gaps[:, best] < 1.5]
    if len(near) < 0.3 * (x1 - x0):
        return None
    origin = near.mean(axis=0)
    u, v = (near - origin).T
    (p, q, k), *_ = np.linalg.lstsq(np.stack([2 * u, 2 * v, np.ones(len(u))], axis=1), u * u + v * v, rcond=None)
    radius = float(np.sqrt(max(k + p * p + q * q, 0)))
    return (float(p + origin[0]), float(q + origin[1]), radius) if -1e5 < q < 0 else None


def _circles(triples: np.ndarray) -> np.ndarray:
    """The circles (x, y, radius) through triples of points ``(n, 3, 2)``, without triples on a line; ``(m, 3)``."""
    a, b, c = triples[:, 0], triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0]
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    usable = np.abs(twice) > 1e-6
    a, b, c, twice = a[usable], b[usable], c[usable], twice[usable]
    b2, c2 = (b**2).sum(axis=1), (c**2).sum(axis=1)
    x, y = (c[:, 1] * b2 - b[:, 1] * c2) / twice, (b[:, 0] * c2 - c[:, 0] * b2) / twice
    return np.stack([a[:, 0] + x, a[:, 1] + y, np.hypot(x, y)], axis=1)


def strongest_arc(border: Border, apex: tuple[float, float], outward: bool, low: float, high: float) -> tuple[float, int]:
    """The radius of the best supported arc around ``apex``, and the number of border pixels on it.

    Parameters
    ----------
    border
        The border of the echo.
    apex
        Center (x, y).
    outward
        Whether the arc is an outer end, whose border pixels face away from the apex, or an inner one.
    low, high
        The range of radii, in pixels.

    Returns
    -------
    tuple of float and int
        (0, 0) where there is no such border pixel. As with lines, the score is reduced by the share of echo beyond the arc.
    """
    offset = border.points - np.array(apex, np.float32)
    radius = np.maximum(np.hypot(*offset.T), 1e-6)
    facing = np.einsum("ij,ij->i", offset, border.normals) * (1 if outward else -1)
    use = radius[(facing > _ALIGNED * radius) & (radius >= low) & (radius <= high)]
    if len(use) == 0:
        return 0.0, 0
    first = int(use.min()) - 2
    near = np.convolve(np.bincount((np.rint(use) - first).astype(int), minlength=5).astype(float), (0.5, 1, 0.5), mode="same")
    centers = first + np.arange(len(near))
    cloud = np.sort(np.hypot(*(border.cloud - np.array(apex, np.float32)).T))
    position = np.searchsorted(cloud, centers + (_BEYOND_DISTANCE if outward else -_BEYOND_DISTANCE)) / max(len(cloud), 1)
    top = int((near * np.exp(-(1 - position if outward else position) / _BEYOND_SCALE)).argmax())
    return float(centers[top]), int(near[top])
