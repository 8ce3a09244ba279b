"""What the demo must know at its next start: that its data are loaded, and its keys, which are stored as hashes only.

Kept in the data directory, readable by its owner alone. The keys open nothing but the demo's own tenant.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson

from app.core.context import Role

FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A demo that is loaded: one that was cut off before is not remembered, and loaded again. keys: by role."""

    tenant_id: UUID
    keys: dict[Role, str]


def read(data_dir: Path, tenant_id: UUID) -> Remembered | None:
    """What was remembered of this tenant, if anything: another tenant's (an earlier database's) is of no use."""
    try:
        content = orjson.loads((data_dir / FILE).read_bytes())
    except FileNotFoundError:
        return None
    if content["tenant_id"] != str(tenant_id):
        return None
    return Remembered(tenant_id=tenant_id, keys={Role(role): key for role, key in content["keys"].items()})


def write(data_dir: Path, remembered: Remembered) -> None:
    """Remember it: complete or not at all."""
    unfinished = data_dir / f"{FILE}.new"
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    content = {
        "tenant_id": str(remembered.tenant_id),
        "keys": {role.value: key for role, key in remembered.keys.items()},
    }
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content))
    unfinished.rename(data_dir / FILE)
