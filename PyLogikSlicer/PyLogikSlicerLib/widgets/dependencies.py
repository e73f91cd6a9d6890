"""What has to be installed before the engine can run: read from requirements.txt, shown in one dialog, installed on consent."""

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
from .faults import reasonOf
from .panel import Panel

PYTORCH_EXTENSION = "PyTorch"
# The package that this extension installs.
TORCH = "torch"


@dataclass(frozen=True)
class Requirement:
    """A package: ``name`` and ``minimum`` as pip knows them, the disk it takes in MB, and what it is for."""

    name: str
    minimum: str
    megabytes: int
    purpose: str

    @property
    def missing(self) -> bool:
        try:
            return _numbers(importlib.metadata.version(self.name)) < _numbers(self.minimum)
        except importlib.metadata.PackageNotFoundError:
            return True

    @property
    def outdatedInMemory(self) -> bool:
        """Whether a version that is too old was imported, which stays until Slicer ends."""
        version = getattr(sys.modules.get(self.name), "__version__", None)
        return version is not None and _numbers(version) < _numbers(self.minimum)

    @property
    def line(self) -> str:
        return f"{self.name}>={self.minimum}"


def requirements(path: Path, engine: str = AUTO) -> list[Requirement]:
    """The packages of a requirements.txt in which a comment ``# 8 MB: purpose`` precedes each, and those that only this engine needs."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^# (\d+) MB: (.+)\n([A-Za-z0-9._-]+)>=([0-9.]+)$", text, re.MULTILINE)
    wanted = [Requirement(name, minimum, int(megabytes), purpose) for megabytes, purpose, name, minimum in found]
    extra = (Requirement(package.name, package.minimum, package.megabytes, package.purpose) for package in packages_of(engine))
    return [*wanted, *extra]


def ready(panel: Panel, path: Path, engine: str) -> bool:
    """:func:`ensure`, with what stands in the way told below the Apply button."""
    try:
        there = ensure(path, engine)
    except Exception as error:
        panel.tell(reasonOf(error, _("the packages cannot be looked at")), trouble=True)
        return False
    if not there:
        panel.tell(_("Not without the packages that find text: press Apply again to see them. All else works."), trouble=True)
    return there


def ensure(path: Path, engine: str = AUTO, why: str = "") -> bool:
    """Whether everything is there, or was installed just now because the person agreed; ``why`` it is needed is told, as a sentence.

    Raises EngineUnavailable when it could not be installed, or when Slicer has to start anew first; the message says what to do.
    """
    wanted = requirements(path, engine)
    missing = [requirement for requirement in wanted if requirement.missing]
    if not missing:
        _requireFresh(wanted)
        return True
    if slicer.app.testingEnabled() or not consent(missing, why):
        return False
    install(missing)
    return True


def consent(missing: list[Requirement], why: str = "") -> bool:
    """Show what would be installed, with sizes, and ask."""
    return bool(dialog(missing, why).exec_())


def dialog(missing: list[Requirement], why: str = "") -> qt.QDialog:
    """The one dialog: packages, sizes, purposes, the sum, and two buttons."""
    made = qt.QDialog(slicer.util.mainWindow())
    made.setObjectName("PyLogikSlicerDependencies")
    made.windowTitle = _("PyLogikSlicer: install packages?")
    layout = qt.QVBoxLayout()
    made.setLayout(layout)
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
    table.verticalHeader().setDefaultSectionSize(24)
    table.setMinimumSize(620, 34 + 24 * min(len(missing), 12))
    layout.addWidget(table)
    total = sum(requirement.megabytes for requirement in missing)
    told = _("About {megabytes} MB of disk. They are downloaded from the Python Package Index now, and never again; images stay here.")
    layout.addWidget(_label(told.format(megabytes=total)))
    buttons = qt.QDialogButtonBox()
    buttons.addButton(_("Install"), qt.QDialogButtonBox.AcceptRole).setObjectName("installButton")
    buttons.addButton(_("Not now"), qt.QDialogButtonBox.RejectRole).setObjectName("notNowButton")
    buttons.connect("accepted()", made.accept)
    buttons.connect("rejected()", made.reject)
    layout.addWidget(buttons)
    return made


def install(missing: list[Requirement]) -> None:
    """Install without asking again. Raises EngineUnavailable saying what to do when it fails, or when Slicer has to start anew first."""
    if any(requirement.name == TORCH for requirement in missing):
        _installTorch()
    lines = [requirement.line for requirement in missing if requirement.name != TORCH]
    try:
        with slicer.util.WaitCursor():
            _pip(lines)
    except Exception as error:
        told = _("The packages could not be installed ({kind}): check the network, see the Python console, and press Apply again.")
        raise EngineUnavailable(told.format(kind=type(error).__name__)) from None
    importlib.invalidate_caches()
    _requireFresh(missing)


def _requireFresh(wanted: list[Requirement]) -> None:
    """Raises EngineUnavailable where Slicer has imported an older version than the one that is installed now."""
    held = [requirement.name for requirement in wanted if requirement.outdatedInMemory]
    if held:
        told = _("The packages are installed. Restart Slicer, since it still holds an older {names}.")
        raise EngineUnavailable(told.format(names=", ".join(held)))


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
        told = _("EasyOCR needs the {extension} extension: install it in the Extensions Manager, restart Slicer, and press Apply again.")
        raise EngineUnavailable(told.format(extension=PYTORCH_EXTENSION)) from None
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False) is None:
        raise EngineUnavailable(_("PyTorch could not be installed: the Python console says why."))


def _label(text: str) -> qt.QLabel:
    label = qt.QLabel(text)
    label.wordWrap = True
    return label


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", re.match(r"[0-9.]*", version)[0]))
