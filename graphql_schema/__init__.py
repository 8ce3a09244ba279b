"""The API: a strawberry schema, one file per feature."""

from graphql_schema import words as words
