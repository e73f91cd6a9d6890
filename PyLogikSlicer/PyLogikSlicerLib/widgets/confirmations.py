"""Questions that a person confirms or declines. Declining is the default, and the answer in testing mode, where nobody can be asked."""

from __future__ import annotations

from collections.abc import Sequence

import qt
import slicer
from slicer.i18n import tr as _


def confirmStoreText() -> bool:
    """Ask whether the text that was read may be saved with the scene."""
    return _ask(
        _("Save the text that was found in the images with the scene?"),
        _("It may tell who the patient is. Without it the scene keeps where the text is, not what it says."),
        yes=_("Save the text"),
        no=_("Do not save the text"),
    )


def confirmKeepHeaderText(keywords: Sequence[str]) -> bool:
    """Ask whether text that matches these fields of the header stays in the image."""
    return _ask(
        _("Keep text that matches the header ({keywords})?").format(keywords=", ".join(keywords)),
        _("It can tell who the patient is, and whoever gets what is exported can read it. A yes holds for all of this image."),
        yes=_("Keep it in the image"),
        no=_("Leave it redacted"),
    )


def confirmDiscardReview() -> bool:
    """Ask whether a review that holds a person's work may be replaced by a new one."""
    return _ask(
        _("Look for text again, and lose your review of this image?"),
        _("What you decided, drew, moved and marked as reviewed would be gone, and cannot be undone."),
        yes=_("Lose the review"),
        no=_("Keep the review"),
    )


def _ask(text: str, more: str, yes: str, no: str) -> bool:
    """Whether the person chose ``yes``; the default button and Esc are ``no``."""
    if slicer.app.testingEnabled():
        return False
    box = qt.QMessageBox(slicer.util.mainWindow())
    box.windowTitle = _("PyLogikSlicer")
    box.text = text
    box.informativeText = more
    noButton = box.addButton(no, qt.QMessageBox.AcceptRole)
    yesButton = box.addButton(yes, qt.QMessageBox.YesRole)
    box.setDefaultButton(noButton)
    box.setEscapeButton(noButton)
    box.exec_()
    return box.clickedButton() == yesButton
