"""Which typed numbers move a result of any workbook, and how much.

The numbers that a result depends on are found by following its formulas back, cell by cell. Then
each of them is changed by some percent, and the workbook is run again, as a program, on all of
these changes at once. Beside what the result shows then stands its exact derivative
(``differentiation``): the two are worked out independently of each other, and how far they agree
says how far the result follows a straight line. Nothing here knows what a workbook is about, and
nothing is printed or drawn (``reporting``).
"""
