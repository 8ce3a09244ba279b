"""`scoville schema`."""

import sys

import typer

from graphql_schema.schema import printed

commands = typer.Typer()


@commands.command("schema")
def schema() -> None:
    """Print the GraphQL schema in the schema definition language."""
    sys.stdout.write(printed())
