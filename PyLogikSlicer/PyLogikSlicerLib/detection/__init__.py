"""Text detection: the readers (one module per text engine), which of them run where, and the examination of a whole image stack."""
