"""Vocabularies that many types share, as enums of the API. Loaded before any type that names one (`__init__.py`)."""

import strawberry

from app.analytics.query import Direction
from app.core import words
from app.core.context import Role
from app.core.outcomes import Outcome

strawberry.enum(Direction, description="Of an order.")
strawberry.enum(
    Outcome,
    description="What became of an item: RECORDED anew or changed, REPLAYED (known with the same content), REJECTED.",
)
strawberry.enum(Role, description="What a key is for.")

strawberry.enum(words.Platform, description="Where an influencer reaches people.")
strawberry.enum(words.InfluencerStatus, description="Only ACTIVE influencers are credited for new orders.")
strawberry.enum(words.CampaignStatus, description="Only ACTIVE campaigns credit new orders.")
strawberry.enum(words.EnrollmentStatus, description="Only ACTIVE enrollments earn by their own terms.")
strawberry.enum(words.OfferStatus, description="Whether a link or code may be used.")
strawberry.enum(words.InstanceKind, description="What a tracked interaction was.")
strawberry.enum(words.LineKind, description="What a line is. ITEM and DISCOUNT are revenue, the others are not.")
strawberry.enum(words.OrderEventKind, description="What happened to an order.")
strawberry.enum(words.RefundKind, description="Why money went back.")
strawberry.enum(
    words.RefundState, description="WAITING for its order, APPLIED to it, or REJECTED because it exceeds it."
)
strawberry.enum(words.TouchKind, description="By which means a touch reached the customer.")
strawberry.enum(words.AttributionModel, description="How the credit of an order is shared among its touches.")
strawberry.enum(words.CommissionKind, description="Why a commission row exists; REVERSAL rows are negative.")
strawberry.enum(words.CommissionState, description="Where a commission is on its way to the influencer.")
strawberry.enum(
    words.LedgerAccount, description="Account of the ledger. Debits are positive; what is owed is negative."
)
