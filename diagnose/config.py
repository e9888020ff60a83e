"""Settings: one typed tree from one YAML file, with the environment over it.

The environment's names are the keys in capitals, ``AITIA_SECTION__KEY``: AITIA_MODEL__PROPOSER is
``model.proposer``. A key that nobody knows is an error that names the nearest known one, since a
setting that is silently ignored is found at the worst of times. A secret has a twin that ends in
``_file`` and names the file to read it from, as systemd's credentials and Kubernetes mount them.
"""

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
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
from diagnose.yaml_lines import Lines, read_yaml

Proposer = Literal["none", "local", "openai"]
Tree = Mapping[str, Any]
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]

PREFIX: Final = "AITIA_"
CONFIG_VARIABLE: Final = "AITIA_CONFIG"  # names the file, and so is no setting itself
ADDRESS: Final = r"^(\[[0-9a-fA-F:.]+\]|[^:\[\]]+):\d{1,5}$"
WAY_OUT: Final = "'aitia config show' lists the settings"
_PASSWORD: Final = re.compile(r"(?<=://)([^/@:\"]*):[^@\"]*(?=@)")


def _state_url() -> str:
    return f"sqlite:///{os.environ.get('XDG_STATE_HOME') or '~/.local/state'}/aitia/state.db"


def _telemetry_dir() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "aitia" / "telemetry"


def _cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "aitia"


class Section(BaseModel):
    """A part of the settings, whose secrets may come from files."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def read_secret_files(cls, values: object) -> object:
        """Return ``values`` with each secret that only a file holds."""
        if not isinstance(values, dict):
            return values
        read = dict(values)
        for name in (name.removesuffix("_file") for name in values if name.endswith("_file")):
            if values.get(f"{name}_file") is None or f"{name}_file" not in cls.model_fields:
                continue
            if values.get(name) is not None:
                raise ValueError(f"{name} and {name}_file are both set: keep one")
            file = Path(values[f"{name}_file"]).expanduser()
            try:
                read[name] = SecretStr(file.read_text(encoding="utf-8").strip())
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"{name}_file {file} cannot be read") from error
        return read


class StoreSection(Section):
    """Where incidents, diagnoses, predictions and feedback are kept."""

    url: str = Field(default_factory=_state_url, pattern=r"^(sqlite:///|postgresql://)")
    """Database: `sqlite:///FILE` or `postgresql://USER@HOST:PORT/NAME`."""
    password: SecretStr | None = None
    """Password of the database's user."""
    password_file: UserPath | None = None
    """File that holds `store.password`."""


class ModelSection(Section):
    """The language model that proposes which signal acts on which."""

    proposer: Proposer = "local"
    """Who is asked: a model on this machine (`local`), one behind an OpenAI-compatible address
    (`openai`), or nobody (`none`)."""
    name: str = Field(default="smollm2-135m-instruct", min_length=1)
    """The packaged base model, a folder with a model, or a name on a model hub."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the local model runs; `auto` takes a GPU where there is one."""
    cache_dir: UserPath = Field(default_factory=_cache_dir, validate_default=True)
    """Where converted weights are kept."""
    max_questions: int = Field(default=60, ge=0)
    """Questions that one incident may ask the model."""


class OpenAiSection(Section):
    """An OpenAI-compatible server, asked only where `model.proposer` is `openai`."""

    base_url: str | None = Field(default=None, pattern=r"^https?://")
    """Its address, for example `https://host/v1`."""
    api_key: SecretStr | None = None
    """Its key."""
    api_key_file: UserPath | None = None
    """File that holds `openai.api_key`."""
    model: str | None = None
    """The model's name on that server."""


class ExplainSection(Section):
    """How much of an incident is looked at."""

    max_nodes: int = Field(default=12, ge=2)
    """Signals that the causal judges look at."""
    max_signals: int = Field(default=2000, ge=2)
    """Signals that are looked at at all; those that deviate least are left out first."""
    topology: UserPath | None = None
    """YAML file in which the site says who calls whom, and what acts on what."""


class LogsSection(Section):
    """How log lines become signals."""

    max_templates: int = Field(default=1000, ge=1)
    """Log templates that are told apart; the least recently used are forgotten first."""


