"""Fit the display of one transducer to a mask of echo: build the shapes that its edges suggest and take the best.

Echo has shadows, and the screen has furniture; so nothing is fitted to areas. Straight edges and arcs are found where
many border pixels lie on one line with nothing beyond, shapes are built from them, and each shape is judged by how much
of its outline is a real border, what it leaves out and what it adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .edges import Border, Edge, border_of, lower_arc, peak_radius, straight_edges
from .geometry import Field, Limits, Line, Sector, Straight, meeting
from .region import outer_points, rasterize

TILTS = np.deg2rad(np.arange(-76, 77))
TIP = 0.22  # share of the radius within which the beginning of a phased display may be dark
WIDE = 0.7  # radians between the sides from which a display ends in arcs, not in straight lines
UPRIGHT = np.deg2rad(0.75)


@dataclass(frozen=True)
class Fit:
    """A shape and how well it agrees with the echo.

    ``support``: share of the outline on the echo's border, where text does not hide it. ``structure``:
    the same, but a side that is real over half its length counts as whole, because shadows hide borders. ``lost``: share of
    the echo outside the shape. ``added``: share of the shape outside the echo's hull. ``residual``: root mean square
    distance of the supporting border to the outline, pixels. ``area``: pixels of the shape.
    """

    field: Field
    support: float
    structure: float
    lost: float
    added: float
    residual: float
    area: int

    @property
    def score(self) -> float:
        """Higher is better, 1 is perfect."""
        return 0.5 * (self.support + self.structure) - 6 * max(self.lost - 0.002, 0) - 0.6 * self.added - oddness(self.field)


def oddness(field: Field) -> float:
    """How unusual a shape is: scanners show rectangles, symmetric sectors and trapezoids, and parallelograms."""
    if isinstance(field, Sector):
        left, right = -field.angles[0], field.angles[1]
        return 0.02 + 0.4 * max(abs(right - left) / max((left + right) / 2, 1e-6) - 0.1, 0)
    if not field.sides:
        return 0.0
    if len(field.sides) == 1:
        return 0.06
    first, second = (float(np.arcsin(-b / np.hypot(a, b))) for a, b, _ in field.sides)
    askew = min(abs(first - second), abs(first + second)) / max((abs(first) + abs(second)) / 2, 0.1)
    opening = max(first + second - WIDE, 0)
    return 0.02 + 0.4 * max(askew - 0.1, 0) + 0.4 * opening


@dataclass(frozen=True)
class Scene:
    """What a shape is fitted to and judged by. ``distance`` is to the nearest border pixel or echo at the frame's edge; an outline
    at most ``slack`` pixels from it is supported."""

    echo: np.ndarray
    unknown: np.ndarray
    border: Border
    hull: np.ndarray
    distance: np.ndarray
    extent: Limits
    slack: float


def scene_of(echo: np.ndarray, unknown: np.ndarray, unit: int, slack: float) -> Scene:
    """Prepare one mask of echo; ``unknown`` is text and all else that may hide a border."""
    border = border_of(echo, unknown, unit)
    far = np.ones(echo.shape, np.uint8)
    columns, rows = border.points.astype(int).T
    far[rows, columns] = 0
    for edge in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        far[edge][echo[edge]] = 0
    distance = cv2.distanceTransform(far, cv2.DIST_L2, 3)
    corners = cv2.convexHull(outer_points(echo))[:, 0]
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    hull = rasterize([corners], *echo.shape)
    return Scene(echo, unknown, border, hull, distance, (float(x0), float(y0), float(x1), float(y1)), slack)


def best_fit(echo: np.ndarray, unknown: np.ndarray, unit: int, slack: float = 2.5) -> Fit:
    """The best shape for one mask of echo (not empty)."""
    scene = scene_of(echo, unknown, unit, slack)
    fits = sorted((judge(scene, field) for field in candidates(scene)), key=lambda fit: -fit.score)
    better = [judge(scene, refined(scene, fit.field)) for fit in fits[:4] if isinstance(fit.field, Sector)]
    return max(fits[:1] + better, key=lambda fit: fit.score)


def judge(scene: Scene, field: Field) -> Fit:
    """Compare a shape with the echo."""
    outline = field.outline()
    rows, columns = scene.echo.shape
    if len(outline) < 3:
        return Fit(field, 0, 0, 1, 1, np.inf, 0)
    mask = rasterize([outline], rows, columns)
    area = max(int(mask.sum()), 1)
    free = scene.unknown | tip_of(field, mask.shape)
    lost = float((scene.echo & ~mask).sum() / max(scene.echo.sum(), 1))
    added = float((mask & ~scene.hull & ~free).sum() / area)
    points, sides = dense(outline)
    points = np.clip(np.rint(points).astype(int), 0, (columns - 1, rows - 1))
    known = ~free[points[:, 1], points[:, 0]]
    points, sides = points[known], sides[known]
    if len(points) == 0:
        return Fit(field, 0, 0, lost, added, np.inf, area)
    gap = scene.distance[points[:, 1], points[:, 0]]
    near = gap <= scene.slack
    lengths = np.bincount(sides)
    shares = np.bincount(sides, near) / np.maximum(lengths, 1)
    structure = float((np.minimum(shares / 0.5, 1) * lengths).sum() / lengths.sum())
    residual = float(np.sqrt(np.mean(gap[near] ** 2))) if near.any() else np.inf
    return Fit(field, float(near.mean()), structure, lost, added, residual, area)


def tip_of(field: Field, shape: tuple[int, int]) -> np.ndarray:
    """Where nothing is held against a sector: near an apex in the frame, which is often dark."""
    tip = np.zeros(shape, np.uint8)
    if isinstance(field, Sector) and field.radii[0] == 0 and field.apex[1] >= max(field.limits[1], 0):
        cv2.circle(tip, (round(field.apex[0]), round(field.apex[1])), round(TIP * min(field.radii[1], shape[0])), 1, cv2.FILLED)
    return tip.astype(bool)


def dense(outline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points about one pixel apart along a closed polygon, and for each the number of its side; sides end at corners."""
    steps = np.roll(outline, -1, axis=0) - outline
    lengths = np.hypot(*steps.T)
    outline, steps, lengths = outline[lengths > 0], steps[lengths > 0], lengths[lengths > 0]
    heading = np.arctan2(steps[:, 1], steps[:, 0])
    turn = np.abs(np.angle(np.exp(1j * (heading - np.roll(heading, 1)))))
    side = np.cumsum(turn > np.deg2rad(15))
    side[side == side[-1]] = 0 if side[0] == 0 else side[-1]
    counts = np.maximum(np.ceil(lengths), 1).astype(int)
    owner = np.repeat(np.arange(len(outline)), counts)
    share = (np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[owner]
    return outline[owner] + share[:, None] * steps[owner], side[owner]


def candidates(scene: Scene) -> Iterator[Field]:
    """Shapes worth judging."""
    limits = straight_limits(scene)
    arc = lower_arc(scene.border, scene.extent)
    lefts = [edge.line for edge in side_edges(scene, np.pi)]
    rights = [edge.line for edge in side_edges(scene, 0.0)]
    for left in [None, *lefts]:
        for right in [None, *rights]:
            sides = tuple(side for side in (left, right) if side)
            box = opened_beside(scene, limits, left, right)
            yield Straight(box, sides)
            if arc:
                yield Straight((*box[:3], scene.extent[3]), sides, arc)
            if left and right:
                yield from sectors(scene, left, right)
    for side in [*lefts, *rights]:
        yield from mirrored(scene, side)


def side_edges(scene: Scene, direction: float) -> list[Edge]:
    """Slanting edges on the left (direction pi) or the right (0)."""
    height = scene.extent[3] - scene.extent[1]
    edges = straight_edges(scene.border, direction + TILTS, 3)
    return [edge for edge in edges if abs(edge.line[1]) > np.sin(UPRIGHT) and edge.support > 0.04 * height]


def upright_edge(scene: Scene, direction: float, share: float, beyond: float = 0.03) -> float | None:
    """Position of a vertical (direction 0, pi) or horizontal (+-pi/2) edge supported over ``share`` of the extent.

    At most the share ``beyond`` of the echo may lie on its outer side.
    """
    x0, y0, x1, y1 = scene.extent
    length = (x1 - x0) if abs(np.sin(direction)) > 0.5 else (y1 - y0)
    edges = straight_edges(scene.border, np.array([direction]), 1)
    if not edges or edges[0].support < share * length or edges[0].beyond > beyond:
        return None
    a, b, c = edges[0].line
    return c * round(a + b)


def straight_limits(scene: Scene) -> Limits:
    """The upright box of the echo: by its straight edges, else by its extent."""
    found = (upright_edge(scene, direction, 0.15) for direction in (np.pi, -np.pi / 2, 0.0, np.pi / 2))
    box = [extent if edge is None else edge for edge, extent in zip(found, scene.extent, strict=True)]
    return box[0], box[1], box[2], box[3]


def opened_beside(scene: Scene, limits: Limits, left: Line | None, right: Line | None) -> Limits:
    """The limits; but where a slanting side ends the display, only a real upright edge limits it too."""
    x0, y0, x1, y1 = limits
    if left and upright_edge(scene, np.pi, 0.15) is None:
        x0 = 0.0
    if right and upright_edge(scene, 0.0, 0.15) is None:
        x1 = scene.echo.shape[1] - 1.0
    return x0, y0, x1, y1


def sectors(scene: Scene, left: Line, right: Line) -> Iterator[Sector]:
    """Rings between two sides that meet above the echo."""
    apex = meeting(left, right)
    x0, y0, x1, y1 = scene.extent
    if apex is None or apex[1] > y0 + 0.25 * (y1 - y0):
        return
    angles = (float(np.arctan2(left[1], -left[0])), float(np.arctan2(-right[1], right[0])))
    if angles[0] < angles[1]:
        yield from rings(scene, apex, angles)


def rings(scene: Scene, apex: tuple[float, float], angles: tuple[float, float]) -> Iterator[Sector]:
    """The sectors of a known apex and angles: each plausible upper end with each plausible lower end."""
    columns = scene.echo.shape[1]
    left, right = upright_edge(scene, np.pi, 0.08, 0.003), upright_edge(scene, 0.0, 0.08, 0.003)
    spans = {(0.0, columns - 1.0), (0.0 if left is None else left, columns - 1.0 if right is None else right)}
    for inner, y0 in upper_ends(scene, apex, angles):
        for outer, y1 in lower_ends(scene, apex, angles):
            for x0, x1 in sorted(spans):
                if outer > inner:
                    yield Sector(apex, angles, (inner, outer), (x0, y0, x1, y1))


def reach(scene: Scene, apex: tuple[float, float], angles: tuple[float, float]) -> tuple[float, float]:
    """Least and greatest distance from the apex of the echo between two angles."""
    offset = scene.border.cloud - np.array(apex, np.float32)
    radius, angle = np.hypot(*offset.T), np.arctan2(offset[:, 0], offset[:, 1])
    within = radius[(angle > angles[0]) & (angle < angles[1])]
    return (float(within.min()), float(within.max())) if len(within) else (0.0, float(radius.max()))


def upper_ends(scene: Scene, apex: tuple[float, float], angles: tuple[float, float]) -> list[tuple[float, float]]:
    """Inner radius and upper limit: the apex itself, where the echo begins, an arc, or a straight edge."""
    low, high = reach(scene, apex, angles)
    inner, support = peak_radius(scene.border, apex, False, max(low - 2, 0), low + 0.3 * (high - low))
    arc = support / max(inner * (angles[1] - angles[0]), 1.0)
    if arc > 0.3 and inner > 4 * scene.border.unit:
        return [(inner, 0.0)]
    ends = [(0.0, scene.extent[1])]
    if apex[1] > 0 and low < TIP * high:
        ends.append((0.0, 0.0))
    if arc > 0.2:
        ends.append((inner, 0.0))
    edge = horizontal(scene, -np.pi / 2, inner)
    if edge is not None and edge != scene.extent[1]:
        ends.append((0.0, edge))
    return ends


def lower_ends(scene: Scene, apex: tuple[float, float], angles: tuple[float, float]) -> list[tuple[float, float]]:
    """Outer radius and lower limit: an arc, an arc cut by a straight edge or by the edge of the frame, or such an edge alone."""
    rows, columns = scene.echo.shape
    low, high = reach(scene, apex, angles)
    arcs = [high]
    outer, support = peak_radius(scene.border, apex, True, 0.6 * high, high + 2)
    if support > 0.1 * outer * (angles[1] - angles[0]):
        arcs.append(outer)
    ends = [(radius, rows - 1.0) for radius in arcs]
    edge = horizontal(scene, np.pi / 2, outer)
    if edge is not None or scene.extent[3] > rows - 3:
        bottom = rows - 1.0 if edge is None else edge
        beyond = 2.0 * float(np.hypot(rows, columns))
        ends += [(radius, bottom) for radius in [beyond, *arcs]]
    return ends


def horizontal(scene: Scene, direction: float, radius: float) -> float | None:
    """A straight upper or lower edge, longer than what an arc of this radius shows of one by itself."""
    width = scene.extent[2] - scene.extent[0]
    natural = 2 * np.sqrt(2 * 1.5 * max(radius, 1.0))
    return upright_edge(scene, direction, max(0.1, 1.8 * natural / max(width, 1)))


def mirrored(scene: Scene, side: Line) -> Iterator[Sector]:
    """Symmetric sectors with one known side: the apex is where on that side the arcs around it gather most border pixels."""
    x0, y0, x1, y1 = scene.extent
    a, b, c = side
    if abs(a) < 0.1 or b > -np.sin(np.deg2rad(5)):
        return
    height = y1 - y0
    best, most = None, 0

    def support(y: float) -> int:
        apex = ((c - b * y) / a, y)
        if not x0 < apex[0] < x1:
            return 0
        far = np.hypot(max(abs(x0 - apex[0]), abs(x1 - apex[0])), y1 - y)
        return peak_radius(scene.border, apex, True, 0.6 * (y1 - y), far)[1]

    for level in (np.linspace(y0 - 1.5 * height, y0 + 0.2 * height, 35), np.linspace(-0.05 * height, 0.05 * height, 11)):
        for y in level + (best or 0.0):
            found = support(float(y))
            if found > most:
                best, most = float(y), found
    if best is not None:
        half = float(np.arctan2(-b, abs(a)))
        yield from rings(scene, ((c - b * best) / a, best), (-half, half))


def refined(scene: Scene, field: Sector) -> Sector:
    """Move apex, angles and radii so that the border pixels near the outline lie on it.

    Gauss-Newton on the distances, reweighted as by the soft absolute value so that strays count little; a part of the
    outline without border pixels keeps its parameter.
    """
    points, normals = scene.border.points.astype(float), scene.border.normals
    values = np.array([*field.apex, *field.angles, *field.radii])
    for allowed in np.linspace(scene.border.unit + 2.0, 1.5, 8):
        part = nearest_part(values, points, normals, allowed)
        used = part >= 0
        if used.sum() < 50:
            break
        distance, slope = part_distances(values, points[used], part[used])
        weighted = slope / np.sqrt(1 + distance**2)[:, None]
        scale = np.maximum(np.abs(slope).max(axis=0), 1e-6)
        normal = weighted.T @ slope / np.outer(scale, scale)
        step = np.linalg.solve(normal + 1e-3 * np.eye(6), -weighted.T @ distance / scale) / scale
        values = values + step
    radii = (float(values[4]) if field.radii[0] > 0 else 0.0, float(values[5]))
    return replace(field, apex=(float(values[0]), float(values[1])), angles=(float(values[2]), float(values[3])), radii=radii)


def part_distances(values: np.ndarray, points: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance of each point to its part, and its slope over the six values (apex, angles, radii).

    Parts: 0 left side, 1 right side, 2 inner arc, 3 outer arc.
    """
    offset = points - values[:2]
    slope = np.zeros((len(points), 6))
    distance = np.zeros(len(points))
    for index in (0, 1):
        on, (x, y) = part == index, offset[part == index].T
        sine, cosine = np.sin(values[2 + index]), np.cos(values[2 + index])
        distance[on] = x * cosine - y * sine
        slope[on, 0], slope[on, 1], slope[on, 2 + index] = -cosine, sine, -x * sine - y * cosine
    for index in (2, 3):
        on = part == index
        radius = np.maximum(np.hypot(*offset[on].T), 1e-6)
        distance[on] = radius - values[2 + index]
        slope[on, :2], slope[on, 2 + index] = -offset[on] / radius[:, None], -1
    return distance, slope


def nearest_part(values: np.ndarray, points: np.ndarray, normals: np.ndarray, allowed: float) -> np.ndarray:
    """For each border point the part that it lies on, at most ``allowed`` pixels away, and faces away from; -1 for none."""
    left, right = values[2:4]
    offset = points - values[:2]
    radius = np.maximum(np.hypot(*offset.T), 1e-6)
    radial = (normals * offset).sum(axis=1) / radius
    facing = np.stack([normals @ (-np.cos(left), np.sin(left)), normals @ (np.cos(right), -np.sin(right)), -radial, radial])
    sides = [offset @ (np.cos(angle), -np.sin(angle)) for angle in (left, right)]
    gaps = np.abs(np.stack([*sides, radius - values[4], radius - values[5]]))
    gaps[(facing < 0.9) | (gaps > allowed)] = np.inf
    return np.where(np.isfinite(gaps.min(axis=0)), gaps.argmin(axis=0), -1)
