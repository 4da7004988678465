"""The checking half: it reads any workbook by its labels, and learns nothing from the writer."""
