"""How the ONNX Runtime sessions of all readers are set up."""

from __future__ import annotations

import onnxruntime


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """``threads``: inside one operator, 0 for all cores."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that wait by spinning take the cores from Slicer, and from each other where several processes work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
