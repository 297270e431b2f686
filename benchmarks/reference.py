"""What the hot calls are compared with: a minimal FastAPI and SQLAlchemy service (async, asyncpg) on the same tables.

It checks a stateless token, validates by pydantic, does the same conditional update and insert or the same reads, and nothing
else: no tenants, policies, limits, idempotency, history, outbox, price rules, languages or tags. It connects as the owner of
the tables, whom no policy holds.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, Numeric, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload
from sqlalchemy.types import Date, SmallInteger, String

SECRET = os.environ["SECRET_KEY"]
HOLD_FOR = timedelta(hours=2)


def address() -> str:
    """The owner's address as SQLAlchemy writes it."""
    parts = urlsplit(os.environ["DATABASE_OWNER_URL"])
    role, _at, host = parts.netloc.rpartition("@")
    return f"postgresql+asyncpg://{role}@/{parts.path.lstrip('/')}?host={unquote(host)}"


engine = create_async_engine(address(), pool_size=8, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()
bearer = HTTPBearer()
Moment = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]
Amount = Annotated[Decimal, mapped_column(Numeric)]


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as open_session:
        yield open_session


def user_id(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> UUID:
    try:
        return UUID(jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])["user_id"])
    except (jwt.InvalidTokenError, KeyError, ValueError) as fault:
        raise HTTPException(401) from fault


Session = Annotated[AsyncSession, Depends(session)]
UserId = Annotated[UUID, Depends(user_id)]


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSONB, list[str]: ARRAY(String)}


class Destination(Base):
    __tablename__ = "tours_destination"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    country: Mapped[str]
    city_en: Mapped[str]
    region_en: Mapped[str]
    time_zone: Mapped[str]


class Category(Base):
    __tablename__ = "tours_category"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name_en: Mapped[str]


class Tour(Base):
    __tablename__ = "tours_tour"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    slug: Mapped[str]
    kind: Mapped[str]
    title_en: Mapped[str]
    summary_en: Mapped[str]
    description_en: Mapped[str]
    difficulty: Mapped[str]
    duration_minutes: Mapped[int]
    nights: Mapped[int]
    min_guests: Mapped[int]
    max_guests: Mapped[int]
    rating_average: Mapped[Amount]
    rating_count: Mapped[int]
    tags: Mapped[list[str]]
    is_featured: Mapped[bool]
    status: Mapped[str]
    display_order: Mapped[int]
    currency_id: Mapped[str]
    created_at: Mapped[Moment]
    destination_id: Mapped[UUID] = mapped_column(ForeignKey("tours_destination.id"))
    category_id: Mapped[UUID] = mapped_column(ForeignKey("tours_category.id"))
    destination: Mapped[Destination] = relationship()
    category: Mapped[Category] = relationship()
    options: Mapped[list["Option"]] = relationship()


class Option(Base):
    __tablename__ = "tours_touroption"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    tour_id: Mapped[UUID] = mapped_column(ForeignKey("tours_tour.id"))
    code: Mapped[str]
    name_en: Mapped[str]
    capacity: Mapped[int]
    is_default: Mapped[bool]
    prices: Mapped[list["Price"]] = relationship()


class PriceCategory(Base):
    __tablename__ = "tours_pricecategory"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name_en: Mapped[str]


class Price(Base):
    __tablename__ = "tours_optionprice"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    option_id: Mapped[UUID] = mapped_column(ForeignKey("tours_touroption.id"))
    category_id: Mapped[UUID] = mapped_column(ForeignKey("tours_pricecategory.id"))
    amount: Mapped[Amount]
    category: Mapped[PriceCategory] = relationship()


class Departure(Base):
    __tablename__ = "tours_departure"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    tour_id: Mapped[UUID]
    option_id: Mapped[UUID]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    cutoff_at: Mapped[Moment]
    local_date: Mapped[date] = mapped_column(Date)
    capacity: Mapped[int]
    seats_held: Mapped[int]
    seats_booked: Mapped[int]
    status: Mapped[str]


