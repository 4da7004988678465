"""What tells mistakes where updates and gradients alone do not: neighbours, headings, losses."""
