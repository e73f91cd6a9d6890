"""The scene: volumes, sequences, segmentations and tables of a MRML scene to and from what the engine works on; no Qt."""
