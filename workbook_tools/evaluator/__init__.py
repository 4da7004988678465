"""Evaluates a formula as Excel does, whatever its cells hold: the authority on what cells show."""
