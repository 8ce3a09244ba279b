"""`scoville partitions …`."""

import typer

from app.cli import services
from app.cli.options import DataDir, Json, load_settings
from app.cli.output import print_rows

commands = typer.Typer(help="Monthly partitions of the large facts.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Monthly partitions of the large facts."""


@commands.command("ensure")
def ensure(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make the months ahead, and move rows of months that have none out of the DEFAULT partition."""
    with services.ready(load_settings(data_dir=data_dir)) as settings:
        made = services.make_partitions(settings)
    if not made and not as_json:
        typer.echo("Nothing to do.")
        return
    print_rows(
        ("partition", "month", "rows_moved"),
        [(partition.name, partition.month, partition.rows) for partition in made],
        as_json=as_json,
    )
