"""Label masks from images, volumes and DICOM segmentations."""
