"""Reading NIfTI, NRRD and MetaImage volumes as image stacks."""
