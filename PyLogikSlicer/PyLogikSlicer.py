"""PyLogikSlicer: finds the text burned into a study, lets a person review it, removes it, and writes files that can be shared.

This file holds the classes that Slicer looks for. The parts of the panel are in PyLogikSlicerLib/widgets and the logic is in
PyLogikSlicerLib/scene; neither is imported before the module is opened, but for the tables of choices.
"""

import enum
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Union

import slicer
import vtk
from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSequenceNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from PyLogikSlicerLib.core.options import DEVICES, FORMATS, VARIANTS
from PyLogikSlicerLib.core.text_engines import ENGINES, TEXT_ENGINES


class PyLogikSlicer(ScriptedLoadableModule):
    """The module's title, category and help for Slicer."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("PyLogikSlicer")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Utilities")]
        parent.dependencies = []
        parent.contributors = ["The PyLogikSlicer developers"]
        parent.helpText = _(
            "Finds every piece of text burned into an image, lets you review it, removes it, and verifies what it wrote. "
            "Load a study, press Apply, review, export. Look at the result before you share it."
        )
        parent.acknowledgementText = _("Does the work of PyLogik (Kline et al., arXiv 2304.12322) inside Slicer.")
        if hasattr(slicer.app, "startupCompleted"):
            slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Offer the ultrasound study that comes with the module among Slicer's sample data; nothing is downloaded."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="PyLogikSlicer",
        sampleName="BurnedInText",
        thumbnailFileName=os.path.join(os.path.dirname(__file__), "Resources", "Icons", "PyLogikSlicer.png"),
        uris="",
        fileNames="",
        nodeNames="BurnedInText",
        customDownloader=lambda source=None: loadSample(),
    )


def loadSample():
    """Load an ultrasound study with text in its pixels, and return its node in a list; needs neither a network nor any package."""
    from PyLogikSlicerLib.scene import loading

    return loading.loadCine(os.path.join(os.path.dirname(__file__), "Resources", "SampleData", "BurnedInText.dcm"))


class _Choice(enum.Enum):
    """A choice of the panel: its value is the engine's name for it, and its label is shown to people."""

    def label(self):
        return _LABELS.get(self, self.value)


def _choices(className, names):
    """The enumeration of the names in a table of the engine: ``deid-us`` is the member DEID_US."""
    members = {name.replace("-", "_").upper(): name for name in names}
    return _Choice(className, members)  # type: ignore[call-arg] # mypy knows this way to make one of enum.Enum itself only


if TYPE_CHECKING:  # which does not know the names of an enumeration that is made of a table

    class Variant(_Choice):
        DEID = "deid"

    class Engine(_Choice):
        AUTO = "auto"
        THOROUGH = "thorough"

    class Device(_Choice):
        AUTO = "auto"

    class ImageFormat(_Choice):
        JPEG = "jpeg"

else:
    Variant = _choices("Variant", VARIANTS)
    Engine = _choices("Engine", ENGINES)
    Device = _choices("Device", DEVICES)
    ImageFormat = _choices("ImageFormat", FORMATS)


class Contents(_Choice):
    ALL = "all"
    TEXT = "text"


# A name without a label is shown as it is.
_LABELS: dict[enum.Enum, str] = {
    Variant("deid"): _("Whole image (deid)"),
    Variant("deid-us"): _("Ultrasound sector (deid-us)"),
    Variant("deid-one"): _("Largest object (deid-one)"),
    Variant("deid-clean"): _("All large objects (deid-clean)"),
    Engine.AUTO: _("Automatic"),
    **{Engine(spec.name): spec.label for spec in TEXT_ENGINES},
    Engine.THOROUGH: _("Both (thorough)"),
    Device("auto"): _("Best device"),
    Device("cpu"): _("CPU"),
    Device("cuda"): _("GPU (CUDA)"),
    Device("mps"): _("GPU (Apple)"),
    ImageFormat("jpeg"): _("JPEG, as seen"),
    ImageFormat("jpeg-lossless"): _("JPEG lossless"),
    ImageFormat("png"): _("PNG, exact"),
    Contents.ALL: _("Images, text list and report"),
    Contents.TEXT: _("Text list and report only"),
}


