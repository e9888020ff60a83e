"""What smartctl answers in JSON, as far as it is read here."""

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    """A part of smartctl's answer, of which only what is read here is looked at."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Message(_Part):
    """What smartctl complains about."""

    string: str


class Call(_Part):
    """How smartctl itself fared."""

    exit_status: int
    messages: tuple[Message, ...] = ()

    @property
    def told(self) -> str:
        """Return its complaints on one line."""
        return " ".join(message.string for message in self.messages)


class Status(_Part):
    """What the disk says of itself."""

    passed: bool | None = None


class Temperature(_Part):
    """In degrees Celsius; 0 stands for "not known"."""

    current: int = 0


class Age(_Part):
    """How long the disk was on."""

    hours: int | None = None


class Raw(_Part):
    """An attribute's raw value."""

    value: int


class Attribute(_Part):
    """One of an ATA disk's."""

    id: int
    value: int
    raw: Raw


class Attributes(_Part):
    """Those of an ATA disk."""

    table: tuple[Attribute, ...] = ()


class ErrorCount(_Part):
    """How many commands an ATA disk noted as failed."""

    count: int | None = None


class ErrorLog(_Part):
    """An ATA disk's log of errors."""

    summary: ErrorCount = ErrorCount()


class NvmeHealth(_Part):
    """An NVMe disk's health log."""

    critical_warning: int | None = None
    available_spare: int | None = None
    percentage_used: int | None = None
    media_errors: int | None = None
    num_err_log_entries: int | None = None
    unsafe_shutdowns: int | None = None


class ScsiErrors(_Part):
    """A SCSI disk's errors of one operation."""

    total_uncorrected_errors: int | None = None


class ScsiLog(_Part):
    """A SCSI disk's errors by operation."""

    read: ScsiErrors = ScsiErrors()
    write: ScsiErrors = ScsiErrors()
    verify: ScsiErrors = ScsiErrors()


class Answer(_Part):
    """smartctl's answer about one disk; what the disk does not say has its default."""

    smartctl: Call
    smart_status: Status = Status()
    temperature: Temperature = Temperature()
    power_on_time: Age = Age()
    power_cycle_count: int | None = None
    ata_smart_attributes: Attributes = Attributes()
    ata_smart_error_log: ErrorLog = ErrorLog()
    nvme_smart_health_information_log: NvmeHealth = NvmeHealth()
    scsi_grown_defect_list: int | None = None
    scsi_error_counter_log: ScsiLog = ScsiLog()


class Device(_Part):
    """A disk that smartctl found, and how to speak to it."""

    name: str
    type: str


class Scan(_Part):
    """The disks that smartctl found."""

    devices: tuple[Device, ...] = ()
