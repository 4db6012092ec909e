"""Event source mappings on disk: their settings and how far each has come."""
from __future__ import annotations

import json
import os
import threading
from pathlib import Path


class Mapping:
    """One event source mapping. `fields` are the API's, but for State and LastProcessingResult; `position` is
    {"shard": …, "after": sequence number}, without "after" at a shard's beginning, empty at the stream's."""

    def __init__(self, path: Path, region: str, fields: dict, enabled: bool, position: dict, result: str):
        self.path, self.region, self.fields, self.enabled = path, region, fields, enabled
        self.position, self.result = position, result
        self.new = self.deleting = False
        self._writing = threading.Lock()

    @property
    def uuid(self) -> str:
        """Its name."""
        return self.fields["UUID"]

    def moved(self, shard: str, after: str) -> None:
        """All up to this sequence number in the shard is settled."""
        self.position = {"shard": shard, "after": after}
        self.save()

    def note(self, result: str) -> None:
        """Remember what came of the last batch. Not worth a write of its own."""
        self.result = result

    def save(self) -> None:
        """At once and whole, so that a kill leaves the old file or the new one."""
        kept = {"region": self.region, "fields": self.fields, "enabled": self.enabled, "position": self.position,
                "result": self.result}
        with self._writing:
            if self.deleting:
                return
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(kept), encoding="utf-8")
            os.replace(fresh, self.path)

    def remove(self) -> None:
        """Forget it, whatever is still to be saved."""
        with self._writing:
            self.deleting = True
            self.path.unlink(missing_ok=True)


class Store:
    """The mappings in a folder, one file each."""

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, region: str, fields: dict, enabled: bool, position: dict) -> Mapping:
        """Keep a new one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mapping = Mapping(self.folder / f"{fields['UUID']}.json", region, fields, enabled, position,
                          "No records processed")
        mapping.new = True
        mapping.save()
        return mapping

    def load(self) -> list[Mapping]:
        """Those that an earlier run of the server has kept."""
        return [Mapping(path, **json.loads(path.read_text(encoding="utf-8")))
                for path in sorted(self.folder.glob("*.json"))]
