"""Which regions are redacted and which may stay."""
