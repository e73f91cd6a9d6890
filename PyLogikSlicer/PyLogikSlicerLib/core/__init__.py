"""The nouns of the engine (image stack, text map, analysis, result, options), and arithmetic that its stages share."""
