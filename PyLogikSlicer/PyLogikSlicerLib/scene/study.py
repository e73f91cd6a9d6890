"""Study: one volume or sequence of the scene from finding its text to the export, and the nodes that were made for it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .exports import Export, verdict

if TYPE_CHECKING:
    from ..core.options import Options
    from ..review import Review
    from ..worker.messages import Source


@dataclass
class Study:
    """An image of the scene, its review, and their nodes; it changes as a person works.

    Attributes
    ----------
    node
        A ``vtkMRMLScalarVolumeNode`` (vector volumes are ones, too) or a ``vtkMRMLSequenceNode`` of volumes.
    source
        The image's files; none where the voxels of the node are worked on.
    options
        Those of the analysis.
    engine
        The text readers and the device that they ran on.
    notes
        What the person should know, without identifying text.
    frame
        The frame that was shown last.
    segmentation, table, result
        The nodes of the overlays, of the list of regions, and of the masked image; None until they are needed.
    drawnStates
        For each frame of the result what decided its mask when it was drawn; None before.
    keepText
        Whether the text that was read is stored with the scene.
    keepsHeaderText
        Whether the person was asked and wants to keep text of this image although it matches the header.
    export
        The last export, where it was verified and published.
    refusal
        The reason why the last export was not published.
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
    drawnStates: list[Hashable] = field(default_factory=list)
    keepText: bool = False
    keepsHeaderText: bool = False
    export: Export | None = None
    refusal: str = ""

    @property
    def exported(self) -> bool:
        """Whether the last export was verified and published."""
        return self.export is not None

    @property
    def folder(self) -> str:
        """The folder of the last export; empty where nothing was published."""
        return self.export.folder if self.export else ""

    @property
    def verdict(self) -> str:
        """One line on the last export; empty where there was none."""
        return verdict(self.export, self.review) if self.export else self.refusal
