"""Labels of the panel that show a message, or are hidden while there is none."""

from __future__ import annotations

# Style sheet of an error.
ERROR_STYLE = "color: #b22222"


def showMessage(label, text: str, style: str = "") -> None:
    """Show a text in a label with this style sheet; an empty text hides the label."""
    label.text = text
    label.styleSheet = style
    label.setVisible(bool(text))
