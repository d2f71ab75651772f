"""Options of the command line, described beside the fields that they fill.

A dataclass describes its options once, in the metadata of its fields. The parser, the reading of a command line and the
writing of one all come from that description, so that no option can be read and not written.

    @dataclass(frozen=True)
    class Plan:
        search: str = option("auto", "--search", "strategy", choices=("auto", "sweep"))

    add_options(parser, Plan, verb="bisect")
    plan = read_options(Plan, parser.parse_args(words))
    words = write_options(plan, verb="bisect")
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Iterator, Mapping

Part = TypeVar("Part")
_KEY = "option"


@dataclass(frozen=True, slots=True)
class Value:
    """How a value stands on a command line.

    Attributes:
        read: Makes the value from a word; raises argparse.ArgumentTypeError if the word is wrong.
        write: Makes the word from the value.
    """

    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str


TEXT = Value()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """How one field stands on the command line.

    Attributes:
        name: As `--search`; `--no-cause` for a field that is true unless the option is given.
        help: What it does, in a line.
        metavar: What its value is called; empty for a switch.
        choices: The values that it may have; none: any.
        group: Heading that it stands under in the help.
        value: How its value is read from a word and written as one.
        verbs: The commands that take the option; none: all.
        repeated: Whether it may be given several times; the field is a tuple then.
        bare: The word that the option stands for where it is given without one; empty: it needs one.
        switches: (value, option, help) of options that exclude each other and each mean one value of the field.
    """

    name: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    group: str = ""
    value: Value = TEXT
    verbs: Collection[str] = ()
    repeated: bool = False
    bare: str = ""
    switches: tuple[tuple[Any, str, str], ...] = ()

    def belongs_to(self, verb: str) -> bool:
        """Tell whether a command takes the option."""
        return not self.verbs or verb in self.verbs


def option(default: Any, name: str, help: str, **how: Any) -> Any:  # noqa: A002 - the field's term
    """Return a dataclass field with its option.

    Args:
        default: Of the field.
        name: The option, with what its value is called: `--timeout S`.
        help: What it does, in a line.
        how: Further fields of `Option`; `verbs` and `group` default to `VERBS` and `GROUP` of the dataclass.
    """
    name, _, metavar = name.partition(" ")
    made = Option(name=name, metavar=metavar, help=help, repeated=isinstance(default, tuple), **how)
    return field(default=default, metadata={_KEY: (made, frozenset(how))})


def described(part: type[Any]) -> Iterator[tuple[str, Any, Option]]:
    """Yield name, default and option of every field that has an option, in order."""
    shared = {"verbs": getattr(part, "VERBS", ()), "group": getattr(part, "GROUP", "")}
    for one in fields(part):
        if _KEY in one.metadata:
            made, given = one.metadata[_KEY]
            yield (
                one.name,
                one.default,
                replace(made, **{name: value for name, value in shared.items() if name not in given}),
            )


def add_options(
    parser: argparse.ArgumentParser,
    part: type[Any],
    verb: str,
    groups: Mapping[str, argparse._ArgumentGroup] | None = None,
    *,
    without: Collection[str] = (),
) -> None:
    """Add the options of a dataclass that a command takes.

    Args:
        parser: Of the command.
        part: The dataclass.
        verb: Name of the command.
        groups: {heading: group of the parser}; None for a short help without headings.
        without: Names of fields that are left out.
    """
    for name, default, what in described(part):
        if name in without or not what.belongs_to(verb):
            continue
        target: Any = groups[what.group] if what.group and groups else parser
        if what.switches:
            choice = target.add_mutually_exclusive_group()
            for value, switch, help_ in what.switches:
                choice.add_argument(switch, dest=name, action="store_const", const=value, help=help_)
            continue
        if isinstance(default, bool):
            target.add_argument(
                what.name, dest=name, action="store_false" if default else "store_true", help=what.help
            )
            continue
        how: dict[str, Any] = {
            "dest": name,
            "type": what.value.read,
            "help": what.help,
            "metavar": what.metavar or None,
        }
        if what.choices:
            how |= {"choices": what.choices}
            how.pop("metavar")
        if what.repeated:
            how |= {"action": "append", "default": []}
        else:
            how |= {"default": default}
        if what.bare:
            how |= {"nargs": "?", "const": what.bare}
        target.add_argument(what.name, **how)


def read_options(part: type[Part], options: argparse.Namespace, **others: Any) -> Part:
    """Return the dataclass that parsed options fill; what the command does not take keeps its default.

    Args:
        part: The dataclass.
        options: As the parser returned them.
        others: Values of fields that come from elsewhere.
    """
    values: dict[str, Any] = {}
    for name, default, what in described(part):
        if name in others or not hasattr(options, name):
            continue
        value = getattr(options, name)
        values[name] = tuple(value) if what.repeated else value
        if value is None:
            values[name] = default
    return part(**values, **others)


def write_options(part: Any, verb: str, *, without: Collection[str] = ()) -> Iterator[str]:
    """Yield the words that mean the same to a command: options whose value is the default are left out.

    Args:
        part: The value.
        verb: Name of the command; an option that it does not take is left out.
        without: Names of fields that are left out.
    """
    for name, default, what in described(type(part)):
        value = getattr(part, name)
        if name in without or value == default or not what.belongs_to(verb):
            continue
        if isinstance(default, bool) or what.switches:
            yield next((switch for meant, switch, _ in what.switches if meant == value), what.name)
            continue
        for one in value if what.repeated else [value]:
            word = what.value.write(one)
            # A word that begins with a dash would be taken for an option; an option that may stand without a word
            # would take the next one.
            joined = word.startswith("-") or not word or what.bare
            yield from [f"{what.name}={word}"] if joined else [what.name, word]
