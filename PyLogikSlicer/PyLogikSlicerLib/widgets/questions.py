"""The questions that the panel asks a person. The answer that needs no thought is no, and so it is where nobody can be asked."""

from __future__ import annotations

from collections.abc import Sequence

import qt
import slicer
from slicer.i18n import tr as _


def mayStoreText() -> bool:
    """Whether the text that was read may be saved with the scene."""
    return _agreed(
        _("Save the text that was found in the images with the scene?"),
        _("It may tell who the patient is. Without it the scene keeps where the text is, not what it says."),
        yes=_("Save the text"),
        no=_("Do not save the text"),
    )


def mayKeepHeaderText(keywords: Sequence[str]) -> bool:
    """Whether text stays in the image that matches these fields of the header."""
    return _agreed(
        _("Keep text that matches the header ({keywords})?").format(keywords=", ".join(keywords)),
        _("It can tell who the patient is, and whoever gets what is exported can read it. A yes holds for all of this image."),
        yes=_("Keep it in the image"),
        no=_("Leave it redacted"),
    )


def mayDiscardReview() -> bool:
    """Whether a review that holds a person's work may be replaced."""
    return _agreed(
        _("Look for text again, and lose your review of this image?"),
        _("What you decided, drew, moved and marked as reviewed would be gone, and cannot be undone."),
        yes=_("Lose the review"),
        no=_("Keep the review"),
    )


def _agreed(text: str, more: str, yes: str, no: str) -> bool:
    if slicer.app.testingEnabled():
        return False
    box = qt.QMessageBox(slicer.util.mainWindow())
    box.windowTitle = _("PyLogikSlicer")
    box.text = text
    box.informativeText = more
    declining = box.addButton(no, qt.QMessageBox.AcceptRole)
    agreeing = box.addButton(yes, qt.QMessageBox.YesRole)
    box.setDefaultButton(declining)
    box.setEscapeButton(declining)
    box.exec_()
    return box.clickedButton() == agreeing
