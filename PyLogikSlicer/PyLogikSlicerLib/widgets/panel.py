"""What the parts of the panel know of the whole; the module's widget is one."""

from __future__ import annotations

from typing import Any, Protocol


class Panel(Protocol):
    """``ui``: the widgets of the .ui file by name. ``parameters``: the parameter node. ``inputNode``: the input that is in the scene,
    or None. ``study``: that of the input, or None."""

    ui: Any
    logic: Any
    parameters: Any
    inputNode: Any
    study: Any
    busy: bool

    def engineReady(self) -> bool:
        """Whether the engine can be used; asks for what is missing."""

    def tell(self, text: str, trouble: bool = False) -> None:
        """Say something below the Apply button."""

    def changed(self) -> None:
        """The study, or what is going on, is another one: show it."""

    def options(self) -> Any:
        """The engine's options as the panel stands."""
