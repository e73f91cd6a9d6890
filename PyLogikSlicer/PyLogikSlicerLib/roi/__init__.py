"""The region of interest: which pixels of a stack show anatomy, computed once for all frames."""
