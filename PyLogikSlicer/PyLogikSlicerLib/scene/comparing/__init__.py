"""Comparing segmentations, labelmap volumes and sequences of these in the scene."""
