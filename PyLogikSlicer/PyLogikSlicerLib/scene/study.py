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

    ``node`` is a ``vtkMRMLScalarVolumeNode`` (vector volumes are ones) or a ``vtkMRMLSequenceNode`` of volumes. ``source`` has
    no files where the node's own voxels are worked on. ``engine`` tells the readers and where they ran, ``notes`` what a
    person should know, without identifying text. ``frame`` is the one shown last; ``segmentation``, ``table`` and ``result``
    (None until it is asked for) are the nodes made, ``drawn`` what each frame of the result shows.

    ``keepsHeaderText``: a person was asked, and wants text of this image kept although it is in the header.

    ``verdict`` is one line on the last export; ``exported`` is True only when that was verified and published, and
    ``folder`` is where.
    """

    node: Any
    source: Source
    options: Options
    review: Review
    engine: str = ""
    notes: tuple[str, ...] = ()
    frame: int = 0
    segmentation: Any = None
    table: Any = None
    result: Any = None
    drawn: list = field(default_factory=list)
    keepText: bool = False
    keepsHeaderText: bool = False
    verdict: str = ""
    exported: bool = False
    folder: str = ""