class Hold(Base):
    __tablename__ = "bookings_hold"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID]
    departure_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    token_hash: Mapped[str] = mapped_column(default="")
    seats: Mapped[int] = mapped_column(SmallInteger)
    quote: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="ACTIVE")
    extensions: Mapped[int] = mapped_column(SmallInteger, default=0)
    created_at: Mapped[Moment] = mapped_column(default=lambda: datetime.now(UTC))
    expires_at: Mapped[Moment]


class Booking(Base):
    __tablename__ = "bookings_booking"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID]
    kind_id: Mapped[UUID]
    reference: Mapped[str]
    customer_id: Mapped[UUID]
    created_by_id: Mapped[UUID]
    contact_name: Mapped[str]
    contact_email: Mapped[str]
    contact_phone: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    emergency_name: Mapped[str] = mapped_column(default="")
    emergency_phone: Mapped[str] = mapped_column(default="")
    special_requests: Mapped[str] = mapped_column(default="")
    dietary_needs: Mapped[str] = mapped_column(default="")
    accessibility_needs: Mapped[str] = mapped_column(default="")
    pickup: Mapped[str] = mapped_column(default="")
    flight_number: Mapped[str] = mapped_column(default="")
    referral_code: Mapped[str] = mapped_column(default="")
    staff_note: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="PENDING_PAYMENT")
    payment_status: Mapped[str] = mapped_column(default="UNPAID")
    currency: Mapped[str]
    total: Mapped[Amount]
    amount_paid: Mapped[Amount] = mapped_column(default=0)
    amount_refunded: Mapped[Amount] = mapped_column(default=0)
    amount_earned: Mapped[Amount] = mapped_column(default=0)
    quote: Mapped[dict[str, Any]]
    policy: Mapped[dict[str, Any]]
    guests: Mapped[int] = mapped_column(SmallInteger)
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    created_at: Mapped[Moment] = mapped_column(default=lambda: datetime.now(UTC))
    cancel_reason: Mapped[str] = mapped_column(default="")


# --- What goes in and out ---------------------------------------------------------------------------------------------


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DestinationOut(Out):
    id: UUID
    slug: str
    country: str
    city_en: str
    region_en: str


class CategoryOut(Out):
    code: str
    name_en: str


class CardOut(Out):
    id: UUID
    slug: str
    kind: str
    title_en: str
    summary_en: str
    difficulty: str
    duration_minutes: int
    nights: int
    min_guests: int
    max_guests: int
    rating_average: float
    rating_count: int
    tags: list[str]
    is_featured: bool
    currency_id: str
    created_at: datetime
    destination: DestinationOut
    category: CategoryOut


class PageOut(BaseModel):
    items: list[CardOut]
    total: int
    page: int
    size: int


class PriceOut(Out):
    category: CategoryOut
    amount: Decimal


class OptionOut(Out):
    id: UUID
    code: str
    name_en: str
    capacity: int
    is_default: bool
    prices: list[PriceOut]


class TourOut(CardOut):
    description_en: str
    options: list[OptionOut]


class DepartureOut(Out):
    id: UUID
    starts_at: datetime
    ends_at: datetime
    local_date: date
    capacity: int
    seats_held: int
    seats_booked: int
    status: str


class DeparturesOut(BaseModel):
    items: list[DepartureOut]
    total: int


class HoldIn(BaseModel):
    departure_id: UUID
    guests: dict[str, Annotated[int, Field(ge=0, le=500)]]


class HoldOut(Out):
    id: UUID
    status: str
    seats: int
    expires_at: datetime


class TravellerIn(BaseModel):
    category: str = "adult"
    first_name: Annotated[str, Field(max_length=60)]
    last_name: Annotated[str, Field(max_length=60)]


class ContactIn(BaseModel):
    name: Annotated[str, Field(max_length=120)]
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    phone: str = ""


class BookingIn(BaseModel):
    hold_id: UUID
    contact: ContactIn
    travellers: list[TravellerIn] = []


class BookingOut(Out):
    id: UUID
    reference: str
    status: str
    total: Decimal
    currency: str
    expires_at: datetime


