"""What all executables share: the options every one has, how they are parsed, and how a run ends.

An executable is its settings (the docstring is the help text, the fields are the options) with the options here, and a
function that takes them; both are in `varproof.steps`. `run_command` parses the command line and `--config` into the model,
sets up the log, turns an anticipated failure into one line and exit code 2, and lets SIGTERM and Ctrl-C end it without a
half-written output. The parser itself is in parser.py.
"""

import difflib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_origin

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, CliApp, PydanticBaseSettingsSource, SettingsConfigDict

from varproof.commands.parser import command_line
from varproof.machinery.errors import UserError, WorkerLost
from varproof.machinery.interruption import interruptible
from varproof.steps.base import Settings, described, option_name
from varproof.steps.inputs import ready_inputs

logger = logging.getLogger(__name__)


class CommandOptions(Settings, BaseSettings):
    """Options that every executable has, beside its own settings."""

    model_config = SettingsConfigDict(
        cli_kebab_case=True, cli_implicit_flags=True, cli_hide_none_type=True, cli_avoid_json=True, extra="forbid"
    )

    config: Path | None = Field(None, description="YAML or JSON file with the same keys as these options.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much to log on stderr.")
    quiet: bool = Field(False, description="log warnings and errors only, and show no progress.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the user wrote: no option is ever taken from an environment variable."""
        return (init_settings,)


Options = TypeVar("Options", bound=CommandOptions)


def _config_values(path: Path, known: list[str]) -> dict[str, Any]:
    """Options of a `--config` file by field; raises UserError, which names keys that are no options."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"--config {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"--config {path}: not valid YAML or JSON: {' '.join(str(error).split())}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"--config {path}: expected 'option: value' lines")
    fields = {str(key).replace("-", "_"): value for key, value in values.items()}
    for field in fields:
        if field not in known or field == "config":
            near = difflib.get_close_matches(field, known, 1)
            advice = f"; did you mean '{near[0]}'?" if near else ""
            raise UserError(f"--config {path}: '{field}' is not an option{advice}")
    return fields


def parse_options(name: str, model: type[Options], arguments: list[str]) -> Options:
    """Command line over `--config` over defaults, validated; raises UserError with one line for each mistake."""
    source = command_line(name, model, set(CommandOptions.model_fields))
    given = source.root_parser.parse_args(arguments)
    config = getattr(given, "config", None)
    values = {} if config is None else _config_values(Path(config), list(model.model_fields))
    for field, value in values.items():
        if isinstance(value, str) and get_origin(model.model_fields[field].annotation) is list:
            values[field] = value.split(",")
    try:
        parsed = CliApp.run(model, cli_args=arguments, cli_settings_source=source, **values)
    except ValidationError as error:
        raise UserError(described(error, option_name)) from error
    return parsed


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what is stderr at the moment: a progress bar replaces it, so that lines pass above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _start_logging(name: str, level: str, quiet: bool) -> None:
    logging.basicConfig(
        level=logging.WARNING if quiet else level.upper(),
        format=f"%(asctime)s {name} %(levelname)s: %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        handlers=[_StderrHandler()],
        force=True,
    )
    logging.getLogger("numba").setLevel(logging.WARNING)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where there is no home to keep its list of fonts in


def run_command(name: str, model: type[Options], run: Callable[[Options], None]) -> None:
    """Parse, run, exit: 0 done; 2 the user must change something; 130 interrupted; 137 killed; 1 anything else."""
    arguments = sys.argv[1:]
    # Matrices here are small: threads of NumPy's linear algebra would wait for each other, and add up in another order.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with interruptible(name):
            options = parse_options(name, model, arguments)
            _start_logging(name, options.log_level, options.quiet)
            with ready_inputs(options, remote=model.remote_reads) as ready:
                run(ready)
    except UserError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(130)
    except WorkerLost as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f" {error.filename}:" if error.filename else ""
        print(f"{name}: error:{where} {error.strerror or error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError) else 1)
