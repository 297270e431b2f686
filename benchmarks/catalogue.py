"""Ten thousand tours and a million departures, copied from the demo data by the owner of the tables."""

import time

from benchmarks.figures import say, tell
from benchmarks.stack import Stack

# Each copy says by itself what it is: other words in its title, another place, price, length and age than its pattern.
ADJECTIVES = ["quiet", "golden", "private", "hidden", "royal", "slow", "early", "coastal", "ancient", "blue"]
NOUNS = ["sunrise", "caravan", "lagoon", "market", "canyon", "reef", "oasis", "harbour", "temple", "garden"]
ARABIC = ["هادئة", "ذهبية", "خاصة", "خفية", "ملكية", "بطيئة", "مبكرة", "ساحلية", "قديمة", "زرقاء"]

COPY_TOURS = """
WITH patterns AS (
    SELECT row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number, t.*
    FROM tours_tour t WHERE t.tenant_id = %(tenant)s AND t.status = 'ACTIVE' AND t.deleted_at IS NULL
), places AS (
    SELECT row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number, id
    FROM tours_destination WHERE tenant_id = %(tenant)s
), kinds AS (
    SELECT row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number, id
    FROM tours_category WHERE tenant_id = %(tenant)s
)
INSERT INTO tours_tour
SELECT made.*
FROM generate_series(1, %(number)s) n
JOIN patterns p ON p.place = n %% p.number JOIN tours_tour original ON original.id = p.id
JOIN places ON places.place = n * 13 %% places.number
JOIN kinds ON kinds.place = n * 17 %% kinds.number,
LATERAL json_populate_record(original, json_build_object(
    'id', md5(n || 'tour')::uuid,
    'slug', 'copy-' || n,
    'title_en', initcap((%(adjectives)s::text[])[1 + n %% 10] || ' ' || (%(nouns)s::text[])[1 + n / 10 %% 10]) || ' '
        || left(original.title_en, 150) || ' ' || n,
    'title_ar', left(original.title_ar, 150) || ' ' || (%(arabic)s::text[])[1 + n %% 10] || ' ' || n,
    'destination_id', places.id,
    'category_id', kinds.id,
    'difficulty', (ARRAY['easy', 'moderate', 'challenging', 'extreme'])[1 + n / 3 %% 4],
    'tags', ARRAY['tag-' || n %% 7, 'tag-' || (7 + n %% 11), 'rare-' || n %% 97],
    'duration_minutes', (ARRAY[90, 180, 300, 600, 2880, 5760, 11520])[1 + n / 7 %% 7],
    'min_guests', 1,
    'max_guests', 4 + n %% 12,
    'is_featured', n %% 40 = 0,
    'display_order', n * 7919 %% 10007,
    'rating_average', round(3 + (n * 31 %% 200) / 100.0, 2),
    'popularity', n * 37 %% 501,
    'created_at', now() - n * interval '20 minutes')) made
"""
# One option with its price list for each copy: that of its pattern which comes first.
COPY_OPTIONS = """
WITH patterns AS (
    SELECT row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number, t.id
    FROM tours_tour t WHERE t.tenant_id = %(tenant)s AND t.status = 'ACTIVE' AND t.deleted_at IS NULL AND slug NOT LIKE 'copy-%%'
), options AS (
    SELECT DISTINCT ON (tour_id) id, tour_id FROM tours_touroption ORDER BY tour_id, display_order, id
), made AS (
    INSERT INTO tours_touroption
    SELECT made.*
    FROM generate_series(1, %(number)s) n
    JOIN patterns p ON p.place = n %% p.number
    JOIN options o ON o.tour_id = p.id JOIN tours_touroption original ON original.id = o.id,
    LATERAL json_populate_record(original, json_build_object(
        'id', md5(n || 'option')::uuid, 'tour_id', md5(n || 'tour')::uuid, 'code', 'standard')) made
)
INSERT INTO tours_optionprice
SELECT made.*
FROM generate_series(1, %(number)s) n
JOIN patterns p ON p.place = n %% p.number
JOIN options o ON o.tour_id = p.id JOIN tours_optionprice price ON price.option_id = o.id,
LATERAL json_populate_record(price, json_build_object(
    'id', md5(n || 'price' || price.id)::uuid, 'option_id', md5(n || 'option')::uuid,
    'amount', ceil(price.amount * (50 + n * 29 %% 200) / 100),
    'original_amount', CASE WHEN n %% 9 = 0 AND price.amount > 0 THEN ceil(price.amount * 4) END)) made
"""
# Every second day for each tour, morning or noon; one in five is sold out, one in thirty closed.
COPY_DEPARTURES = """
INSERT INTO tours_departure
SELECT made.*
FROM generate_series(%(first)s::int, %(last)s::int) n, generate_series(0, %(days)s - 1) day,
    LATERAL (SELECT (n::bigint * 7907 + day * 104729) %% 1009 AS hash,
        date_trunc('day', now()) + (1 + 2 * day + n %% 2) * interval '1 day' + (7 + n %% 5) * interval '1 hour' AS begins) start,
    tours_departure original,
    LATERAL json_populate_record(original, json_build_object(
    'id', md5(n || 'departure' || day)::uuid, 'tour_id', md5(n || 'tour')::uuid, 'option_id', md5(n || 'option')::uuid,
    'rule_id', NULL, 'starts_at', begins, 'ends_at', begins + interval '3 hours', 'cutoff_at', begins - interval '12 hours',
    'local_date', begins::date, 'capacity', 16, 'seats_held', 0,
    'seats_booked', CASE WHEN hash %% 5 = 0 THEN 16 ELSE hash %% 12 END,
    'status', CASE WHEN hash %% 30 = 7 THEN 'CLOSED' ELSE 'OPEN' END)) made
WHERE original.id = (SELECT id FROM tours_departure WHERE tenant_id = %(tenant)s ORDER BY id LIMIT 1)
"""


def make_catalogue(stack: Stack, *, tours: int, departures: int) -> None:
    """Add so many tours and departures to the operator of the demo data, and publish them."""
    began = time.monotonic()
    with stack.owner() as owner:
        tenant = owner.execute("SELECT id FROM accounts_tenant WHERE slug = 'default'").fetchall()[0][0]
        values = {
            "tenant": tenant, "number": tours, "adjectives": ADJECTIVES, "nouns": NOUNS, "arabic": ARABIC,
            "days": max(1, departures // tours),
        }  # fmt: skip
        owner.execute(COPY_TOURS, values)
        owner.execute(COPY_OPTIONS, values)
        for first in range(1, tours + 1, 1000):
            owner.execute(COPY_DEPARTURES, values | {"first": first, "last": min(first + 999, tours)})
        say(f"rows made in {time.monotonic() - began:.0f} s; publishing")
        stack.manage("rebuild_catalogue")
        owner.execute("VACUUM ANALYZE")
        counted = owner.execute(
            "SELECT (SELECT count(*) FROM tours_publishedtour WHERE tenant_id = %(tenant)s),"
            " (SELECT count(*) FROM tours_departure WHERE tenant_id = %(tenant)s)",
            {"tenant": tenant},
        ).fetchall()[0]
    tell(what="catalogue", tours=counted[0], departures=counted[1], made_in_s=round(time.monotonic() - began))
