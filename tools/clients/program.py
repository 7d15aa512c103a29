"""Sends, dry-runs, fetches, lists, deletes, and reads errors and receipts with a client generated from /openapi.json."""

import sys
import time
from datetime import datetime

from fanfare_client import Client
from fanfare_client.api.messages import (
    delete_message,
    fetch_message,
    list_messages,
    list_receipts,
    send_messages,
)
from fanfare_client.api.operations import fetch_operation, list_operation_errors
from fanfare_client.models import ErrorList, SendMessagesRequest

base_url, authorization = sys.argv[1:]
client = Client(base_url=base_url, headers={"Authorization": authorization})
deadline = time.monotonic() + 30

REQUEST = {
    "to": [
        {"address": "+15005550100", "channel": "PHONE", "variables": {"name": "Ada"}},
        {"address": "+15005550002", "channel": "PHONE", "variables": {"name": "Bob"}},
    ],
    "content": {"text": "Hello {{ name }}!"},
    "from": {"address": "+15005550100", "channel": "SMS"},
}


def send(**more):
    body = SendMessagesRequest.from_dict({**REQUEST, **more})
    return send_messages.sync_detailed(client=client, body=body)


accepted = send()
assert accepted.status_code == 202, accepted
operation_id = accepted.parsed.operation_id

dry = send(dryRun=True)
assert dry.status_code == 200, dry
assert dry.parsed.dry_run is True, dry.parsed

while True:
    stats = fetch_operation.sync(operation_id, client=client).stats
    if stats.delivered == 1 and stats.undelivered == 1:
        break
    assert time.monotonic() < deadline, stats
    time.sleep(0.05)

messages = list_messages.sync(client=client, operation_id=operation_id).messages
assert len(messages) == 2, messages
errors = list_operation_errors.sync(operation_id, client=client).errors
assert isinstance(errors[0].code, int), errors
receipts = list_receipts.sync(messages[0].id, client=client).receipts
assert len(receipts) == 1, receipts

delete_message.sync_detailed(messages[0].id, client=client)
deleted = fetch_message.sync(messages[0].id, client=client)
assert isinstance(deleted.deleted_at, datetime), deleted
assert deleted.to[0].address == "", deleted

refused = send(to=[])
assert refused.status_code == 400, refused
assert isinstance(refused.parsed, ErrorList), refused
assert refused.parsed.errors[0].context == "$.to", refused.parsed
