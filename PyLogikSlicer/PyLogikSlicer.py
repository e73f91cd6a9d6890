"""PyLogikSlicer: finds the text burned into a study, lets a person review it, removes it, and writes files that can be shared.

Only the outline of the module stands here. The panel's pieces are in PyLogikSlicerLib/widgets, what happens in the scene in
PyLogikSlicerLib/scene, and none of it but the table of text engines is imported before the module is opened.
"""

import enum
import os
from pathlib import Path
from typing import Annotated, Union

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

from PyLogikSlicerLib.core.text_engines import ENGINES, TEXT_ENGINES


class PyLogikSlicer(ScriptedLoadableModule):
    """What Slicer's module finder shows."""

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
    """An ultrasound study with text in its pixels, as a node of the scene; it needs neither a network nor a package."""
    from PyLogikSlicerLib.scene import loading

    return loading.loadCine(os.path.join(os.path.dirname(__file__), "Resources", "SampleData", "BurnedInText.dcm"))


class _Choice(enum.Enum):
    """A member's value is the engine's word for it, its label what people read."""

    def label(self):
        return _LABELS[self]


class Variant(_Choice):
    DEID = "deid"
    DEID_US = "deid-us"
    DEID_ONE = "deid-one"
    DEID_CLEAN = "deid-clean"


# AUTO, THOROUGH, and each text engine of the table.
Engine = _Choice("Engine", {name.upper(): name for name in ENGINES})


class Device(_Choice):
    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class ImageFormat(_Choice):
    JPEG = "jpeg"
    JPEG_LOSSLESS = "jpeg-lossless"
    PNG = "png"


class Contents(_Choice):
    ALL = "all"
    TEXT = "text"


_LABELS = {
    Variant.DEID: _("Whole image (deid)"),
    Variant.DEID_US: _("Ultrasound sector (deid-us)"),
    Variant.DEID_ONE: _("Largest object (deid-one)"),
    Variant.DEID_CLEAN: _("All large objects (deid-clean)"),
    Engine.AUTO: _("Automatic"),
    **{Engine(spec.name): spec.label for spec in TEXT_ENGINES},
    Engine.THOROUGH: _("Both (thorough)"),
    Device.AUTO: _("Best device"),
    Device.CPU: _("CPU"),
    Device.CUDA: _("GPU (CUDA)"),
    Device.MPS: _("GPU (Apple)"),
    ImageFormat.JPEG: _("JPEG, as seen"),
    ImageFormat.JPEG_LOSSLESS: _("JPEG lossless"),
    ImageFormat.PNG: _("PNG, exact"),
    Contents.ALL: _("Images, text list and report"),
    Contents.TEXT: _("Text list and report only"),
}


@parameterNodeWrapper
class PyLogikSlicerParameterNode:
    """What the panel's controls say. The export folder is no parameter: its name may tell a patient's, and scenes are shared."""

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

    All but the parameter node is :class:`PyLogikSlicerLib.scene.logic.StudyLogic`, imported when it is first asked for.
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self._studyLogic = None

    def getParameterNode(self):
        return PyLogikSlicerParameterNode(super().getParameterNode())

    @property
    def started(self):
        """Whether there can be studies or work yet."""
        return self._studyLogic is not None

    @property
    def studyLogic(self):
        if self._studyLogic is None:
            from PyLogikSlicerLib.scene.logic import StudyLogic

            settings = Path(slicer.app.slicerUserSettingsFilePath).parent
            self._studyLogic = StudyLogic(templates=str(settings / "PyLogikSlicerTemplates.json"))
        return self._studyLogic

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.studyLogic, name)


class PyLogikSlicerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: its life cycle, and what its parts share (see PyLogikSlicerLib/widgets/panel.py)."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.parameters = None
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
        self.logic = PyLogikSlicerLogic()
        self.run = RunPart(self)
        self.input = InputPart(self, self._uiWidget)
        self.review = ReviewPart(self)
        self.task = TaskPart(self, self.run.run, self.review.mouse)
        self.apply = ApplyPart(self, self.run, self.task)
        self.export = ExportPart(self, self.run.run)
        self.compare = ComparePart(self, Path(self.resourcePath("requirements_pictures.txt")))
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.StartSaveEvent, self.onSceneStartSave)
        # After all others, the logic's and those of the node selectors: then it is known what is left.
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved, priority=-1.0)
        self.initializeParameterNode()
        self.tell("")

    def cleanup(self):
        self.exit()
        self.removeObservers()
        self.compare.forget()
        if self.logic.started:
            self.logic.close()
        self.run.stop()

    def enter(self):
        self.initializeParameterNode()
        self.review.activate(slicer.util.mainWindow() or self._uiWidget)

    def exit(self):
        """What waits for the mouse or the keyboard waits no longer; work in progress goes on."""
        self.review.deactivate()
        self._disconnectGui()

    def onSceneStartClose(self, caller=None, event=None):
        """The nodes are going: so does the work on them."""
        self._closingEndedWork = self.busy or self.compare.running
        if self.logic.started:
            self.logic.onSceneClose()
        self.run.stop()
        self.setParameterNode(None)
        self.review.forget()
        self.compare.forget()
        self._shownInput = self._shownStudy = None
        self._askedForText = False

    def onSceneEndClose(self, caller=None, event=None):
        self.initializeParameterNode()
        self.tell(_("The scene was closed, and what was being worked on ended.") if self._closingEndedWork else "")

    def onNodeRemoved(self, caller=None, event=None):
        """A person may have removed what is shown, or a part of it."""
        if self.parameters and not slicer.mrmlScene.IsClosing() and self._shown() != self._shownNodes:
            self.changed()

    def onSceneEndImport(self, caller=None, event=None):
        """The parameters came before the nodes that they name, and were read too early."""
        self.setParameterNode(self.logic.getParameterNode())

    def onSceneStartSave(self, caller=None, event=None):
        """Before the first save, ask whether the text that was read may go into the scene; by default it does not."""
        from PyLogikSlicerLib.widgets.questions import mayStoreText

        studies = [study for study in self.logic.studies.values() if not study.keepText] if self.logic.started else []
        if studies and not self._askedForText:
            self._askedForText = True
            if mayStoreText():
                for study in studies:
                    self.logic.storeText(study, True)

    def initializeParameterNode(self):
        self.setParameterNode(self.parameters or self.logic.getParameterNode())

    def setParameterNode(self, parameters):
        self._disconnectGui()
        self.parameters = parameters
        if parameters:
            self._guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.changed)
        self.changed()

    def _disconnectGui(self):
        if self._guiTag is not None:
            self.parameters.disconnectGui(self._guiTag)
            self.removeObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.changed)
            self._guiTag = None

    # What the parts share ------------------------------------------------------------------------------------------------

    @property
    def inputNode(self):
        """What is chosen, None where it was removed from the scene."""
        node = self.parameters.inputNode if self.parameters else None
        return node if node and node.GetScene() else None

    @property
    def study(self):
        return self.logic.studyOf(self.inputNode) if self.inputNode and self.logic.started else None

    @property
    def busy(self):
        return self.run.busy

    def engineReady(self):
        from PyLogikSlicerLib.widgets import dependencies

        return dependencies.ready(self, Path(self.resourcePath("requirements.txt")), self.parameters.engine.value)

    def tell(self, text, trouble=False):
        self.ui.statusLabel.text = text
        self.ui.statusLabel.styleSheet = "color: #b22222" if trouble else ""
        self.ui.statusLabel.setVisible(bool(text))

    def options(self):
        from PyLogikSlicerLib.core.options import Options

        parameters = self.parameters
        return Options(
            variant="find-txt" if parameters.contents == Contents.TEXT else parameters.variant.value,
            threshold=parameters.threshold,
            rename=parameters.obfuscateNames,
            engine=parameters.engine.value,
            device=parameters.device.value,
            format=parameters.imageFormat.value,
            keep="measurements" if parameters.keepMeasurements else "none",
            overwrite=True,
        )

    def changed(self, caller=None, event=None):
        """Show the input, the study and what can be done now."""
        from PyLogikSlicerLib.widgets.compare_views import showInput

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
                self.tell(_("The image was removed from the scene, and its review with it."), trouble=True)
        self._shownNodes = self._shown()
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

    def _shown(self):
        """The nodes that the panel relies on."""
        study = self.study
        return self.inputNode, study, study and (study.segmentation, study.table, study.result)


class PyLogikSlicerTest(ScriptedLoadableModuleTest):
    """Runs in Slicer; the steps are in PyLogikSlicerLib/widgets/self_test.py. What needs a package that is absent is skipped."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_Logic()
        self.setUp()
        self.test_Panel()

    def test_Logic(self):
        from PyLogikSlicerLib.widgets import self_test

        self_test.logicOnASampleStudy(self, PyLogikSlicerLogic())

    def test_Panel(self):
        from PyLogikSlicerLib.widgets import self_test

        self_test.panelFromLoadToExport(self)
