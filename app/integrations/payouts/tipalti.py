"""Tipalti, as far as its public pages go: ProcessPayments and GetPODetails of the SOAP API, IPNs, and the payee's page.

A payment's RefCode is the item's id: Tipalti takes each once. What it says against a line is therefore checked by
asking for the payment order itself, for a repetition is refused too.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qs, urlencode
from uuid import UUID
from xml.etree import ElementTree as Xml
from xml.sax.saxutils import escape

from app.core.money import from_minor, to_minor
from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.integrations.payouts.http import Http, Reply
from app.payouts.accounts import TipaltiAccount
from app.payouts.port import BadSignature, Message, Onboarding, OnboardingAsked, Payment, Report, Told

PAYER_PATH = "/v5/PayerFunctions.asmx"
PAYEE_PATH = "/v5/PayeeFunctions.asmx"
NAMESPACE = "http://Tipalti.org/"
ACCEPTED_IPN = "VERIFIED"
UNKNOWN_CODE = "unknownrefcode"
"""What a question is answered about a RefCode that was never taken, letters only and small."""

QUESTIONS_AT_ONCE = 4

ORDER_STATES = {
    "submitted": Told.ACCEPTED,
    "submittedforpayment": Told.ACCEPTED,
    "scheduled": Told.ACCEPTED,
    "pendingpayerfunds": Told.ACCEPTED,
    "pendingfunds": Told.ACCEPTED,
    "fraudreview": Told.ACCEPTED,
    "riskreview": Told.ACCEPTED,
    "paid": Told.SUCCEEDED,
    "cleared": Told.SUCCEEDED,
    "deferred": Told.FAILED,
    "deferredinternal": Told.FAILED,
    "rejected": Told.FAILED,
    "canceled": Told.FAILED,
    "cancelled": Told.FAILED,
}
"""A payment order's status, letters only and small, → what it tells. A rejection after it was paid is a return."""

_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    '<{operation} xmlns="http://Tipalti.org/">{body}</{operation}></soap:Body></soap:Envelope>'
)


