"""The question whether the text that was read may be saved with the scene."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _


def mayStoreText() -> bool:
    """Ask; the answer that needs no thought is no, and so it is where nobody can be asked."""
    if slicer.app.testingEnabled():
        return False
    box = qt.QMessageBox(slicer.util.mainWindow())
    box.windowTitle = _("PyLogikSlicer")
    box.text = _("Save the text that was found in the images with the scene?")
    box.informativeText = _("It may tell who the patient is. Without it the scene keeps where the text is, not what it says.")
    no = box.addButton(_("Do not save the text"), qt.QMessageBox.AcceptRole)
    yes = box.addButton(_("Save the text"), qt.QMessageBox.YesRole)
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    box.exec_()
    return box.clickedButton() == yes
