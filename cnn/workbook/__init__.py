"""A trained network as a workbook of formulas: forward, backward, and one training step."""
