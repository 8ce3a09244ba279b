"""`scoville migrate`."""

import typer

from app.cli import services
from app.cli.options import DataDir, load_settings

commands = typer.Typer()


@commands.command("migrate")
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to the newest schema, as its owner (DATABASE_ADMIN_URL), and make the months ahead."""
    with services.running(load_settings(data_dir=data_dir)) as settings:
        made = services.bring_up(settings)
    for partition in made:
        typer.echo(f"partition {partition.name}: {partition.rows} rows moved into it")
    typer.echo("The schema is the newest.")
