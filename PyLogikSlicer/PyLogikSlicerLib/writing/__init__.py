"""Writing: image files, tables and the report, and the reading back that proves them."""
