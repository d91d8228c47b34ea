"""The frame every page stands in: rendering, navigation, error pages."""
