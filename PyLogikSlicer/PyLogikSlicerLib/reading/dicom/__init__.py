"""DICOM files to image stacks: file, header, frames, colors and grey levels."""
