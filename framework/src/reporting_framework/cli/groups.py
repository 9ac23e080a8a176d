"""A command group that suggests near names."""

from __future__ import annotations

import click

from reporting_framework._text.messages import did_you_mean


class CommandGroup(click.Group):
    """A group that suggests names near an unknown one.

    click itself knows only commands that were added, not commands that
    `get_command` creates.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command as in click.

        Raises:
            UsageError: There is no such command; the message suggests similar names.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            name = args[0]
            if name.startswith("-") or self.get_command(ctx, name) is not None:
                raise
            near = did_you_mean(name, self.list_commands(ctx))
            raise click.UsageError(
                f"No such command {name!r}{near or '.'}", ctx
            ) from None
