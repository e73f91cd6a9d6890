"""NIfTI, NRRD and MetaImage volumes to image stacks: headers, and values of exactly the size that they say."""
