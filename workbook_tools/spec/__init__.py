"""Specs: a TOML file becomes an experiment with its data and initial weights.

Nothing here knows how an experiment is laid out in a workbook.
"""