@parameterNodeWrapper
class PyLogikSlicerParameterNode:
    """The settings of the panel's controls. The export folder is not among them: it may be named after a patient, and scenes are shared."""

    inputNode: Union[vtkMRMLScalarVolumeNode, vtkMRMLSequenceNode, None]  # noqa: UP007 - Slicer knows no other way to write it
    variant: Variant = Variant.DEID
    threshold: Annotated[int, WithinRange(0, 255)] = 0
    engine: Engine = Engine.AUTO
    device: Device = Device.AUTO
    keepMeasurements: bool = False
    overlayOpacity: Annotated[float, WithinRange(0, 1)] = 0.5
    overlayOutline: bool = False
    imageFormat: ImageFormat = ImageFormat.JPEG
    obfuscateNames: bool = True
    contents: Contents = Contents.ALL
    predictionNode: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, vtkMRMLSequenceNode, None]  # noqa: UP007
    truthNode: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, vtkMRMLSequenceNode, None]  # noqa: UP007
    showDifferences: bool = True


class PyLogikSlicerLogic(ScriptedLoadableModuleLogic):
    """The module's logic, without Qt: ``PyLogikSlicerLogic().process(volumeNode, variant="deid-us")``.

    The methods below are those for the console. ``studyLogic`` (:class:`PyLogikSlicerLib.scene.logic.StudyLogic`) and ``comparisonLogic``
    (:class:`PyLogikSlicerLib.scene.comparing.logic.ComparisonLogic`) have the rest.

    Parameters
    ----------
    jobs
        Does the long work (:class:`PyLogikSlicerLib.scene.jobs.Jobs`); by default in a worker process.
    """

    def __init__(self, jobs=None):
        ScriptedLoadableModuleLogic.__init__(self)
        from PyLogikSlicerLib.scene.comparing.logic import ComparisonLogic
        from PyLogikSlicerLib.scene.logic import StudyLogic

        settings = Path(slicer.app.slicerUserSettingsFilePath).parent
        self.studyLogic = StudyLogic(templates=str(settings / "PyLogikSlicerTemplates.json"), jobs=jobs)
        self.comparisonLogic = ComparisonLogic(self.studyLogic.studies)

    def getParameterNode(self):
        return PyLogikSlicerParameterNode(super().getParameterNode())  # type: ignore[call-arg]  # the decorator adds the constructor

    @property
    def studies(self):
        """The studies of the scene by the IDs of their volumes and sequences."""
        return self.studyLogic.studies

    def process(self, volumeNode, variant="deid", threshold=0, engine="auto", device="auto", keep="none"):
        """Find the text of a volume or sequence, wait for it, and return the study; its regions are ``study.review.regions``.

        The options are those of the command line. Raises PyLogikSlicerError with the reason when it fails.
        """
        return self.studyLogic.process(volumeNode, variant, threshold, engine, device, keep)

    def studyOf(self, node):
        """The study of a volume, sequence, sequence proxy, result, segmentation or table; None where the node belongs to none."""
        return self.studyLogic.studyOf(node)

    def refresh(self, study):
        """Show the review of a study as it is now. Call it after each change such as ``study.review.decide([0], "keep")``."""
        self.studyLogic.refresh(study)

    def makeResult(self, study):
        """The masked volume, or the proxy of the masked sequence: the image as it would be exported, but not cropped."""
        return self.studyLogic.makeResult(study)

    def export(self, study, folder, format="jpeg", rename=True):
        """Write a study as reviewed into a folder (a full path), verify it, wait for it, and return the verdict.

        Raises PyLogikSlicerError with the reason when nothing is published.
        """
        return self.studyLogic.export(study, folder, format, rename)

    def segmentsOf(self, node):
        """The names of the segments of a segmentation, labelmap volume or sequence of these, by their IDs or labels."""
        return self.comparisonLogic.segmentsOf(node)

    def matchSegments(self, predictionNode, truthNode, by="auto"):
        """The segments of the prediction to those of the truth that they are compared with, "auto", by "name" or by "overlap"."""
        return self.comparisonLogic.matchSegments(predictionNode, truthNode, by)

    def compare(self, predictionNode, truthNode, matching=None, distances=True):
        """Compare two segmentations, labelmap volumes, or sequences of these.

        ``matching`` gives segments of the prediction with those of the truth, by names, IDs or labels; by default :meth:`matchSegments`.
        Returns a comparison whose ``comparisons[name]`` are the scores; its tables, plot and differences are in the scene. Raises
        UsageError where the two cannot be compared.
        """
        return self.comparisonLogic.compare(predictionNode, truthNode, matching, distances)

    def showDifferences(self, comparison, shown=True):
        """Show the differences of a comparison in the slice views, or hide them."""
        self.comparisonLogic.showDifferences(comparison, shown)

    def exportComparison(self, comparison, folder, pictures=True):
        """Write the scores of a comparison, and pictures of it where matplotlib is installed, into a folder (a full path)."""
        return self.comparisonLogic.exportComparison(comparison, folder, pictures)

    def close(self):
        """End the work and the worker, and observe the scene no more."""
        self.comparisonLogic.close()
        self.studyLogic.close()


class PyLogikSlicerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: its life cycle, and what its parts share (see PyLogikSlicerLib/widgets/panel.py).

    ``logic`` is made in :meth:`setup` if none is given.
    """

    def __init__(self, parent=None, logic=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = logic
        self.parameters: Any = None
        self._guiTag = None
        self._shownInput = self._shownStudy = self._shownNodes = None
        self._askedForText = False
        self._closingEndedWork = False

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from PyLogikSlicerLib.widgets.apply_part import ApplyPart
        from PyLogikSlicerLib.widgets.compare_part import ComparePart
        from PyLogikSlicerLib.widgets.export_part import ExportPart
        from PyLogikSlicerLib.widgets.input_part import InputPart
        from PyLogikSlicerLib.widgets.review_part import ReviewPart
        from PyLogikSlicerLib.widgets.run_part import RunPart
        from PyLogikSlicerLib.widgets.task_part import TaskPart

        self._uiWidget = slicer.util.loadUI(self.resourcePath("UI/PyLogikSlicer.ui"))
        self.layout.addWidget(self._uiWidget)
        self.ui = slicer.util.childWidgetVariables(self._uiWidget)
        self._uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = self.logic or PyLogikSlicerLogic()
        studyLogic = self.logic.studyLogic
        self.run = RunPart(self, studyLogic)
        self.input = InputPart(self, self._uiWidget)
        self.review = ReviewPart(self, studyLogic)
        self.task = TaskPart(self, studyLogic, self.run.run, self.review.mouse)
        self.apply = ApplyPart(self, studyLogic, self.run, self.task)
        self.export = ExportPart(self, studyLogic, self.run.run)
        self.compare = ComparePart(self, self.logic.comparisonLogic, Path(self.resourcePath("requirements_pictures.txt")))
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.StartSaveEvent, self.onSceneStartSave)
        # After the logic and the node selectors, when they have reacted to the removal.
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved, priority=-1.0)
        self.initializeParameterNode()
        self.showStatus("")

    def cleanup(self):
        self.exit()
        self.removeObservers()
        self.compare.forget()
        self.logic.close()
        self.run.forget()

    def onReload(self):
        """Reload the module with its library, whose submodules would otherwise stay as they were first imported."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "PyLogikSlicerLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def enter(self):
        self.initializeParameterNode()
        self.review.activate(slicer.util.mainWindow() or self._uiWidget)

    def exit(self):
        """Another module is shown: react to the mouse and to keys no more. Work in progress goes on."""
        self.review.deactivate()
        self._disconnectGui()

    def onSceneStartClose(self, caller=None, event=None):
        """End the work on the nodes, which are removed. The logic observes the scene itself."""
        self._closingEndedWork = self.busy or self.compare.running
        self.run.forget()
        self.setParameterNode(None)
        self.review.forget()
        self.compare.forget()
        self._shownInput = self._shownStudy = None
        self._askedForText = False

    def onSceneEndClose(self, caller=None, event=None):
        self.initializeParameterNode()
        self.showStatus(_("The scene was closed, and what was being worked on ended.") if self._closingEndedWork else "")

    def onNodeRemoved(self, caller=None, event=None):
        """Update the panel where a node was removed that it shows."""
        if self.parameters and not slicer.mrmlScene.IsClosing() and self._nodesInUse() != self._shownNodes:
            self.updateGui()

    def onSceneEndImport(self, caller=None, event=None):
        """Read the parameters again: they were imported before the nodes that they refer to."""
        self.setParameterNode(self.logic.getParameterNode())

    def onSceneStartSave(self, caller=None, event=None):
        """Before the first save, ask whether the text that was read may be stored with the scene; by default it is not."""
        from PyLogikSlicerLib.widgets.confirmations import confirmStoreText

        studies = [study for study in self.logic.studies.values() if not study.keepText]
        if studies and not self._askedForText:
            self._askedForText = True
            if confirmStoreText():
                for study in studies:
                    self.logic.studyLogic.storeText(study, True)

    def initializeParameterNode(self):
        self.setParameterNode(self.parameters or self.logic.getParameterNode())

    def setParameterNode(self, parameters):
        self._disconnectGui()
        self.parameters = parameters
        if parameters:
            self._guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
        self.updateGui()

    def _disconnectGui(self):
        if self._guiTag is not None:
            self.parameters.disconnectGui(self._guiTag)
            self.removeObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
            self._guiTag = None

    # What the parts share; described in PyLogikSlicerLib/widgets/panel.py -------------------------------------------------

    @property
    def inputNode(self):
        node = self.parameters.inputNode if self.parameters else None
        return node if node and node.GetScene() else None

    @property
    def study(self):
        return self.logic.studyOf(self.inputNode)

    @property
    def busy(self):
        return self.run.busy

    def ensureEngine(self):
        from PyLogikSlicerLib.widgets import dependencies

        return dependencies.ensureForPanel(self, Path(self.resourcePath("requirements.txt")), self.parameters.engine.value)

    def showStatus(self, text, isError=False):
        from PyLogikSlicerLib.widgets.labels import ERROR_STYLE, showMessage

        showMessage(self.ui.statusLabel, text, ERROR_STYLE if isError else "")

    def options(self):
        from PyLogikSlicerLib.core.options import Options

        parameters = self.parameters
        return Options(
            variant=parameters.variant.value,
            images=parameters.contents != Contents.TEXT,
            threshold=parameters.threshold,
            rename=parameters.obfuscateNames,
            engine=parameters.engine.value,
            device=parameters.device.value,
            format=parameters.imageFormat.value,
            keep="measurements" if parameters.keepMeasurements else "none",
            overwrite=True,
        )

    def updateGui(self, caller=None, event=None):
        from PyLogikSlicerLib.widgets.slice_display import showInput

        node, study, former = self.inputNode, self.study, self._shownStudy
        if node is not self._shownInput:
            self._shownInput = node
            self.ui.pickButton.checked = False
            if node:
                showInput(node)
        if study is not former:
            self._shownStudy = study
            self.review.setStudy(study)
            if former and former.node.GetScene() is None and not slicer.mrmlScene.IsClosing():
                self.showStatus(_("The image was removed from the scene, and its review with it."), isError=True)
        self._shownNodes = self._nodesInUse()
        ui, busy = self.ui, self.busy
        ui.applyButton.enabled = node is not None and not busy
        ui.cancelButton.enabled = busy
        for widget in (
            ui.inputSelector,
            ui.openFilesButton,
            ui.openFolderButton,
            ui.databaseButton,
            ui.databaseWidget,
            ui.taskCollapsibleButton,
        ):
            widget.enabled = not busy
        ui.pickButton.enabled = node is not None and not busy
        self.review.update()
        self.export.update()
        self.compare.update()

    def _nodesInUse(self):
        """The input, its study, and the nodes of the study."""
        study = self.study
        return self.inputNode, study, study and (study.segmentation, study.table, study.result)


class PyLogikSlicerTest(ScriptedLoadableModuleTest):
    """Runs in Slicer; the steps are in PyLogikSlicerLib/widgets/self_test.py. They are skipped where packages are missing."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_Logic()
        self.setUp()
        self.test_Panel()

    def test_Logic(self):
        from PyLogikSlicerLib.widgets import self_test

        self_test.testLogic(self, PyLogikSlicerLogic(), loadSample)

    def test_Panel(self):
        from PyLogikSlicerLib.widgets import self_test

        self_test.testPanel(self, loadSample)
