"""Panel: what the parts of the panel use of the whole. The module's widget is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..core.options import Options
    from ..scene.study import Study


class Panel(Protocol):
    """``ui`` holds the widgets of the .ui file by name, and ``parameters`` is the parameter node (None while the scene is closed)."""

    ui: Any
    parameters: Any

    @property
    def inputNode(self) -> Any:
        """The input that is chosen; None where there is none, or where it was removed from the scene."""

    @property
    def study(self) -> Study | None:
        """The study of the input; None before Apply."""

    @property
    def busy(self) -> bool:
        """Whether the worker is working for this panel."""

    def ensureEngine(self) -> bool:
        """Whether the text engine can be used; asks the person whether missing packages may be installed."""

    def showStatus(self, text: str, isError: bool = False) -> None:
        """Show a line below the Apply button; an empty text hides it."""

    def updateGui(self) -> None:
        """Show the input, its study and the work in progress as they are now."""

    def options(self) -> Options:
        """The options of the engine that the controls are set to."""
