"""Reading label masks from images, volumes and DICOM segmentations."""
