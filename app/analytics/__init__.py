"""The analytics language: question → resolved → plan → one statement a facet → rows. Pure above the runner."""
