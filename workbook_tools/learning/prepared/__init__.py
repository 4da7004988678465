"""What counts as a number, and which cell a formula reads, before anything is differentiated."""