class EndpointSection(Section):
    """A server that is asked over HTTP."""

    url: str | None = Field(default=None, pattern=r"^https?://[^@]+$")
    """Its address, without a user; nothing is asked where there is none."""
    token: SecretStr | None = None
    """Bearer token."""
    token_file: UserPath | None = None
    """File that holds the token."""
    user: str | None = None
    """User of basic authentication."""
    password: SecretStr | None = None
    """The user's password."""
    password_file: UserPath | None = None
    """File that holds the password."""
    ca_path: UserPath | None = None
    """Certificates to trust in place of the system's."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long an answer may keep us waiting."""


class SourcesSection(Section):
    """What others already collect, and is queried where it is."""

    prometheus: EndpointSection = Field(default_factory=EndpointSection)
    loki: EndpointSection = Field(default_factory=EndpointSection)
    alertmanager: EndpointSection = Field(default_factory=EndpointSection)


class CollectSection(Section):
    """What is read, and how often."""

    host: str | None = Field(default=None, min_length=1)
    """The entity under which this machine's telemetry is filed, in place of its own name."""
    skip: tuple[str, ...] = ()
    """Collectors that are not run although they would apply."""
    every_seconds: float = Field(default=10.0, ge=1)
    """Time between two rounds of collecting, in seconds."""
    timeout_seconds: float = Field(default=5.0, gt=0)
    """After which a collector that hangs is reported; the others go on without it."""

    @property
    def entity(self) -> str:
        """Return the entity under which this machine's telemetry is filed."""
        return self.host or platform.node()


class TelemetrySection(Section):
    """Where telemetry is kept, and for how long."""

    dir: UserPath = Field(default_factory=_telemetry_dir, validate_default=True)
    """Folder of the journal and, unless `telemetry.url` is set, of the tables."""
    url: str | None = Field(default=None, pattern=r"^(s3|gs|az|abfss)://[^@]+$")
    """Tables on object storage, for example `s3://bucket/prefix`; keys, region and endpoint come
    from the provider's own environment variables."""
    retention_days: float = Field(default=30.0, gt=0)
    """Age at which telemetry is deleted."""
    flush_seconds: float = Field(default=15.0, ge=1, le=60)
    """Time between two commits from the journal to the tables."""
    journal_bytes: int = Field(default=1 << 30, ge=1 << 20)
    """Size of the journal beyond which senders are asked to wait."""

    @property
    def root(self) -> str:
        """Return where the tables are."""
        return self.url or str(self.dir / "tables")

    @property
    def journal(self) -> Path:
        """Return the journal's file."""
        return self.dir / "journal.db"


class IngestSection(Section):
    """Where telemetry is received. All but loopback addresses want tokens."""

    host: str = "127.0.0.1"
    """Address on which HTTP is served."""
    port: int = Field(default=24318, ge=0, le=65535)
    """Port on which HTTP is served."""
    tls_cert: UserPath | None = None
    """Certificate chain (PEM); with it, HTTP and `ingest.syslog_tls` are encrypted."""
    tls_key: UserPath | None = None
    """Private key of `ingest.tls_cert`."""
    tls_client_ca: UserPath | None = None
    """Authorities one of which must have signed the certificate of a sender of syslog over TLS."""
    syslog_tcp: str | None = Field(default=None, pattern=ADDRESS)
    """`HOST:PORT` on which syslog is received over TCP."""
    syslog_tls: str | None = Field(default=None, pattern=ADDRESS)
    """`HOST:PORT` on which syslog is received over TLS."""
    syslog_udp: str | None = Field(default=None, pattern=ADDRESS)
    """`HOST:PORT` on which syslog is received over UDP, without any acknowledgement."""
    syslog_from: tuple[str, ...] = ()
    """Networks, such as `10.0.0.0/8`, that may send syslog to an address beyond loopback."""

    @model_validator(mode="after")
    def certificate_has_its_key(self) -> Self:
        """Refuse half of what encryption needs."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key come together")
        if self.syslog_tls and self.tls_cert is None:
            raise ValueError("syslog_tls needs tls_cert and tls_key")
        return self


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
    logs: LogsSection = Field(default_factory=LogsSection)
    sources: SourcesSection = Field(default_factory=SourcesSection)
    collect: CollectSection = Field(default_factory=CollectSection)
    telemetry: TelemetrySection = Field(default_factory=TelemetrySection)
    ingest: IngestSection = Field(default_factory=IngestSection)
    allow_egress: bool = False
    """Whether kinds of signals may be sent off this site; nothing else ever is."""

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
    text = error["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" if place else text
