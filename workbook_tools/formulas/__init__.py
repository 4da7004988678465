"""Formulas: their references, syntax trees and values, and one formula filled down a column.

Nothing here knows what a formula is for, and nothing here runs an engine.
"""
