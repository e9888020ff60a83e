"""Settings: one typed tree from one YAML file, with the environment over it.

The environment's names are the keys in capitals, ``AITIA_SECTION__KEY``: AITIA_MODEL__PROPOSER is
``model.proposer``. A key that nobody knows is an error that names the nearest known one, since a
setting that is silently ignored is found at the worst of times. A secret has a twin that ends in
``_file`` and names the file to read it from, as systemd's credentials and Kubernetes mount them.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from diagnose.failure import Failure
from diagnose.settings.notify import NotifySection
from diagnose.settings.plain_words import plain
from diagnose.settings.sections import (
    CollectSection,
    DaemonSection,
    EndpointSection,
    ExplainSection,
    GuidanceSection,
    IngestSection,
    LogsSection,
    ModelSection,
    OpenAiSection,
    Section,
    SourcesSection,
    StoreSection,
    TelemetrySection,
)
from diagnose.settings.yaml_lines import Lines, read_yaml

__all__ = [
    "CollectSection",
    "DaemonSection",
    "EndpointSection",
    "ExplainSection",
    "GuidanceSection",
    "IngestSection",
    "LogsSection",
    "ModelSection",
    "NotifySection",
    "OpenAiSection",
    "Settings",
    "SourcesSection",
    "StoreSection",
    "TelemetrySection",
    "fields",
    "load",
]

Tree = Mapping[str, Any]

PREFIX: Final = "AITIA_"
CONFIG_VARIABLE: Final = "AITIA_CONFIG"  # names the file, and so is no setting itself
WAY_OUT: Final = "'aitia config show' lists the settings"
_PASSWORD: Final = re.compile(r"(?<=://)([^/@:\"]*):[^@\"]*(?=@)")


class Settings(BaseSettings):
    """All settings.

    Made by ``load``. Made directly, it holds the defaults and what it is given, and does not look
    at the environment.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    store: StoreSection = Field(default_factory=StoreSection)
    model: ModelSection = Field(default_factory=ModelSection)
    openai: OpenAiSection = Field(default_factory=OpenAiSection)
    explain: ExplainSection = Field(default_factory=ExplainSection)
    guidance: GuidanceSection = Field(default_factory=GuidanceSection)
    logs: LogsSection = Field(default_factory=LogsSection)
    sources: SourcesSection = Field(default_factory=SourcesSection)
    collect: CollectSection = Field(default_factory=CollectSection)
    telemetry: TelemetrySection = Field(default_factory=TelemetrySection)
    ingest: IngestSection = Field(default_factory=IngestSection)
    daemon: DaemonSection = Field(default_factory=DaemonSection)
    notify: NotifySection = Field(default_factory=NotifySection)
    allow_egress: bool = False
    """Whether kinds of signals may be sent to a model off this site (with `guidance.writer`, an
    answer's numbers and texts of the catalogue too), and a model be fetched from a hub. Nothing
    else ever leaves, but for the messages that go where `notify` says."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the constructor's arguments as the only source: ``load`` adds the others."""
        return (init_settings,)

    @model_validator(mode="after")
    def nothing_leaves_unasked(self) -> Self:
        """Refuse a remote model that was not allowed, or not named."""
        if self.model.proposer == "openai":
            if not self.allow_egress:
                raise ValueError("model.proposer is openai, which needs allow_egress: true")
            if self.openai.base_url is None or self.openai.model is None:
                raise ValueError("model.proposer is openai: set openai.base_url and openai.model")
        if self.guidance.writer == "openai":
            if not self.allow_egress:
                raise ValueError("guidance.writer is openai, which needs allow_egress: true")
            if self.openai.base_url is None or self.openai.model is None:
                raise ValueError("guidance.writer is openai: set openai.base_url and openai.model")
        return self

    def masked(self) -> dict[str, Any]:
        """Return the tree as JSON values, without secrets."""
        text = _PASSWORD.sub(r"\1:**********", self.model_dump_json())
        tree: dict[str, Any] = json.loads(text)
        return tree


def fields(model: type[BaseModel] = Settings, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting as its dotted key and what is known about it."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from fields(kind, f"{above}{name}.")
        else:
            yield above + name, field


def load(file: Path | None = None, overrides: Tree | None = None) -> Settings:
    """Return the settings: defaults, under ``file``, under the environment, under ``overrides``.

    Args:
        file: A YAML file; None for none.
        overrides: A part of the tree that outranks all, as command line options do.

    Raises:
        Failure: the file cannot be read, or a key or value is wrong; it says where.
    """
    tree, lines = read_yaml(file) if file else ({}, {})
    _refuse_unknown_variables()
    try:
        environment = EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise Failure(f"environment: {error}", "write the value as JSON, or key by key") from error
    merged = _over(_over(tree, environment), overrides or {})
    try:
        return Settings(**merged)
    except ValidationError as error:
        told = [_told(one, file, lines, environment) for one in error.errors(include_url=False)]
        raise Failure("; ".join(told), WAY_OUT) from error


def _over(under: Tree, top: Tree) -> dict[str, Any]:
    """Return ``under`` with the leaves of ``top`` over it."""
    merged = dict(under)
    for key, value in top.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = _over(below, value)
        merged[key] = value
    return merged


def _variable(key: str) -> str:
    return PREFIX + key.upper().replace(".", "__")


def _refuse_unknown_variables() -> None:
    """Raise Failure for a variable that looks like a setting and is none."""
    known = [CONFIG_VARIABLE, *map(_variable, Settings.model_fields)]
    known += [_variable(key) for key, _ in fields()]
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise Failure(f"environment: unknown setting {name}", _nearest(name.upper(), known))


def _nearest(key: str, known: list[str]) -> str:
    """Return a question after the known key that ``key`` is most like."""
    by_tail = {name.removeprefix(PREFIX): name for name in known}
    close = get_close_matches(key.removeprefix(PREFIX), by_tail, 1)
    return f"did you mean {by_tail[close[0]]}?" if close else WAY_OUT


def _told(error: ErrorDetails, file: Path | None, lines: Lines, environment: Tree) -> str:
    """Return one of pydantic's errors as a clause that names the place of what is wrong."""
    path = tuple(str(part) for part in error["loc"])
    key = ".".join(path)
    inner: Any = environment
    for part in path:
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    if path and inner is not None:
        place = f"environment: {_variable(key)}"
    elif path in lines:
        place = f"{file}, line {lines[path]}: {key}"
    else:
        place = key
    if error["type"] == "extra_forbidden":
        known = [*(known for known, _ in fields()), *Settings.model_fields]
        return f"{place}: unknown setting, {_nearest(key, known)}"
    text = plain(error)
    return f"{place}: {text}" if place else text
