"""The sections of the settings: every key with its type, default and meaning."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

Proposer = Literal["none", "local", "openai"]
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]

ADDRESS: Final = r"^(\[[0-9a-fA-F:.]+\]|[^:\[\]]+):\d{1,5}$"


def _state_url() -> str:
    return f"sqlite:///{os.environ.get('XDG_STATE_HOME') or '~/.local/state'}/aitia/state.db"


def _telemetry_dir() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "aitia" / "telemetry"


def _daemon_dir() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "aitia" / "daemon"


def _spool_dir() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "aitia" / "spool"


def _cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "aitia"


def _socket() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(runtime or state) / "aitia" / "daemon.sock"


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
    """The packaged base model, a folder with a model, or a name on a model hub, from which it is
    fetched only with `allow_egress`."""
    adapter: UserPath | Literal["shipped", "none"] = "shipped"
    """What training added to the model: the adapter that ships with the packaged one, a folder that
    `aitia train lm` wrote, or nothing (`none`). Another model is asked without the shipped one."""
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


class GuidanceSection(Section):
    """What is known about repairs."""

    runbooks: UserPath | None = None
    """Folder with the site's own runbooks; one of a shipped runbook's id replaces it."""
    writer: Literal["none", "local", "openai"] = "none"
    """Language model that rewords the answer into a brief, of which code keeps what facts back."""


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


class IpmiSection(Section):
    """A BMC that speaks IPMI."""

    address: str = Field(pattern=r"^[^-\s]\S*$")
    """Its name or IP address."""
    port: int = Field(default=623, ge=1, le=65535)
    """UDP port."""
    user: str | None = None
    """User, of whom the privilege "user" is enough."""
    password: SecretStr | None = None
    """The user's password."""
    password_file: UserPath | None = None
    """File that holds the password."""
    cipher_suite: int | None = Field(default=None, ge=0, le=17)
    """Cipher suite, where the best one that both sides know does not work."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long an answer may keep us waiting."""


class CollectSection(Section):
    """What is read, and how often."""

    host: str | None = Field(default=None, min_length=1)
    """The entity under which this machine's telemetry is filed, in place of its own name."""
    skip: tuple[str, ...] = ()
    """Collectors that are not run although they would apply."""
    every_seconds: float = Field(default=10.0, ge=1)
    """Time between two rounds of collecting, in seconds."""
    files: tuple[Annotated[str, Field(pattern="^/")], ...] = ()
    """Log files to follow: absolute paths, with `*` and `**`."""
    config_dirs: tuple[UserPath, ...] = (Path("/etc"),)
    """Folders in which a file that is written is a change event."""
    replay: UserPath | None = None
    """Incident bundle that is told as if it happened now."""
    ipmi: Mapping[str, IpmiSection] = Field(default_factory=dict)
    """BMCs that speak IPMI, each by the host that it belongs to."""
    redfish: Mapping[str, EndpointSection] = Field(default_factory=dict)
    """BMCs that speak Redfish, likewise."""
    to: EndpointSection = Field(default_factory=EndpointSection)
    spool_dir: UserPath = Field(default_factory=_spool_dir, validate_default=True)
    """Folder in which what was not sent yet is kept."""
    spool_bytes: int = Field(default=1 << 28, ge=1 << 20)
    """Size of the spool beyond which the oldest of it is dropped, and counted."""
    timeout_seconds: float = Field(default=5.0, gt=0)
    """After which a collector that hangs is reported; the others go on without it."""

    @property
    def entity(self) -> str:
        """Return the entity under which this machine's telemetry is filed."""
        return self.host or platform.node()


class TelemetrySection(Section):
    """Where telemetry is kept, and for how long."""

    dir: UserPath = Field(default_factory=_telemetry_dir, validate_default=True)
    """Folder of the journal, of what `aitia train life` learned and, unless `telemetry.url` is set,
    of the tables."""
    url: str | None = Field(default=None, pattern=r"^(s3|gs|az|abfss)://[^@]+$")
    """Tables on object storage, for example `s3://bucket/prefix`; keys, region and endpoint come
    from the provider's own environment variables."""
    retention_days: float = Field(default=30.0, gt=0)
    """Age at which telemetry is deleted."""
    flush_seconds: float = Field(default=15.0, ge=1, le=60)
    """Time between two commits from the journal to the tables."""
    journal_bytes: int = Field(default=1 << 30, ge=1 << 20)
    """Size of the journal beyond which senders are asked to wait."""
    redact_emails: bool = False
    """Whether e-mail addresses are taken for secrets, too."""
    redact_addresses: bool = False
    """Whether IP addresses are."""

    @property
    def root(self) -> str:
        """Return where the tables are."""
        return self.url or str(self.dir / "tables")

    @property
    def journal(self) -> Path:
        """Return the journal's file."""
        return self.dir / "journal.db"

    @property
    def life(self) -> Path:
        """Return the file in which the hosts' normal lives are, once they were learned."""
        return self.dir / "life" / "life.safetensors"


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


class DaemonSection(Section):
    """The process that keeps the models loaded and answers who asks."""

    socket: UserPath = Field(default_factory=_socket, validate_default=True)
    """Unix socket on which it answers; whoever may open it may ask."""
    listen: str | None = Field(default=None, pattern=ADDRESS)
    """`HOST:PORT` on which it answers as well, for example to be scraped; all but loopback
    addresses want tokens."""
    fleet: UserPath | None = None
    """Fleet file whose groups are scanned when they are due; nobody is scanned without one."""
    dir: UserPath = Field(default_factory=_daemon_dir, validate_default=True)
    """Folder in which it is kept when they were scanned."""
