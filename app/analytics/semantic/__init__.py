"""What can be asked: sums, measures and dimensions, each declared once."""
