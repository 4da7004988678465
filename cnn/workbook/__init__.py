"""A trained network as a living workbook: forward, backward and one training step in cells."""
