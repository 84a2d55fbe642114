"""The command line of an executable: an argparse parser that pydantic-settings fills from the options' model.

What is ours is how it reads: required options first, those that every executable has last, lists that take one value or
several, `--version`, `--schema`, and mistakes that end as one line.
"""

import argparse
import inspect
import json
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, NoReturn, get_args

from pydantic_settings import BaseSettings, CliSettingsSource

from varproof import __version__
from varproof.machinery.errors import UserError
from varproof.steps.base import option_name

_UNTOLD_DEFAULTS = re.compile(r" \((default: None|default: False|default: \[\]|default factory: list|required)\)$")
_TYPE_NAMES = re.compile(r"\b(int|float|str|Path)\b")


def _enum_members(annotation: Any) -> Iterator[Enum]:
    """Members of the enumerations in a type."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from annotation
    for part in get_args(annotation):
        yield from _enum_members(part)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=110)


class _Schema(argparse.Action):
    """Prints the JSON Schema of the options and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, model: type[BaseSettings], **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)
        self.model = model

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(json.dumps(self.model.model_json_schema(), indent=2))
        parser.exit()


class Parser(argparse.ArgumentParser):
    """Empty parser of the executable `name`; its options are sorted into three groups as they are added."""

    def __init__(self, name: str, model: type[BaseSettings], common: set[str]) -> None:
        required = [option_name(field) for field, info in model.model_fields.items() if info.is_required()]
        super().__init__(
            prog=name,
            usage=" ".join([name, *(f"{option} ..." for option in required), "[options]"]),
            description=inspect.cleandoc(model.__doc__ or ""),
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=False,
        )
        self._annotations = {option_name(field): info.annotation for field, info in model.model_fields.items()}
        self._required = set(required)
        self._common = {option_name(field) for field in common}
        self._groups = [self.add_argument_group(title) for title in ("required", "options", "options of every executable")]
        about = self._groups[-1]
        about.add_argument("-h", "--help", action="help", help="show this message.")
        about.add_argument("--version", action="version", version=f"{name} {__version__}", help="show the version.")
        about.add_argument(
            "--schema", action=_Schema, model=model, help="show the JSON Schema of the options, and of --config."
        )

    def error(self, message: str) -> NoReturn:
        """A mistake on the command line, as one line."""
        raise UserError(f"{message}; see {self.prog} --help")

    def add_option(self, *names: str, **options: Any) -> argparse.Action:
        """What pydantic-settings calls for each field of the model."""
        shown = _TYPE_NAMES.sub(lambda match: match[0].upper(), options.get("metavar") or "").removeprefix("list[")
        for member in _enum_members(self._annotations.get(names[0])):
            shown = shown.replace(member.name, str(member.value))
        if options.get("action") == "append":
            options |= {"action": "extend", "nargs": "+", "metavar": (shown.removesuffix("]"), "")}
        elif shown:
            options["metavar"] = shown
        options["help"] = _UNTOLD_DEFAULTS.sub("", options["help"])
        kind = 0 if names[0] in self._required else 2 if names[0] in self._common else 1
        return self._groups[kind].add_argument(*names, **options)


def command_line(name: str, model: type[BaseSettings], common: set[str]) -> CliSettingsSource[Parser]:
    """The parser of an executable; `common` are the fields that every executable has."""

    def add_option(_: Any, *names: str, **options: Any) -> argparse.Action:
        return parser.add_option(*names, **options)

    parser = Parser(name, model, common)
    return CliSettingsSource[Parser](model, root_parser=parser, add_argument_method=add_option, formatter_class=_Formatter)
