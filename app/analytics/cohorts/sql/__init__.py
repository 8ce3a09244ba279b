"""The statement of a cohort table, composed of expressions."""
