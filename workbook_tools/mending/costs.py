"""The costs of edits: if several edits make a formula right, the cheapest is most likely meant."""

SWAP, LEAF, OPERATOR, FUNCTION, SIGN = 0.9, 1.0, 1.0, 1.0, 1.05
PARENTHESES, DROP, CONSTANT, COMPLEMENT = 1.0, 1.1, 1.2, 1.3
NUMBER_MORE = 1.4
FACTOR, COMPLEMENT_FACTOR, SLOPE_FACTOR, WRAP = 1.5, 1.8, 2.1, 1.6
OTHER_PAIR = 2.0
BESIDE = 0.2  # discount for (1 − x) right after x: the slope of a sigmoid
STRANGE = 0.5  # extra, for a reference that the formula written from scratch does not have
REPEATED = 0.05  # extra, for each further place where the same reference is replaced
