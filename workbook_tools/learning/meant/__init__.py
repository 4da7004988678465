"""What was meant, if nearly everything would be right with other formulas in a few cells."""
