"""Which column is what: as somebody says, or as the names tell. Performs no I/O."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deploy.tables.table import Table, TableError
from deploy.tables.times import START_NS, Unit
from encoders.modality import ModalitySpec

NAMES = {
    "time": ("time", "timestamp", "t", "ts", "datetime", "date", "epoch", "unix", "seconds_elapsed", "elapsed"),
    "node": ("node", "node_id", "source", "source_id", "device", "device_id", "host", "subject", "subject_id"),
    "modality": ("modality", "sensor", "sensor_type", "measurement", "kind"),
    "label": ("label", "activity", "class"),
}  # fmt: skip
NUMBERS_OF_ROWS = ("", "index", "row", "unnamed_0")
# What sensors are called for short; the first is the modality, unless the settings name another one of the row.
FAMILIES = (
    ("accelerometer", "acceleration", "accel", "acc", "a"),
    ("gyroscope", "angular-velocity", "gyro", "gyr", "g"),
    ("magnetometer", "magnetic-field", "magn", "mag", "m"),
    ("linear-acceleration", "user-acceleration", "lin-acc", "linacc"),
    ("gravity", "grav"),
    ("orientation", "quaternion", "quat", "ori", "q"),
)
UNIT = re.compile(r"\s*[\[(]([^\])]*)[\])]\s*$")
AXIS = re.compile(r"(.*?)_?([xyzw])")
NUMBERED = re.compile(r"(.*?)_?(\d+)")


@dataclass(frozen=True, slots=True)
class Columns:
    """What somebody says of the columns; the names tell the rest. `known` are the modalities of the settings."""

    time: str | None = None
    unit: Unit | None = None
    start_ns: int = START_NS
    node: str | None = None
    source_id: str | None = None
    modality: str | None = None
    label: str | None = None
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: Mapping[str, ModalitySpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """What each column of a table is; `groups` are the channels of each modality, or with `modality` those of all."""

    time: str
    node: str | None
    source_id: str
    modality: str | None
    label: str | None
    groups: dict[str, tuple[str, ...]]
    passed_over: tuple[str, ...]


def layout_of(table: Table, said: Columns) -> Layout:
    """What the columns of a table are.

    Raises:
        TableError: If a column that was named is not there, or none can be the time or a value.
    """
    for name in filter(None, (said.time, said.node, said.modality, said.label, *_all(said.groups))):
        _must_have(table, name)
    roles: dict[str, str | None] = {
        role: getattr(said, role) or _named_so(table, names, role) for role, names in NAMES.items()
    }
    time = roles["time"]
    if time is None:
        found = ", ".join(table.columns)
        raise TableError(f"{table.file}: no column of times among {found}; wanted one called time, or --time")
    if said.source_id is not None:
        roles["node"] = said.node
    taken = set(filter(None, roles.values()))
    times = {one for one in table.columns if plain(one) in NAMES["time"] or plain(one) in NUMBERS_OF_ROWS}
    free = [one for one in table.columns if one not in taken | times and table.looks_numeric(one)]
    if roles["modality"] is not None:
        groups = {"": tuple(_all(said.groups)) or tuple(free)}
    else:
        groups = dict(said.groups) or guessed_groups(free, table.file.stem, said.known)
    if not any(groups.values()):
        raise TableError(f"{table.file}: no column of values beside {', '.join(sorted(taken))}; wanted at least one")
    rest = tuple(one for one in table.columns if one not in taken | set(_all(groups)))
    source_id = said.source_id or (table.file.resolve().parent.name if _says_what(table, groups) else table.file.stem)
    return Layout(time, roles["node"], source_id, roles["modality"], roles["label"], groups, rest)


def guessed_groups(names: Iterable[str], stem: str, known: Mapping[str, ModalitySpec]) -> dict[str, tuple[str, ...]]:
    """Columns by modality: what the settings name as channels, then what differs by x, y, z or a number, then each.

    Bare x, y, z are of the modality that the file, by its `stem`, is called after.
    """
    left = list(names)
    groups: dict[str, tuple[str, ...]] = {}
    for modality, spec in known.items():
        if spec.channels and set(spec.channels) <= set(left):
            groups[modality] = spec.channels
            left = [one for one in left if one not in spec.channels]
    for pattern in (AXIS, NUMBERED):
        parts = {one: match.groups() for one in left if (match := pattern.fullmatch(plain(one)))}
        for group in dict.fromkeys(group for group, _ in parts.values()):
            members = sorted((one for one in parts if parts[one][0] == group), key=lambda one: _place(parts[one][1]))
            if len(members) > 1:
                groups.setdefault(modality_name(group or stem, known), tuple(members))
                left = [one for one in left if one not in members]
    for one in left:
        groups.setdefault(modality_name(plain(one), known), (one,))
    return groups


def modality_name(text: str, known: Iterable[str] = ()) -> str:
    """What a modality is called: one of `known` that is called alike, or the text as a name that makes topics."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if slug in known:
        return slug
    family = next((one for one in FAMILIES if slug in one), (slug,))
    return next((one for one in family if one in known), family[0])


def plain(name: str) -> str:
    """A column's name in lower case, words joined by `_`, without units."""
    words = re.sub(r"[^a-z0-9]+", "_", UNIT.sub("", name).lower()).strip("_")
    return re.sub(r"^(.+?)_(s|ms|us|ns)$", r"\1", words)


def unit_of(names: Iterable[str]) -> str:
    """The unit that the names of channels have in brackets, if all have the same."""
    units = {found.group(1) if (found := UNIT.search(name)) else "" for name in names}
    return units.pop() if len(units) == 1 else ""


def _must_have(table: Table, name: str) -> None:
    if name not in table.columns:
        raise TableError(f"{table.file}: no column {name!r}, wanted one of {', '.join(table.columns)}")


def _named_so(table: Table, names: tuple[str, ...], role: str) -> str | None:
    by_name = {plain(one): one for one in reversed(table.columns)}
    found = next((by_name[one] for one in names if one in by_name), None)
    # A number tells no modality: it is a value then.
    return None if found is not None and role == "modality" and table.looks_numeric(found) else found


def _says_what(table: Table, groups: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the file is called after its modality, so that its folder must be called after the node."""
    bare = any(plain(one) in ("x", "y", "z") for one in _all(groups))
    return bare and modality_name(table.file.stem) in groups


def _all(groups: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [one for group in groups.values() for one in group]


def _place(end: str) -> tuple[int, str]:
    return (int(end), "") if end.isdigit() else (-1 if end != "w" else 0, end)
