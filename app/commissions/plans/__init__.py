"""Commission plans: rules as data, and what they give for a credit."""