# --- Calls ------------------------------------------------------------------------------------------------------------


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/v1/holds", status_code=201, response_model=HoldOut)
async def hold(asked: HoldIn, caller: UserId, db: Session) -> Hold:
    seats = sum(asked.guests.values())
    taken = (
        update(Departure)
        .where(
            Departure.id == asked.departure_id,
            Departure.status == "OPEN",
            Departure.cutoff_at > func.now(),
            Departure.seats_held + Departure.seats_booked + seats <= Departure.capacity,
        )
        .values(seats_held=Departure.seats_held + seats)
        .returning(Departure.tenant_id)
        .execution_options(synchronize_session=False)
    )
    tenant = await db.scalar(taken)
    if tenant is None:
        raise HTTPException(409)
    made = Hold(
        tenant_id=tenant,
        departure_id=asked.departure_id,
        customer_id=caller,
        seats=seats,
        quote={},
        expires_at=datetime.now(UTC) + HOLD_FOR,
    )
    db.add(made)
    await db.commit()
    return made


@app.post("/api/v1/bookings", status_code=201, response_model=BookingOut)
async def book(asked: BookingIn, caller: UserId, db: Session) -> Booking:
    converted = (
        update(Hold)
        .where(
            Hold.id == asked.hold_id,
            Hold.customer_id == caller,
            Hold.status == "ACTIVE",
            Hold.expires_at > func.now(),
        )
        .values(status="CONVERTED")
        .returning(Hold.tenant_id, Hold.quote, Hold.expires_at)
        .execution_options(synchronize_session=False)
    )
    row = (await db.execute(converted)).first()
    if row is None:
        raise HTTPException(409)
    tenant, quote, expires_at = row
    made = Booking(
        tenant_id=tenant,
        kind_id=UUID(quote["kind_id"]),
        reference=uuid4().hex[:12],
        customer_id=caller,
        created_by_id=caller,
        contact_name=asked.contact.name,
        contact_email=asked.contact.email,
        contact_phone=asked.contact.phone,
        currency=quote["currency"],
        total=Decimal(quote["total"]),
        quote=quote,
        policy={},
        guests=sum(quote["guests"].values()),
        starts_at=datetime.fromisoformat(quote["starts_at"]),
        ends_at=datetime.fromisoformat(quote["ends_at"]),
        expires_at=expires_at,
    )
    db.add(made)
    await db.commit()
    return made


@app.get("/api/v1/tours", response_model=PageOut)
async def tours(
    caller: UserId,
    db: Session,
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict[str, Any]:
    total = await db.scalar(select(func.count()).select_from(Tour).where(Tour.status == "ACTIVE"))
    wanted = (
        select(Tour)
        .where(Tour.status == "ACTIVE")
        .options(joinedload(Tour.destination), joinedload(Tour.category))
        .order_by(Tour.display_order, Tour.id)
        .limit(size)
        .offset((page - 1) * size)
    )
    return {"items": (await db.scalars(wanted)).all(), "total": total, "page": page, "size": size}


@app.get("/api/v1/tours/{tour_id}", response_model=TourOut)
async def tour(tour_id: UUID, caller: UserId, db: Session) -> Tour:
    wanted = (
        select(Tour)
        .where(Tour.id == tour_id, Tour.status == "ACTIVE")
        .options(
            joinedload(Tour.destination),
            joinedload(Tour.category),
            selectinload(Tour.options).selectinload(Option.prices).joinedload(Price.category),
        )
    )
    found = await db.scalar(wanted)
    if found is None:
        raise HTTPException(404)
    return found


@app.get("/api/v1/tours/{tour_id}/availability", response_model=DeparturesOut)
async def availability(tour_id: UUID, caller: UserId, db: Session) -> dict[str, Any]:
    first = datetime.now(UTC).date()
    wanted = (
        select(Departure)
        .where(Departure.tour_id == tour_id, Departure.local_date.between(first, first + timedelta(days=29)))
        .order_by(Departure.starts_at)
    )
    items = (await db.scalars(wanted)).all()
    return {"items": items, "total": len(items)}
