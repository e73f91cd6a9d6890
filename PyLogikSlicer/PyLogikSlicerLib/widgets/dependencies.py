"""The packages that the engine needs: read from requirements.txt, shown in one dialog, and installed where the person agrees."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..core.errors import EngineUnavailable
from ..core.text_engines import AUTO, packages_of
from .error_messages import errorMessage
from .panel import Panel

PYTORCH_EXTENSION = "PyTorch"
# The package that this extension installs.
TORCH = "torch"
# Pixels of the dialog's table: its width, its header and one row, and how many rows are shown without scrolling.
TABLE_WIDTH = 620
HEADER_HEIGHT = 34
ROW_HEIGHT = 24
MOST_ROWS = 12


@dataclass(frozen=True)
class Requirement:
    """A package: ``name`` and ``minimum`` as pip knows them, the disk it takes in MB, and what it is for."""

    name: str
    minimum: str
    megabytes: int
    purpose: str

    @property
    def missing(self) -> bool:
        """Whether the package, or this version of it, is not installed."""
        try:
            return _versionNumbers(importlib.metadata.version(self.name)) < _versionNumbers(self.minimum)
        except importlib.metadata.PackageNotFoundError:
            return True

    @property
    def outdatedInMemory(self) -> bool:
        """Whether a version that is too old was imported; it stays in memory until Slicer ends."""
        version = getattr(sys.modules.get(self.name), "__version__", None)
        return version is not None and _versionNumbers(version) < _versionNumbers(self.minimum)

    @property
    def line(self) -> str:
        """The package and its minimum version as pip takes them."""
        return f"{self.name}>={self.minimum}"


def requirements(path: Path, engine: str = AUTO) -> list[Requirement]:
    """The packages of a requirements.txt, in which each follows a comment ``# 8 MB: purpose``; with those that only this engine needs."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^# (\d+) MB: (.+)\n([A-Za-z0-9._-]+)>=([0-9.]+)$", text, re.MULTILINE)
    wanted = [Requirement(name, minimum, int(megabytes), purpose) for megabytes, purpose, name, minimum in found]
    extra = (Requirement(package.name, package.minimum, package.megabytes, package.purpose) for package in packages_of(engine))
    return [*wanted, *extra]


def ensureForPanel(panel: Panel, path: Path, engine: str) -> bool:
    """:func:`ensure`, with the reason shown in the panel's status where packages are missing."""
    try:
        installed = ensure(path, engine)
    except Exception as error:
        panel.showStatus(errorMessage(error, _("the packages cannot be looked at")), isError=True)
        return False
    if not installed:
        panel.showStatus(_("Not without the packages that find text: press Apply again to see them. All else works."), isError=True)
    return installed


def ensure(path: Path, engine: str = AUTO, why: str = "") -> bool:
    """Whether all packages are installed, after asking the person about those that are missing.

    ``why`` is the sentence of the dialog that says what they are needed for. Raises EngineUnavailable when they could not be installed,
    or when Slicer has to be restarted first; the message says what to do.
    """
    wanted = requirements(path, engine)
    missing = [requirement for requirement in wanted if requirement.missing]
    if not missing:
        _requireCurrentImports(wanted)
        return True
    if slicer.app.testingEnabled() or not consent(missing, why):
        return False
    install(missing)
    return True


def consent(missing: list[Requirement], why: str = "") -> bool:
    """Show the packages that would be installed, with their sizes, and ask."""
    return bool(makeDialog(missing, why).exec_())


def makeDialog(missing: list[Requirement], why: str = "") -> qt.QDialog:
    """The dialog: packages, sizes, purposes, the total size, and two buttons."""
    dialog = qt.QDialog(slicer.util.mainWindow())
    dialog.setObjectName("PyLogikSlicerDependencies")
    dialog.windowTitle = _("PyLogikSlicer: install packages?")
    layout = qt.QVBoxLayout()
    dialog.setLayout(layout)
    layout.addWidget(_label(why or _("To find and remove text, PyLogikSlicer needs these packages in Slicer's Python:")))
    table = qt.QTableWidget(len(missing), 3)
    table.setHorizontalHeaderLabels([_("Package"), _("Size"), _("What it is for")])
    table.verticalHeader().setVisible(False)
    table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    table.setSelectionMode(qt.QAbstractItemView.NoSelection)
    for row, requirement in enumerate(missing):
        for column, text in enumerate((requirement.name, f"{requirement.megabytes} MB", requirement.purpose)):
            table.setItem(row, column, qt.QTableWidgetItem(text))
    table.setFocusPolicy(qt.Qt.NoFocus)
    table.resizeColumnsToContents()
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setSectionResizeMode(2, qt.QHeaderView.Stretch)
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.setMinimumSize(TABLE_WIDTH, HEADER_HEIGHT + ROW_HEIGHT * min(len(missing), MOST_ROWS))
    layout.addWidget(table)
    total = sum(requirement.megabytes for requirement in missing)
    text = _("About {megabytes} MB of disk. They are downloaded from the Python Package Index now, and never again; images stay here.")
    layout.addWidget(_label(text.format(megabytes=total)))
    buttons = qt.QDialogButtonBox()
    buttons.addButton(_("Install"), qt.QDialogButtonBox.AcceptRole).setObjectName("installButton")
    buttons.addButton(_("Not now"), qt.QDialogButtonBox.RejectRole).setObjectName("notNowButton")
    buttons.connect("accepted()", dialog.accept)
    buttons.connect("rejected()", dialog.reject)
    layout.addWidget(buttons)
    return dialog


def install(missing: list[Requirement]) -> None:
    """Install packages without asking. Raises EngineUnavailable, which says what to do, when that fails, or when Slicer has to be
    restarted first."""
    if any(requirement.name == TORCH for requirement in missing):
        _installTorch()
    lines = [requirement.line for requirement in missing if requirement.name != TORCH]
    try:
        with slicer.util.WaitCursor():
            _pip(lines)
    except Exception as error:
        message = _("The packages could not be installed ({kind}): check the network, see the Python console, and press Apply again.")
        raise EngineUnavailable(message.format(kind=type(error).__name__)) from None
    importlib.invalidate_caches()
    _requireCurrentImports(missing)


def _requireCurrentImports(wanted: list[Requirement]) -> None:
    """Raises EngineUnavailable where Slicer has imported an older version than the one that is installed now."""
    outdated = [requirement.name for requirement in wanted if requirement.outdatedInMemory]
    if outdated:
        message = _("The packages are installed. Restart Slicer, since it still holds an older {names}.")
        raise EngineUnavailable(message.format(names=", ".join(outdated)))


def _pip(lines: list[str]) -> None:
    try:
        from slicer import packaging
    except ImportError:  # before Slicer 5.12
        for line in lines:
            slicer.util.pip_install(line)
    else:
        packaging.pip_ensure(lines, prompt_install=False, prompt_restart=False, requester="PyLogikSlicer")


def _installTorch() -> None:
    try:
        import PyTorchUtils
    except ImportError:
        message = _("EasyOCR needs the {extension} extension: install it in the Extensions Manager, restart Slicer, and press Apply again.")
        raise EngineUnavailable(message.format(extension=PYTORCH_EXTENSION)) from None
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False) is None:
        raise EngineUnavailable(_("PyTorch could not be installed: the Python console says why."))


def _label(text: str) -> qt.QLabel:
    label = qt.QLabel(text)
    label.wordWrap = True
    return label


def _versionNumbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (2, 4) of "2.4rc1"."""
    release = re.match(r"[0-9.]*", version)
    return tuple(int(number) for number in re.findall(r"\d+", release[0])) if release else ()
