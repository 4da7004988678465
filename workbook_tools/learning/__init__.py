"""What learns in a workbook, whatever its layout: its parameters, losses, gradients and updates.

All of it is found in the formulas themselves, by differentiating them.
"""
