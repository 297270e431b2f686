"""What the demo's guests say of their trips: a few sentences each, in the language of their booking."""

from datetime import datetime, timedelta
from random import Random

from django.db import connection
from django.db.models import Prefetch

from bookings.models import Booking, BookingItem, BookingStatus, Review, ReviewStatus
from bookings.services.reviews import name_shown
from payments.demo.bulk import insert

AT_ONCE = 2000
SHARE = 0.4  # of those who travelled write a review
STARS, WEIGHTS = (5, 4, 3, 2, 1), (55, 28, 10, 4, 3)

# By stars: titles and sentences, English and Arabic. Written for nobody in particular.
GOOD = [
    ("Worth every minute", "تستحق كل دقيقة"),
    ("We would go again", "نكررها بكل سرور"),
    ("Well organised", "تنظيم ممتاز"),
    ("The best day of our trip", "أجمل يوم في رحلتنا"),
]
FAIR = [("As expected", "كما توقعنا"), ("Nice, with small faults", "جميلة مع بعض الملاحظات")]
POOR = [("Not what we hoped for", "لم تكن كما أملنا"), ("Could be better", "يمكن أن تكون أفضل")]
GOOD_WORDS = [
    ("Our guide knew every stone and never hurried us.", "كان المرشد يعرف كل حجر ولم يستعجلنا أبدًا."),
    ("Everything began on time and the driver was kind.", "بدأ كل شيء في موعده وكان السائق لطيفًا."),
    ("The children loved it, and so did their grandmother.", "أحبها الأطفال وأحبتها جدتهم أيضًا."),
    ("The view at the end alone was worth the price.", "المنظر في نهاية الرحلة وحده يستحق الثمن."),
    ("A small group, so there was time for questions.", "مجموعة صغيرة، فكان هناك وقت للأسئلة."),
    ("Tea and dates on the way were a lovely surprise.", "كان الشاي والتمر في الطريق مفاجأة جميلة."),
]
FAIR_WORDS = [
    ("The places are beautiful, but it was crowded at noon.", "الأماكن جميلة لكنها كانت مزدحمة وقت الظهر."),
    ("Good value, though the bus had to wait for others.", "سعر جيد، لكن الحافلة انتظرت آخرين."),
    ("Bring water: there was less shade than we thought.", "أحضروا الماء: كان الظل أقل مما ظننا."),
]
POOR_WORDS = [
    ("We waited half an hour at the meeting point.", "انتظرنا نصف ساعة عند نقطة اللقاء."),
    ("The explanation was short and hard to hear.", "كان الشرح قصيرًا ويصعب سماعه."),
    ("Lunch was cold, and nobody could change that.", "كان الغداء باردًا ولم يستطع أحد تغيير ذلك."),
]
REPLIES = [
    ("Thank you for your kind words. We hope to see you again!", "شكرًا لكلماتكم الطيبة. نأمل أن نراكم مجددًا!"),
    ("Thank you for telling us. We have spoken with our team.", "شكرًا لإخبارنا. لقد تحدثنا مع فريقنا."),
]


def add_reviews(*, staff: object, present: datetime, seed: str) -> int:
    """Reviews of the trips that are over, and what they make of the tours' ratings. Safe to repeat."""
    items = BookingItem.objects.select_related("departure")
    over = Booking.objects.filter(status=BookingStatus.COMPLETED, review=None).order_by("pk")
    made = 0
    ids = list(over.values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        some = over.filter(pk__in=ids[start : start + AT_ONCE]).prefetch_related(Prefetch("items", items))
        made += insert(
            row for booking in some if (row := _review(booking, staff, present, Random(f"{seed}:{booking.pk}")))
        )
    _rate_tours()
    return made


def _review(booking: Booking, staff: object, present: datetime, chance: Random) -> Review | None:
    written = booking.ends_at + timedelta(hours=chance.uniform(5, 120))
    if chance.random() > SHARE or written >= present:
        return None
    rating = chance.choices(STARS, WEIGHTS)[0]
    place = 1 if booking.language == "ar" else 0
    titles, words = {5: (GOOD, GOOD_WORDS), 4: (GOOD, GOOD_WORDS), 3: (FAIR, FAIR_WORDS)}.get(
        rating, (POOR, POOR_WORDS)
    )
    sentences = [pair[place] for pair in chance.sample(words, chance.randint(1, min(3, len(words))))]
    is_new = present - written < timedelta(days=2)
    status = ReviewStatus.PENDING if is_new else ReviewStatus.APPROVED
    review = Review(
        booking=booking,
        tour_id=booking.trip.tour_id,
        author_id=booking.customer_id,
        author_name=name_shown(booking.contact_name),
        travelled_on=booking.trip.local_date,
        rating=rating,
        title=chance.choice(titles)[place] if chance.random() < 0.7 else "",
        text=" ".join(sentences),
        language=booking.language,
        status=status,
        created_at=written,
    )
    if not is_new:
        review.moderated_by, review.moderated_at = staff, written + timedelta(hours=8)  # type: ignore[assignment]
        if rating <= 3 or chance.random() < 0.2:
            review.reply = REPLIES[0 if rating > 3 else 1][place]
            review.replied_by, review.replied_at = staff, review.moderated_at + timedelta(minutes=10)  # type: ignore[assignment, operator]
    return review


def _rate_tours() -> None:
    """What `rate_tour` writes, for all tours at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tours_tour t SET rating_average = r.average, rating_count = r.number FROM (SELECT tour_id,"
            " round(avg(rating), 2) AS average, count(*) AS number FROM bookings_review WHERE status = 'APPROVED'"
            " GROUP BY tour_id) r WHERE t.id = r.tour_id"
        )
