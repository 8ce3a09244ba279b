"""Plans rendered into SQL: expressions are composed with SQLAlchemy Core, compiled once a shape, and never run here."""
