"""Damaged workbooks at random, and what must hold of every one of them.

``hosts`` makes sound workbooks, ``mistakes`` plants a mistake that must be found, ``damage_*`` do
to a workbook what files do to be difficult, ``made`` puts a case together from (seed, number),
``trial`` lets the program loose on it and says what is not as it must be, ``sitting`` does so
many times, in processes that can be killed.
"""
