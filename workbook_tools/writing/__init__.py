"""The writing half: from a spec to a workbook. It knows nothing of the checking half."""
