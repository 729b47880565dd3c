"""The command line: `quoth ask`, `quoth chat`, `quoth index`, `quoth eval`, and more.

Data goes to stdout; progress and everything said on the side goes to stderr. An error is one line
on stderr and the exit code of its class (`quoth.errors`).
"""

import sys

import click

from quoth import __version__
from quoth.app.cli.ask import ask
from quoth.app.cli.chat import chat
from quoth.app.cli.eval import evaluation
from quoth.app.cli.index import index
from quoth.app.cli.phrases import phrases
from quoth.app.cli.pipes import PipedGroup, ReaderGoneError, write_nowhere
from quoth.app.cli.terminal import printable
from quoth.app.cli.train import train
from quoth.errors import ContextOverflowError, QuothError

INTERRUPTED = 130  # what shells give for a program ended by Ctrl-C
READER_GONE = 141  # and for one that wrote into a closed pipe, as in `quoth ask ... | head -1`

GUIDE = """\b
Answers questions from your own documents, and shows where each copied word is from.

\b
Start here:
  quoth ask "How long is the warranty?" --docs manual.pdf
  quoth chat --docs ~/papers            then open http://127.0.0.1:7860

\b
The files are indexed the first time and whenever they change; the index of a set of paths is
found again by these paths, or kept where --index says. `quoth index status` shows what is in it.

\b
The packaged model, quoth-mini, quotes the sentences that answer; it needs no network and no key.
For answers in prose name a model of the Hugging Face hub, or a folder:
  quoth ask "..." --docs manual.pdf --model Qwen/Qwen2.5-1.5B-Instruct

\b
Settings come from quoth.toml in the working folder, then QUOTH_* variables, then options.
Exit codes: 0 fine, 2 bad input or settings, 3 index, 4 model, 5 question too long,
6 address in use, 7 optional part not installed, 130 interrupted, 141 output closed by its reader.
"""


@click.group(cls=PipedGroup, help=GUIDE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="quoth")
def quoth() -> None:
    """Gather the commands; the help text is `GUIDE`."""


quoth.add_command(ask)
quoth.add_command(chat)
quoth.add_command(evaluation)
quoth.add_command(index)
quoth.add_command(phrases)
quoth.add_command(train)


def main() -> None:
    """Run the command line and end the process with the right code."""
    try:
        code = run()
        sys.stdout.flush()
    except (ReaderGoneError, BrokenPipeError):
        write_nowhere()
        code = READER_GONE
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run one command line; return its exit code."""
    try:
        quoth.main(args=arguments, prog_name="quoth", standalone_mode=False)
    except QuothError as error:
        click.echo(f"quoth: {printable(_told(error))}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("quoth: interrupted.", err=True)
        return INTERRUPTED
    return 0


def _told(error: QuothError) -> str:
    """Its message, with the options that have to do with it."""
    options = ""
    if isinstance(error, ContextOverflowError):
        options = " The options are --max-new-tokens and --model."
    return f"{error}{options}"