class Tipalti:
    """One payer's account."""

    name = PayoutProviderName.TIPALTI

    def __init__(self, account: TipaltiAccount, *, timeout_s: float) -> None:
        self._account = account
        self._http = Http(timeout_s=timeout_s)

    async def pay(self, payments: Sequence[Payment], *, is_repeated: bool = False) -> Sequence[Report]:
        """A payment group of all payments."""
        title = payments[0].key
        orders = "".join(
            f"<TipaltiPaymentOrderItem><Idap>{escape(payment.reference)}</Idap>"
            f"<Amount>{from_minor(payment.amount, payment.currency):f}</Amount>"
            f"<RefCode>{ref_code(payment.item_id)}</RefCode>"
            f"<IgnoreThresholds>true</IgnoreThresholds><BankingMessage>{escape(payment.note[:140])}</BankingMessage>"
            f"<Currency>{payment.currency}</Currency></TipaltiPaymentOrderItem>"
            for payment in payments
        )
        reply = await self._call(
            PAYER_PATH,
            "ProcessPayments",
            f"<payerName>{escape(self._account.payer)}</payerName><paymentGroupTitle>{title}</paymentGroupTitle>"
            f"<tipaltiPaymentsOrders>{orders}</tipaltiPaymentsOrders>",
            extra=title,
        )
        found = _parsed(reply)
        if found is None:
            return [Report(Told.UNKNOWN, payment.item_id) for payment in payments]
        lines = {
            _text(line, "refCode"): line
            for line in (*found.iter(f"{{{NAMESPACE}}}ExpandedLineResult"), *found.iter(f"{{{NAMESPACE}}}LineResult"))
        }
        is_ok = _is_ok(found)
        reports: list[Report] = []
        refused: dict[UUID, str | None] = {}
        for payment in payments:
            line = lines.get(ref_code(payment.item_id))
            status = None if line is None else _text(line, "status")
            if is_ok and status in ("OK", "Warning"):
                reports.append(Report(Told.ACCEPTED, payment.item_id, provider_batch_id=title))
            else:
                refused[payment.item_id] = None if line is None else _text(line, "message")
        asked = [payment for payment in payments if payment.item_id in refused]
        for told in await self.ask(asked):
            message = refused[told.item_id] if told.item_id is not None else None
            reports.append(_after_refusal(told, message, is_repeated=is_repeated))
        return reports

    async def ask(self, payments: Sequence[Payment]) -> Sequence[Report]:
        """What Tipalti has of each payment order."""
        gate = asyncio.Semaphore(QUESTIONS_AT_ONCE)

        async def ask(payment: Payment) -> Report:
            async with gate:
                return await self._ask(payment)

        return await asyncio.gather(*(ask(payment) for payment in payments))

    async def _ask(self, payment: Payment) -> Report:
        code = ref_code(payment.item_id)
        reply = await self._call(
            PAYEE_PATH,
            "GetPODetails",
            f"<payerName>{escape(self._account.payer)}</payerName><idap>{escape(payment.reference)}</idap>",
            extra=code,
            idap=payment.reference,
            after=f"<poRefCode>{code}</poRefCode>",
        )
        found = _parsed(reply)
        if found is None:
            return Report(Told.UNKNOWN, payment.item_id)
        if not _is_ok(found):
            # It knows no such order, or did not like the question: the same RefCode again is safe either way.
            known = _small(_text(found, "errorMessage"))
            return Report(Told.REPEATABLE, payment.item_id, code=UNKNOWN_CODE if UNKNOWN_CODE in known else None)
        state = _text(found, "POStatus")
        told = ORDER_STATES.get(_small(state), Told.UNKNOWN)
        return Report(
            told,
            payment.item_id,
            provider_id=code,
            provider_batch_id=payment.provider_batch_id,
            code=state if told is Told.FAILED else None,
            fee=_fee(_text(found, "PayerFees"), payment.currency),
            fee_currency=payment.currency,
        )

    async def take_back(self, payment: Payment, *, key: str) -> Report:
        """Its public pages show no way."""
        return Report(Told.FAILED, payment.item_id, code="not_offered", message="Cancel it in the Tipalti Hub.")

    async def onboarding_link(self, asked: OnboardingAsked) -> Onboarding:
        """The page on which a payee chooses how to be paid, and fills in the tax forms."""
        idap = asked.reference or asked.key
        query = urlencode(
            {
                "idap": idap,
                "payer": self._account.payer,
                "ts": int(time.time()),
                "redirectto": asked.return_url,
            }
        )
        return Onboarding(
            idap, f"{self._account.pages_url}/payeedashboard/home?{query}&hashkey={self._mac(query)}", None
        )

    async def read_message(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Message:
        """An IPN, which is sent back to be confirmed. It only names the payment: what became of it is asked."""
        form_type = {"content-type": "application/x-www-form-urlencoded"}
        reply = await self._http.send(
            "POST", f"{self._account.console_url}/notif/ipn.aspx", headers=form_type, body=body
        )
        if not reply.is_ok or reply.body.decode(errors="replace").strip().upper() != ACCEPTED_IPN:
            raise BadSignature
        fields = parse_qs(body.decode(errors="replace"))
        kind = fields.get("type", ["?"])[0]
        codes = fields.get("refCode") or fields.get("ref_code") or []
        reports = []
        for code in codes:
            try:
                reports.append(Report(Told.UNKNOWN, UUID(code)))
            except ValueError:
                continue
        # An IPN has no id of its own: the same bytes are the same message.
        return Message(hashlib.sha256(body).hexdigest(), kind[:100], reports)

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.close()

    async def _call(
        self, path: str, operation: str, before: str, *, extra: str, idap: str = "", after: str = ""
    ) -> Reply:
        stamp = str(int(time.time()))
        key = self._mac(f"{self._account.payer}{idap}{stamp}{extra}")
        signed = f"<timestamp>{stamp}</timestamp><key>{key}</key>"
        body = before + signed + after if operation != "ProcessPayments" else before + signed.replace("stamp", "Stamp")
        return await self._http.send(
            "POST",
            self._account.api_url + path,
            headers={"content-type": "text/xml; charset=utf-8", "soapaction": f'"{NAMESPACE}{operation}"'},
            body=_ENVELOPE.format(operation=operation, body=body).encode(),
        )

    def _mac(self, text: str) -> str:
        secret = self._account.master_key.get_secret_value().encode()
        return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def ref_code(item_id: UUID) -> str:
    """The item's id as a RefCode."""
    return item_id.hex


def _after_refusal(told: Report, message: str | None, *, is_repeated: bool) -> Report:
    """What a question told of a payment whose line was refused with the message; None: there was no line."""
    if told.told is not Told.REPEATABLE:
        return told
    if message is not None and told.code == UNKNOWN_CODE and not is_repeated:
        # The only call there was: it is not there, and the line says why.
        return Report(Told.FAILED, told.item_id, code="refused", message=message[:500])
    # An earlier call may be on its way still, or the question itself was refused.
    return Report(Told.UNKNOWN, told.item_id, code="refused", message=None if message is None else message[:500])


def _parsed(reply: Reply) -> Xml.Element | None:
    if not reply.is_ok:
        return None
    try:
        return Xml.fromstring(reply.body)  # noqa: S314 - of the provider, and expat bounds what entities expand to
    except Xml.ParseError:
        return None


def _is_ok(found: Xml.Element) -> bool:
    return _text(found, "errorCode") in ("OK", "0") or _text(found, "errorMessage") == "OK"


def _text(found: Xml.Element, name: str) -> str:
    element = next(found.iter(f"{{{NAMESPACE}}}{name}"), None)
    return "" if element is None or element.text is None else element.text.strip()


def _small(state: str) -> str:
    return "".join(sign for sign in state.lower() if sign.isalpha())


def _fee(text: str, currency: str) -> int | None:
    try:
        return to_minor(Decimal(text), currency) if text else None
    except (DomainError, InvalidOperation):
        return None
