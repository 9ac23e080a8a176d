"""What the toy plugin brings."""

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources():
    return [
        LazyPlugin(
            "toy-numbers", "reporting_toy.parts:Numbers", "numbers, good and bad"
        )
    ]


@hookimpl
def reporting_validators():
    return [
        LazyPlugin(
            "toy-number",
            "reporting_toy.parts:NumberValidator",
            "tells good numbers from bad ones",
        )
    ]


@hookimpl
def reporting_sinks():
    return [LazyPlugin("toy-file", "reporting_toy.parts:TextFile", "one number a line")]


@hookimpl
def reporting_reports():
    return [LazyPlugin("toy", "reporting_toy.report:Toy", "numbers into a file")]


@hookimpl
def reporting_commands():
    import click

    @click.command("toy-hello")
    @click.option("--fail", type=click.Choice(["value", "interrupt", "pipe"]))
    def hello(fail):
        """Say hello."""
        if fail == "value":
            raise ValueError("SECRET-VALUE")
        if fail == "interrupt":
            raise KeyboardInterrupt
        if fail == "pipe":
            raise BrokenPipeError
        click.echo("hello")

    return [hello]
