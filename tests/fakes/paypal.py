"""PayPal's Payouts, as its pages and its users tell: a sender_batch_id is taken once in 30 days, its repetition is
refused with a link to the batch; one item that is not in order has the whole batch refused; items are paid later, each
for itself. Neither sender_item_id nor PayPal-Request-Id keep anything from being paid twice."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.fakes.server import Answer, Call, FakeServer

CLIENT_ID = "fake-client"
CLIENT_SECRET = "fake-client-secret"
WEBHOOK_ID = "WH1"
SIGNING_KEY = b"only PayPal has it"
ITEMS_MAX = 15_000


@dataclass
class FakePayPal(FakeServer):
    """names_known: whether the refusal of a repetition links the batch that it repeats. is_forbidden: whether the app
    may not pay at all. page_items_max: items that a page holds. pages_told: how many pages there are said to be, where
    that is wrong; is_page_ignored: whether every page is the first one.
    """

    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    senders: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    names_known: bool = True
    is_forbidden: bool = False
    page_items_max: int = 1_000
    pages_told: int | None = None
    is_page_ignored: bool = False

    def account(self) -> dict[str, str]:
        """The account for the settings."""
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "webhook_id": WEBHOOK_ID,
            "api_url": self.url,
        }

    def is_paying(self, call: Call) -> bool:
        """Whether a batch is sent."""
        return call.method == "POST" and call.path == "/v1/payments/payouts"

    def broken(self) -> Answer:
        """As PayPal breaks."""
        return Answer(500, {"name": "INTERNAL_ERROR", "message": "An internal service error has occurred."})

    def answer(self, call: Call) -> Answer:
        """As PayPal answers."""
        if call.path == "/v1/oauth2/token":
            basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            if call.headers.get("authorization") != f"Basic {basic}":
                return Answer(401, {"error": "invalid_client"})
            token = f"token-{len(self.tokens) + 1}"
            self.tokens.add(token)
            return Answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 32_400})
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Answer(401, {"name": "AUTHENTICATION_FAILURE"})
        if call.path == "/v1/notifications/verify-webhook-signature":
            return self._verified(call)
        if call.method == "GET":
            return self._read(call)
        if self.is_forbidden:
            return Answer(403, {"name": "NOT_AUTHORIZED", "message": "Authorization failed."})
        return self._sent(call.json())

    def _sent(self, body: dict[str, Any]) -> Answer:
        sender_id, items = body["sender_batch_header"]["sender_batch_id"], body["items"]
        known = self.senders.get(sender_id)
        if known is not None:
            link = {"href": f"{self.url}/v1/payments/payouts/{known}", "rel": "self", "method": "GET"}
            detail = {"field": "SENDER_BATCH_ID", "issue": "Batch with given sender_batch_id already exists"}
            return _refused("USER_BUSINESS_ERROR", [detail], links=[link] if self.names_known else [])
        if len(items) > ITEMS_MAX:
            return _refused("VALIDATION_ERROR", [{"field": "items", "issue": "Too many items"}])
        wrong = [
            {"field": f"items[{index}].receiver", "issue": "Receiver is invalid or does not match with type"}
            for index, item in enumerate(items)
            if item["recipient_type"] == "EMAIL" and not item["receiver"].endswith((".com", ".test"))
        ]
        if wrong:
            return _refused("VALIDATION_ERROR", wrong)
        batch_id = f"BATCH{len(self.batches) + 1}"
        self.senders[sender_id] = batch_id
        self.batches[batch_id] = {
            "state": "PENDING",
            "items": [
                {
                    "payout_item_id": f"{batch_id}I{number}",
                    "payout_batch_id": batch_id,
                    "transaction_status": "PENDING",
                    "payout_item": item,
                }
                for number, item in enumerate(items)
            ],
        }
        for item in items:
            self.paid[item["sender_item_id"]] += 1
        header = {"payout_batch_id": batch_id, "batch_status": "PENDING", "sender_batch_header": body}
        return Answer(201, {"batch_header": header})

    def settle(self, batch_id: str, *states: str) -> None:
        """PayPal comes to an end with a batch: its items' states in order, SUCCESS where none is given."""
        batch = self.batches[batch_id]
        batch["state"] = "SUCCESS"
        for index, item in enumerate(batch["items"]):
            item["transaction_status"] = states[index] if index < len(states) else "SUCCESS"
            item["payout_item_fee"] = {"currency": item["payout_item"]["amount"]["currency"], "value": "0.25"}
            item["time_processed"] = "2026-05-01T10:17:41Z"
            if item["transaction_status"] == "FAILED":
                item["errors"] = {"name": "RECEIVER_ACCOUNT_LOCKED", "message": "The account is locked."}

    def _read(self, call: Call) -> Answer:
        batch_id = call.path.rpartition("/")[2]
        batch = self.batches.get(batch_id)
        if batch is None:
            return Answer(404, {"name": "INVALID_RESOURCE_ID"})
        size = min(int(call.query.get("page_size", 1_000)), self.page_items_max)
        page = 1 if self.is_page_ignored else int(call.query.get("page", 1))
        items = batch["items"][size * (page - 1) : size * page]
        header = {"payout_batch_id": batch_id, "batch_status": batch["state"]}
        body: dict[str, Any] = {"batch_header": header, "items": items}
        if call.query.get("total_required") == "true":
            body["total_pages"] = self.pages_told or -(-len(batch["items"]) // size)
        return Answer(200, body)

    def item(self, item_id: str) -> dict[str, Any]:
        """The item that the sender calls so."""
        return next(
            item
            for batch in self.batches.values()
            for item in batch["items"]
            if item["payout_item"]["sender_item_id"] == item_id
        )

    def webhook(
        self, item_id: str, *, id: str = "WH-EVENT-1", key: bytes = SIGNING_KEY
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook about an item."""
        item = self.item(item_id)
        kind = f"PAYMENT.PAYOUTS-ITEM.{item['transaction_status']}"
        body = orjson.dumps({"id": id, "event_type": kind, "resource": item})
        return {
            "paypal-transmission-id": "transmission-1",
            "paypal-transmission-time": "2026-05-01T10:17:42Z",
            "paypal-transmission-sig": _signature(key, "transmission-1", "2026-05-01T10:17:42Z", WEBHOOK_ID, body),
            "paypal-cert-url": "https://api.paypal.test/cert",
            "paypal-auth-algo": "SHA256withRSA",
        }, body

    def _verified(self, call: Call) -> Answer:
        asked = call.json()
        event = call.body.split(b'"webhook_event":', 1)[1][:-1]
        right = _signature(
            SIGNING_KEY, asked["transmission_id"], asked["transmission_time"], asked["webhook_id"], event
        )
        is_right = hmac.compare_digest(right, asked["transmission_sig"])
        return Answer(200, {"verification_status": "SUCCESS" if is_right else "FAILURE"})


def _signature(key: bytes, *parts: str | bytes) -> str:
    text = b"|".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _refused(name: str, details: list[dict[str, str]], *, links: list[dict[str, str]] | None = None) -> Answer:
    return Answer(400, {"name": name, "message": "Refused.", "details": details, "links": links or []})
