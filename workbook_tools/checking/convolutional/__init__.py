"""Checks a convolutional network's workbook from its cells alone, against PyTorch."""
