"""Whole games of a policy: played, reported, filmed; TensorFlow is imported when work begins."""
