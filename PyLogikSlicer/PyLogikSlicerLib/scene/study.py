"""Study: one volume or sequence of the scene on its way from finding to export, and the nodes made for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..exchange import Source
    from ..options import Options
    from ..review import Review


@dataclass
class Study:
    """What belongs together in the scene; it changes as a person works.

    ``node`` is a ``vtkMRMLScalarVolumeNode`` (vector volumes are ones) or a ``vtkMRMLSequenceNode`` of volumes. ``notes``
    tell what a person should know of the source, without identifying text. ``verdict`` is one line on the last export;
    ``exported`` is True only when that was verified and published, and ``folder`` is where.
    """

    node: Any
    source: Source
    options: Options
    review: Review
    notes: tuple[str, ...] = ()
    frame: int = 0
    segmentation: Any = None
    table: Any = None
    result: Any = None
    keepText: bool = False
    verdict: str = ""
    exported: bool = False
    folder: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
