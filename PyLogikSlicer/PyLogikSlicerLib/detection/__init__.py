"""Finding text: readers (one per engine), their choice, and the examination of a whole stack."""
