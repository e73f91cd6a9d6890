"""The pieces of the panel: they show, ask and pass on; what they mean is the business of the logic."""
