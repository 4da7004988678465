"""What each kind of finding means, why it matters and how to mend it, in a few sentences.

The page of each kind in docs/findings/ says the same, with an example.
"""

from typing import NamedTuple

from workbook_tools.judging.faults import Kind


class Explanation(NamedTuple):
    """A kind of finding, explained to whoever meets it for the first time."""

    means: str
    matters: str
    mend: str


EXPLAINED = {
    Kind.WRONG_FORMULA: Explanation(
        "The formula does not compute what the heading of its column says, and its value shows it. "
        "A formula that depends on itself is wrong, too.",
        "Every cell that reads the value inherits the mistake. A training may still seem to work, "
        "only more slowly or to another end.",
        "Enter the suggested formula in the first cell and fill it down over the cells of the "
        "finding.",
    ),
    Kind.WRONG_REFERENCE_RATE: Explanation(
        "The update of a weight or bias reads another cell instead of the learning rate. Mostly a "
        "$ is missing, so that the reference moves down with every row.",
        "The first rows may be right, but further down the step is multiplied by an empty cell, a "
        "text or a weight.",
        "Anchor the learning rate with $ in the first update, and fill it down again.",
    ),
    Kind.WRONG_GRADIENT: Explanation(
        "The cell is used or shown as the derivative of the loss by a parameter, but it is not. "
        "The sheet's own formulas from the parameters to the loss were differentiated, on random "
        "numbers.",
        "The training goes in another direction than downhill. It may still get better for a "
        "while, as the other gradients are right.",
        "Enter the suggested formula. Without one, compare the formula with that of another "
        "gradient: the slope of another unit, a slope left out, or a range in the next column are "
        "the usual mistakes.",
    ),
    Kind.WRONG_UPDATE: Explanation(
        "The cell holds a parameter for the next step, but what it adds to the parameter is not a "
        "multiple of the derivative of the loss. Or the update is worked out by way of a state, "
        "such as the momentum, and not as it is for other parameters; then it may be the state's "
        "cell.",
        "Mostly the update reads the derivative by another parameter, or a cell that is not the "
        "learning rate.",
        "Enter the suggested formula, or fill the update from the one beside it.",
    ),
    Kind.ERROR_VALUE: Explanation(
        "The cell shows an error value such as #REF! or #DIV/0!. Only the cell where the error "
        "begins is reported, not the cells that inherit it.",
        "Nothing can be said of the cells that depend on it, so they are not checked.",
        "Enter the suggested formula. If there is none, look at the cells that the formula reads: "
        "one of them may be a text that looks like a number, such as 0,05. Then check again.",
    ),
    Kind.WRONG_VALUE: Explanation(
        "The value is wrong, although the formula is right or there is none: a pasted number was "
        "changed, or the file stores another value than the formula gives.",
        "The cells that read it go on with a wrong number.",
        "Put a formula in place of the number. If there is one already, recalculate the workbook "
        "and save it.",
    ),
    Kind.TYPED_VALUE: Explanation(
        "A number was typed or pasted into a cell of a column that otherwise has formulas, or the "
        "cell was emptied.",
        "Even if the number is right at present, it stays as it is when an input, a weight or the "
        "learning rate is changed.",
        "Fill the cell from the one above.",
    ),
    Kind.LATENT: Explanation(
        "The formula is wrong, but gives the right value with the numbers that are on the sheet "
        "now. It was tried on random numbers.",
        "With other data, weights or another learning rate, the value would be wrong. Two equal "
        "targets often hide such a mistake.",
        "Enter the suggested formula and fill it down. A learning rate that was typed into a "
        "formula belongs in a cell of its own.",
    ),
    Kind.STALE_VALUE: Explanation(
        "The file stores a value for each formula, the one that was last calculated. Here it is "
        "not what the formula gives.",
        "Whoever opens the file without recalculating it sees a wrong number.",
        "Open the workbook, recalculate it (in Excel: Ctrl+Alt+F9), and save it.",
    ),
    Kind.ROUNDED: Explanation(
        "The formula is right but for its rounding: it uses ROUND, or a number such as 2.71828 in "
        "place of e.",
        "Every later value carries the rounding on. If the last loss changes by more than the "
        "rounding itself, the workbook fails; else the finding is harmless.",
        "Leave out the rounding and let the number format of the cell round what is shown. For e, "
        "use EXP.",
    ),
    Kind.BROKEN_PATTERN: Explanation(
        "The formula is right, on other numbers as well, but written differently from the others "
        "of its column.",
        "Nothing is wrong at present, so it does not fail a workbook unless you ask for --strict. "
        "But it may go wrong when it is copied or filled down, or hide a change made by hand.",
        "Fill the cell from the one above.",
    ),
    Kind.ODD_START: Explanation(
        "A warning: a number was typed that differs from the rest of its column, or from what the "
        "sheet states beside the table.",
        "It may be meant. If it is a slip, all later rows are those of another training.",
        "If it is a slip, correct the number. If it is meant, leave it.",
    ),
}
