"""Rollups: which are kept, how writers contribute to them, how they are folded, verified and rebuilt."""
