"""Neural networks trained inside Excel workbooks, every cell proven in NumPy."""

__version__ = "0.1.0"
