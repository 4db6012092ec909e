"""The event source mappings, and the poller of each that is enabled.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html and
https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html (State)
"""
from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from local_aws.lambda_.calls import Calls
from local_aws.lambda_.poller import Poller
from local_aws.lambda_.store import Mapping, Store

if TYPE_CHECKING:
    from local_aws.server import LocalAws

STOPPED_WITHIN = 10.0  # seconds that a regular stop waits for invocations under way

log = logging.getLogger("local_aws.lambda_")


class Mappings:
    """`mappings` by UUID. What the API does to one is done here, and its poller follows."""

    def __init__(self, aws: LocalAws):
        self.store = Store(aws.state / "lambda")
        self.calls = Calls(aws)
        self.mappings = {mapping.uuid: mapping for mapping in self.store.load()}
        self._pollers: dict[str, Poller] = {}
        self._changing = threading.Lock()

    # The moments of the local AWS's life

    def start(self) -> None:
        """Poll for what was loaded. A mapping that ministack does not know was made before a kill, and is forgotten."""
        for region in {mapping.region for mapping in self.mappings.values()}:
            pages = self.calls.client("lambda", region).get_paginator("list_event_source_mappings").paginate()
            known = {listed["UUID"] for page in pages for listed in page["EventSourceMappings"]}
            with self._changing:
                for mapping in [one for one in self.mappings.values() if one.region == region]:
                    if mapping.uuid in known:
                        self._poll(mapping)
                    else:
                        log.warning("Mapping %s is forgotten", mapping.uuid)
                        mapping.remove()
                        del self.mappings[mapping.uuid]

    def stop(self) -> None:
        """End the pollers; an invocation that takes longer than STOPPED_WITHIN is broken off."""
        pollers = list(self._pollers.values())
        for poller in pollers:
            poller.stop()
        until = time.monotonic() + STOPPED_WITHIN
        for poller in pollers:
            if not poller.join(max(0.0, until - time.monotonic())):
                log.warning("Mapping %s: an invocation is broken off; its batch will be sent again",
                            poller.mapping.uuid)
        for mapping in self.mappings.values():
            mapping.save()

    def reset(self) -> None:
        """Forget all mappings."""
        with self._changing:
            for uuid, mapping in self.mappings.items():
                mapping.remove()
                if poller := self._pollers.get(uuid):
                    poller.stop()
            self.mappings, self._pollers = {}, {}

    def wake(self, stream: str) -> None:
        """There is a new record in the stream with this ARN."""
        for poller in list(self._pollers.values()):
            if poller.stream == stream:
                poller.wake()

    def renew_roles(self) -> None:
        """A function may have another role now."""
        for poller in list(self._pollers.values()):
            poller.role.renew()

    # What the API does

    def between(self, stream: str, function: str) -> Mapping | None:
        """The mapping from a stream to a function, by their ARNs."""
        return next((mapping for mapping in self.mappings.values() if (
            mapping.fields["EventSourceArn"], mapping.fields["FunctionArn"]) == (stream, function)), None)

    def add(self, region: str, fields: dict, enabled: bool, position: dict) -> Mapping:
        """Keep a new mapping, and poll for it if it is enabled."""
        with self._changing:
            mapping = self.store.add(region, fields, enabled, position)
            self.mappings[mapping.uuid] = mapping
            self._poll(mapping)
        return mapping

    def change(self, mapping: Mapping, fields: dict, enabled: bool) -> None:
        """Give a mapping new fields; polling goes on where it was."""
        with self._changing:
            mapping.fields, mapping.enabled = fields, enabled
            mapping.save()
            self._poll(mapping)

    def delete(self, mapping: Mapping) -> None:
        """Forget a mapping. It is 'Deleting' for as long as its last invocation runs."""
        with self._changing:
            mapping.remove()
            self._poll(mapping)
        threading.Thread(target=self._forget, args=(mapping,), daemon=True).start()

    def state(self, mapping: Mapping) -> str:
        """Its State, as the API names it."""
        poller = self._pollers.get(mapping.uuid)
        if mapping.deleting:
            return "Deleting"
        if not mapping.enabled:
            return "Disabling" if poller is not None and not poller.join(0) else "Disabled"
        if mapping.new and poller is not None and poller.running.is_set():
            mapping.new = False
        return "Creating" if mapping.new else "Enabled"

    def _forget(self, mapping: Mapping) -> None:
        if poller := self._pollers.get(mapping.uuid):
            poller.join()
        with self._changing:
            self.mappings.pop(mapping.uuid, None)
            self._pollers.pop(mapping.uuid, None)

    def _poll(self, mapping: Mapping) -> None:
        """Let the mapping's poller be as the mapping says, once the last one has ended."""
        last = self._pollers.get(mapping.uuid)
        if last is not None:
            last.stop()
        if mapping.enabled and not mapping.deleting:
            self._pollers[mapping.uuid] = Poller(mapping, self.calls, after=last)
            self._pollers[mapping.uuid].start()
