"""The layout manager and its slice widgets for the host: real slice logic and displayable managers, drawn by VTK off screen.

Mouse events go to the interactor, as in Slicer: ``widget.sliceView().interactor()``.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "linux":  # where else a display is needed
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")

import numpy as np  # noqa: E402
import qt  # noqa: E402
import slicer  # noqa: E402
import vtk  # noqa: E402
from PySide6 import QtCore, QtGui, QtWidgets  # noqa: E402
from vtk.util.numpy_support import vtk_to_numpy  # noqa: E402

MANAGERS = ("vtkMRMLModelSliceDisplayableManager", "vtkMRMLSegmentationsDisplayableManager2D", "vtkMRMLMarkupsDisplayableManager")
SIZE = (600, 440)


class SliceView:
    """``qMRMLSliceView``: a render window, its interactor and renderer."""

    def __init__(self, logic, sliceNode):
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetNumberOfLayers(2)
        self.window.SetSize(*SIZE)
        self._image, self._front = vtk.vtkRenderer(), vtk.vtkRenderer()
        self._front.SetLayer(1)
        for renderer in (self._image, self._front):
            renderer.GetActiveCamera().ParallelProjectionOn()
            self.window.AddRenderer(renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self.window)
        self._interactor.Initialize()
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())  # does nothing; the usual one would take the mouse for itself
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._mapper)
        self._image.AddViewProp(actor)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._group = slicer.vtkMRMLDisplayableManagerGroup()
        self._group.Initialize(factory, self._front)
        self._group.SetMRMLDisplayableNode(sliceNode)
        style = slicer.vtkMRMLSliceViewInteractorStyle()
        style.SetSliceLogic(logic)
        style.SetDisplayableManagers(self._group)
        style.SetInteractor(self._interactor)
        self._logic, self._style = logic, style

    def interactor(self):
        return self._interactor

    def renderWindow(self):
        return self.window

    def scheduleRender(self):
        """Nothing waits here: :meth:`picture` draws anew."""

    def forceRender(self):
        self.window.Render()

    def picture(self) -> np.ndarray:
        """What the view shows, uint8 ``(rows, columns, 3)``."""
        self._logic.UpdatePipeline()
        self._mapper.SetInputConnection(self._logic.GetImageDataConnection())  # another one for every set of layers
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        columns, rows, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])


class SliceWidget(QtWidgets.QWidget):
    """``qMRMLSliceWidget``."""

    def __init__(self, name, color, orientation, applicationLogic):
        super().__init__()
        self._node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSliceNode")
        self._node.UnRegister(None)
        self._node.SetLayoutName(name)
        self._node.SetName(name)
        self._node.SetSingletonTag(name)
        self._node = slicer.mrmlScene.AddNode(self._node)
        self._node.SetOrientation(orientation)
        self._node.SetDimensions(*SIZE, 1)
        self._node.SetLayoutColor(*color)
        self._node.SetMappedInLayout(1)
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(applicationLogic)
        self._logic.SetMRMLScene(slicer.mrmlScene)
        self._logic.SetSliceNode(self._node)
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetLayoutName(name)
        composite.SetSingletonTag(name)
        self._logic.SetSliceCompositeNode(slicer.mrmlScene.AddNode(composite))
        self._view = SliceView(self._logic, self._node)
        self.takeSize(*SIZE)

    def takeSize(self, width, height):
        """The size that the layout gives to the view: as much of the image as before is shown, not more."""
        self._logic.ResizeSliceNode(width, height)
        self._view.window.SetSize(width, height)
        self.setFixedSize(width, height)

    def sliceView(self):
        return self._view

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._node

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()

    def paintEvent(self, event):
        picture = self._view.picture()
        rows, columns, _ = picture.shape
        image = QtGui.QImage(picture.data, columns, rows, 3 * columns, QtGui.QImage.Format.Format_RGB888)
        QtGui.QPainter(self).drawImage(0, 0, image)


@qt.with_manners
class LayoutManager(QtCore.QObject):
    """``qSlicerLayoutManager``: three slice views, whatever the layout; side by side they are half as wide."""

    VIEWS = {
        "Red": ((0.95, 0.29, 0.24), "Axial"),
        "Yellow": ((0.93, 0.83, 0.3), "Sagittal"),
        "Green": ((0.43, 0.69, 0.29), "Coronal"),
    }

    layoutChanged = QtCore.Signal(int)

    def __init__(self, applicationLogic):
        super().__init__()
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(applicationLogic)
        for name in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(slicer.mrmlScene)
        self._widgets = {name: SliceWidget(name, *how, applicationLogic) for name, how in self.VIEWS.items()}
        self._layout = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLayoutNode")
        self.layout = 3

    def setLayout(self, layout):
        """The views take their new sizes when events are processed, as in Slicer."""
        self.layout = layout
        self._layout.SetViewArrangement(layout)
        self.layoutChanged.emit(layout)
        QtCore.QTimer.singleShot(0, self._layOut)

    def _layOut(self):
        beside = self.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
        for widget in self._widgets.values():
            widget.takeSize(SIZE[0] // 2 if beside else SIZE[0], SIZE[1])

    def sliceViewNames(self):
        return list(self._widgets)

    def sliceWidget(self, name):
        return self._widgets.get(name)

    def mrmlSliceLogics(self):
        logics = vtk.vtkCollection()
        for widget in self._widgets.values():
            logics.AddItem(widget.sliceLogic())
        return logics

    def resetSliceViews(self):
        for widget in self._widgets.values():
            widget.fitSliceToBackground()
