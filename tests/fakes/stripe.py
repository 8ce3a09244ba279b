"""Stripe's transfers, reversals, accounts and webhooks, with idempotency as its pages tell: for a day the first answer
to a key is given again, server errors too, and other parameters under it are refused."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
import stripe

from tests.fakes.server import Answer, Call, FakeServer

KEY = "sk_test_fake_platform_key"
WEBHOOK_SECRET = "whsec_fake_signing_secret"
DAY_S = 24 * 3600


@dataclass
class FakeStripe(FakeServer):
    """balance: what the platform has, by currency in small letters; without an entry there is enough.

    is_error_remembered: whether errors before a transfer was made are kept under their key too.
    """

    transfers: dict[str, dict[str, Any]] = field(default_factory=dict)
    balance: dict[str, int] = field(default_factory=dict)
    remembered: dict[str, tuple[float, dict[str, str], Answer]] = field(default_factory=dict)
    accounts: Counter[str] = field(default_factory=Counter)
    is_error_remembered: bool = False

    def account(self) -> dict[str, str]:
        """The account for the settings."""
        return {"secret_key": KEY, "webhook_secret": WEBHOOK_SECRET, "api_url": self.url}

    def is_paying(self, call: Call) -> bool:
        """Whether a transfer is made."""
        return call.method == "POST" and call.path == "/v1/transfers"

    def answer(self, call: Call) -> Answer:
        """As Stripe answers."""
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_request_error", None, "Invalid API Key provided: sk_test_***")
        if call.method == "GET":
            return self._read(call)
        key = call.headers.get("idempotency-key")
        if key is None:
            return self._write(call)
        known = self.remembered.get(key)
        if known is not None and time.time() - known[0] < DAY_S:
            if known[1] != call.form():
                return _error(400, "idempotency_error", None, "Keys for idempotent requests can only be used again…")
            return known[2]
        made = self._write(call)
        self.remembered[key] = (time.time(), call.form(), made)
        return made

    def broken_before(self, call: Call) -> Answer:
        """The error is what every repetition gets too, where the call had begun to be done."""
        return self.broken_after(call) if self.is_error_remembered else self.broken()

    def broken_after(self, call: Call) -> Answer:
        """The error is what every repetition gets too."""
        answer = self.broken()
        self.remembered[call.headers["idempotency-key"]] = (time.time(), call.form(), answer)
        return answer

    def forget_keys(self) -> None:
        """A day passes."""
        self.remembered.clear()

    def _read(self, call: Call) -> Answer:
        if call.path == "/v1/transfers":
            group = call.query.get("transfer_group")
            found = [transfer for transfer in self.transfers.values() if transfer["transfer_group"] == group]
            return Answer(200, {"object": "list", "url": call.path, "has_more": False, "data": found})
        transfer = self.transfers.get(call.path.rpartition("/")[2])
        return (
            _error(404, "invalid_request_error", "resource_missing", "No such transfer")
            if transfer is None
            else (Answer(200, transfer))
        )

    def _write(self, call: Call) -> Answer:
        form = call.form()
        if call.path == "/v1/transfers":
            return self._transfer(form)
        if call.path == "/v1/accounts":
            self.accounts[form["country"]] += 1
            return Answer(200, {"object": "account", "id": f"acct_{self.accounts.total():04}"})
        if call.path == "/v1/account_links":
            return Answer(
                200,
                {
                    "object": "account_link",
                    "created": int(time.time()),
                    "expires_at": int(time.time()) + 300,
                    "url": f"https://connect.stripe.test/setup/{form['account']}",
                },
            )
        return self._reversal(call.path.split("/")[3], form)

    def _transfer(self, form: dict[str, str]) -> Answer:
        amount, currency = int(form["amount"]), form["currency"]
        if not form["destination"].startswith("acct_"):
            return _error(400, "invalid_request_error", "resource_missing", "No such destination")
        if currency in self.balance:
            if self.balance[currency] < amount:
                return _error(400, "invalid_request_error", "balance_insufficient", "You have insufficient funds")
            self.balance[currency] -= amount
        transfer = {
            "object": "transfer",
            "id": f"tr_{len(self.transfers) + 1:06}",
            "amount": amount,
            "amount_reversed": 0,
            "reversed": False,
            "currency": currency,
            "created": int(time.time()),
            "destination": form["destination"],
            "transfer_group": form["transfer_group"],
            "metadata": {},
        }
        self.transfers[str(transfer["id"])] = transfer
        self.paid[form["transfer_group"]] += 1
        return Answer(200, transfer)

    def _reversal(self, transfer_id: str, form: dict[str, str]) -> Answer:
        transfer = self.transfers[transfer_id]
        amount = int(form.get("amount", transfer["amount"] - transfer["amount_reversed"]))
        if amount <= 0 or transfer["amount_reversed"] + amount > transfer["amount"]:
            return _error(400, "invalid_request_error", None, "This transfer has already been reversed.")
        self.take_back(transfer_id, amount)
        return Answer(200, {"object": "transfer_reversal", "id": "trr_1", "amount": amount, "transfer": transfer_id})

    def take_back(self, transfer_id: str, amount: int) -> None:
        """Reverse a part of a transfer, as somebody does in the dashboard."""
        transfer = self.transfers[transfer_id]
        transfer["amount_reversed"] += amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]

    def webhook(
        self, kind: str, transfer_id: str, *, id: str = "evt_1", secret: str = WEBHOOK_SECRET
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook about a transfer."""
        body = orjson.dumps({"id": id, "type": kind, "data": {"object": self.transfers[transfer_id]}})
        signed = stripe.WebhookSignature.generate_signature_header(body.decode(), secret)
        return {"stripe-signature": signed, "content-type": "application/json"}, body


def _error(status: int, kind: str, code: str | None, message: str) -> Answer:
    return Answer(status, {"error": {"type": kind, "code": code, "message": message}})
