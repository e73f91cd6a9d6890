"""Study: one volume or sequence of the scene on its way from finding to export, and the nodes made for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .exports import Export, verdict

if TYPE_CHECKING:
    from ..core.options import Options
    from ..review import Review
    from ..worker.messages import Source


@dataclass
class Study:
    """What belongs together in the scene; it changes as a person works.

    ``node`` is a ``vtkMRMLScalarVolumeNode`` (vector volumes are ones) or a ``vtkMRMLSequenceNode`` of volumes. ``source`` has
    no files where the node's own voxels are worked on. ``engine`` tells the readers and where they ran, ``notes`` what a
    person should know, without identifying text. ``frame`` is the one shown last; ``segmentation``, ``table`` and ``result``
    (None until it is asked for) are the nodes made, ``drawn`` what each frame of the result shows.

    ``keepsHeaderText``: a person was asked, and wants text of this image kept although it is in the header.

    ``export`` is the last export where that was verified and published, ``refusal`` the reason where it was not.
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
    export: Export | None = None
    refusal: str = ""

    @property
    def exported(self) -> bool:
        """True only when the last export was verified and published."""
        return self.export is not None

    @property
    def folder(self) -> str:
        """Where the last export is; empty where nothing was published."""
        return self.export.folder if self.export else ""

    @property
    def verdict(self) -> str:
        """One line on the last export, as it was made; empty where there was none."""
        return verdict(self.export, self.review) if self.export else self.refusal
