"""Neural networks trained inside Excel workbooks, every cell proven in pandas."""

__version__ = "0.1.0"
