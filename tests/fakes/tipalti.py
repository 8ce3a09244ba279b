"""Tipalti's ProcessPayments, GetPODetails and IPNs, as its public pages tell: a RefCode is taken once, and a repetition
is an error of its line."""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as Xml

from tests.fakes.server import Answer, Call, FakeServer

PAYER = "FakePayer"
MASTER_KEY = "fake-master-key"
SPACE = "{http://Tipalti.org/}"


@dataclass
class FakeTipalti(FakeServer):
    """orders: RefCode → status. refuses: calls that it refuses as it does those with a wrong key."""

    orders: dict[str, str] = field(default_factory=dict)
    refuses: Callable[[Call], bool] | None = None
    notices: set[bytes] = field(default_factory=set)

    def account(self) -> dict[str, str]:
        """The account for the settings."""
        return {"payer": PAYER, "master_key": MASTER_KEY, "api_url": self.url, "console_url": self.url}

    def is_paying(self, call: Call) -> bool:
        """Whether payments are sent."""
        return "ProcessPayments" in call.headers.get("soapaction", "")

    def is_asking(self, call: Call) -> bool:
        """Whether a payment order is asked about."""
        return "GetPODetails" in call.headers.get("soapaction", "")

    def answer(self, call: Call) -> Answer:
        """As Tipalti answers."""
        if call.path == "/notif/ipn.aspx":
            return Answer(200, b"VERIFIED" if call.body in self.notices else b"INVALID")
        found = Xml.fromstring(call.body)

        def text(name: str, within: Any = found) -> str:
            element = next(within.iter(SPACE + name), None)
            return "" if element is None else element.text or ""

        if self.is_paying(call):
            stamp, extra, idap = text("timeStamp"), text("paymentGroupTitle"), ""
        else:
            stamp, extra, idap = text("timestamp"), text("poRefCode"), text("idap")
        right = hmac.new(MASTER_KEY.encode(), f"{PAYER}{idap}{stamp}{extra}".encode(), hashlib.sha256).hexdigest()
        is_refused = self.refuses is not None and self.refuses(call)
        if is_refused or text("key") != right or abs(time.time() - int(stamp)) > 300:
            return _reply("<errorMessage>EncryptionKeyFailedValidation</errorMessage><errorCode>1006</errorCode>")
        if not self.is_paying(call):
            state = self.orders.get(extra)
            if state is None:
                return _reply("<errorMessage>Unknown ref code</errorMessage><errorCode>UnknownError</errorCode>")
            return _reply(f"<errorMessage>OK</errorMessage><errorCode>OK</errorCode><POStatus>{state}</POStatus>")
        lines = []
        for order in found.iter(f"{SPACE}TipaltiPaymentOrderItem"):
            code = text("RefCode", order)
            status, message = "OK", ""
            if code in self.orders:
                status, message = "Error", "A payment with this ref code was submitted already."
            elif text("Idap", order).startswith("unknown"):
                status, message = "Error", "PayeeUnknown"
            else:
                self.orders[code] = "Submitted"
                self.paid[code] += 1
            lines.append(
                f"<ExpandedLineResult><status>{status}</status><message>{message}</message>"
                f"<refCode>{code}</refCode></ExpandedLineResult>"
            )
        return _reply(
            f"<errorMessage>OK</errorMessage><errorCode>0</errorCode><linesResults>{''.join(lines)}</linesResults>"
        )

    def notice(self, code: str) -> bytes:
        """The body of an IPN that Tipalti will confirm."""
        body = urlencode({"type": "completed", "refCode": code}).encode()
        self.notices.add(body)
        return body


def _reply(content: str) -> Answer:
    text = (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<soap:Body><Response xmlns="http://Tipalti.org/">{content}</Response></soap:Body></soap:Envelope>'
    )
    return Answer(200, text.encode())
