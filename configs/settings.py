"""What settings are made of: fields with a unit, a range and a help, and their checks."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

S = TypeVar("S", bound="Settings")


class ConfigError(ValueError):
    """A setting is wrong; the message says which, why, and what to do."""


def number(
    default: float,
    text: str,
    *,
    low: float,
    high: float,
    unit: str = "",
) -> Any:
    """Return a field for a number from `low` to `high`; the type of `default` is that of all."""
    return dataclasses.field(
        default=default, metadata={"help": text, "low": low, "high": high, "unit": unit}
    )


def choice(default: str, text: str, *choices: str) -> Any:
    """Return a field for one of `choices`."""
    return dataclasses.field(default=default, metadata={"help": text, "choices": choices})


def plain(default: str | bool, text: str, *, before: str | bool | None = None) -> Any:
    """Return a field for any text, or for yes and no.

    `before` is what all runs had before it was a setting; None: it always was one.
    """
    of_old = {} if before is None else {"before": before}
    return dataclasses.field(default=default, metadata={"help": text, **of_old})


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings under headings; a heading is a class variable above the settings of its group."""

    def validate(self) -> None:
        """Raise ConfigError, one sentence, if a value is out of range or of a wrong type."""
        for field in dataclasses.fields(self):
            _check_value(field, getattr(self, field.name))

    @classmethod
    def groups(cls) -> dict[str, list[dataclasses.Field[Any]]]:
        """Return the settings under the headings that stand above them in this class."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        groups: dict[str, list[dataclasses.Field[Any]]] = {}
        heading = ""
        for name in cls.__annotations__:
            if name in fields:
                groups.setdefault(heading, []).append(fields[name])
            else:
                heading = getattr(cls, name)
        return groups

    def replace(self: S, **changes: Any) -> S:
        """Return a copy with `changes`."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def before(cls) -> dict[str, Any]:
        """Return what runs had before it was a setting, by name; see `plain`."""
        return {
            field.name: field.metadata["before"]
            for field in dataclasses.fields(cls)
            if "before" in field.metadata
        }

    @classmethod
    def from_dict(cls: type[S], values: Mapping[str, Any]) -> S:
        """Build a validated config from JSON values.

        A setting that they do not name is as it was before there was such a setting, or else has
        its default: they may be of an older program.

        Raises:
          ConfigError: if a name is unknown (the nearest is named), or a value is out of range.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ConfigError(f"there is no setting called {name!r}{hint}")
        config = cls(**{**cls.before(), **values})
        config.validate()
        return config.replace(  # JSON and TOML write 1 for 1.0
            **{
                field.name: float(getattr(config, field.name))
                for field in dataclasses.fields(cls)
                if type(field.default) is float
            }
        )


def _check_value(field: dataclasses.Field[Any], value: object) -> None:
    name, expected = field.name, type(field.default)
    if expected is float and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if type(value) is not expected:
        raise ConfigError(
            f"{name} must be of type {expected.__name__}, but is {json.dumps(value, default=str)}"
        )
    choices = field.metadata.get("choices")
    if choices and value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, but is {value!r}")
    if "low" in field.metadata:
        low, high, unit = (field.metadata[key] for key in ("low", "high", "unit"))
        assert isinstance(value, int | float)
        if not low <= value <= high:  # which no NaN is
            raise ConfigError(
                f"{name} must be from {low:,} to {high:,} {unit}".rstrip() + f", but is {value:,}"
            )
