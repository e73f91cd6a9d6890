"""Comparison of two label masks: overlap, sizes and surface distances, per label, per frame and overall."""

from .comparison import Comparison, Row, Score, compare
from .overlap import match_labels
from .pairing import LabelPair, pair_labels
from .surfaces import Distances
from .tables import table, write_csv

__all__ = ["Comparison", "Distances", "LabelPair", "Row", "Score", "compare", "match_labels", "pair_labels", "table", "write_csv"]
