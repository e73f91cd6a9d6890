"""Reading DICOM files as image stacks: file, header, frames, colors and grey levels."""
