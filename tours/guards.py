"""What the database itself keeps of the limits that departures share, whoever writes and by whatever code.

`is_limited` on a departure says that more than its own places limits it. It is copied from the option when the departure is
made, under a lock on the option that `tours.services.limits.follow_limits` waits for, so that none can be forgotten.
"""

import pgtrigger

TAKES_LIMITS = pgtrigger.Trigger(
    name="takes_limits_of_option",
    operation=pgtrigger.Insert,
    when=pgtrigger.Before,
    func="""
    SELECT is_limited INTO NEW.is_limited FROM tours_touroption WHERE id = NEW.option_id FOR KEY SHARE;
    NEW.is_limited := COALESCE(NEW.is_limited, false);
    RETURN NEW;
""",
)

# Whoever takes places of a pool holds the lock of its days until the commit (`tours_lock_pools`), so the sum is the truth.
POOL_SUFFICES = pgtrigger.Trigger(
    name="pool_suffices",
    operation=pgtrigger.UpdateOf("seats_held", "seats_booked", "seats_allotted", "starts_at", "ends_at"),
    when=pgtrigger.After,
    condition=pgtrigger.Condition(
        "NEW.is_limited AND (NEW.seats_held + NEW.seats_booked + NEW.seats_allotted"
        " > OLD.seats_held + OLD.seats_booked + OLD.seats_allotted"
        " OR NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at)"
    ),
    func="""
    PERFORM tours_lock_pools(ARRAY[NEW.id]);
    IF tours_pool_left(NEW.id) < 0 THEN
        RAISE EXCEPTION 'tours: departure % takes more places than its pool has', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pool_never_oversold', TABLE = 'tours_departure';
    END IF;
    RETURN NULL;
""",
)

# The most that the departures of a pool take at one moment while `d` runs. The moments at which that can be highest: the start
# of the departure, and each start within it. `{taken}` sums over `x`.
_POOL_PEAK = """COALESCE((
        SELECT max(peak.load) FROM (
            SELECT (
                SELECT sum({taken})
                FROM tours_poolmember xm JOIN tours_departure x ON x.option_id = xm.option_id AND x.is_limited
                WHERE xm.pool_id = pool.id AND x.status <> 'CANCELLED'
                  AND x.starts_at <= moment.at AND x.ends_at > moment.at
            ) AS load
            FROM (
                SELECT d.starts_at AS at
                UNION
                SELECT y.starts_at
                FROM tours_poolmember ym JOIN tours_departure y ON y.option_id = ym.option_id AND y.is_limited
                WHERE ym.pool_id = pool.id AND y.status <> 'CANCELLED'
                  AND y.starts_at > d.starts_at AND y.starts_at < d.ends_at
            ) moment
        ) peak), 0)"""

POOL_LEFT = f"""
CREATE OR REPLACE FUNCTION tours_pool_left(wanted uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT min(pool.capacity - {_POOL_PEAK.format(taken="x.seats_held + x.seats_booked + x.seats_allotted")})::integer
    FROM tours_departure d
    JOIN tours_poolmember member ON member.option_id = d.option_id
    JOIN tours_pool pool ON pool.id = member.pool_id
    WHERE d.id = wanted
$$
"""

# What is sold and of how many places, where prices look at it: of the departure or of a pool that it shares, whichever is fuller.
# Places kept for partners are not sold.
FULLNESS = f"""
CREATE OR REPLACE FUNCTION tours_fullness(wanted uuid) RETURNS integer[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[each_one.sold, each_one.places] FROM (
        SELECT (d.seats_held + d.seats_booked)::integer AS sold, d.capacity::integer AS places
        FROM tours_departure d WHERE d.id = wanted
        UNION ALL
        SELECT {_POOL_PEAK.format(taken="x.seats_held + x.seats_booked")}::integer, pool.capacity::integer
        FROM tours_departure d
        JOIN tours_poolmember member ON member.option_id = d.option_id
        JOIN tours_pool pool ON pool.id = member.pool_id
        WHERE d.id = wanted
    ) each_one
    ORDER BY each_one.sold::numeric / GREATEST(each_one.places, 1) DESC, each_one.places LIMIT 1
$$
"""

# One lock for each pool and day (UTC), always in the same order. They end with the transaction.
LOCK_POOLS = """
CREATE OR REPLACE FUNCTION tours_lock_pools(wanted uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT member.pool_id, day::date AS day
        FROM tours_departure d
        JOIN tours_poolmember member ON member.option_id = d.option_id
        CROSS JOIN generate_series(
            (d.starts_at AT TIME ZONE 'UTC')::date, (d.ends_at AT TIME ZONE 'UTC')::date, interval '1 day'
        ) day
        WHERE d.id = ANY(wanted)
        ORDER BY 1, 2
    LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(found.pool_id::text || found.day::text, 0));
    END LOOP;
END
$$
"""

# Options made later share the needs of their tour; the lock on the tour is the one `follow_limits` waits with.
OPTION_TAKES_NEEDS = pgtrigger.Trigger(
    name="takes_needs_of_tour",
    operation=pgtrigger.Insert,
    when=pgtrigger.Before,
    func="""
    PERFORM FROM tours_tour WHERE id = NEW.tour_id FOR KEY SHARE;
    NEW.is_limited := NEW.is_limited OR EXISTS (
        SELECT FROM tours_resourceneed WHERE tour_id = NEW.tour_id AND option_id IS NULL AND on_shortage = 'STOP'
    );
    RETURN NEW;
""",
)

# Of equipment there are several: at no moment more are engaged than there are. The lock lets one look at a time.
EQUIPMENT_SUFFICES = pgtrigger.Trigger(
    name="equipment_suffices",
    operation=pgtrigger.Insert | pgtrigger.Update,
    when=pgtrigger.After,
    condition=pgtrigger.Condition("NOT NEW.is_whole AND NEW.state NOT IN ('DECLINED', 'RELEASED')"),
    declare=[("there_are", "INTEGER"), ("engaged", "INTEGER")],
    func="""
    SELECT quantity INTO there_are FROM tours_resource WHERE id = NEW.resource_id FOR NO KEY UPDATE;
    engaged := tours_most_engaged(NEW.resource_id, NEW.span);
    IF engaged > there_are THEN
        RAISE EXCEPTION 'tours: % of resource % are engaged at once, there are %', engaged, NEW.resource_id, there_are
            USING ERRCODE = 'check_violation', CONSTRAINT = 'equipment_never_overbooked', TABLE = 'tours_engagement';
    END IF;
    RETURN NULL;
""",
)

# A departure that moves takes along who was engaged for it, where they are free then; who is not is taken off.
ENGAGEMENTS_FOLLOW = pgtrigger.Trigger(
    name="engagements_follow",
    operation=pgtrigger.UpdateOf("starts_at", "ends_at", "status"),
    when=pgtrigger.After,
    condition=pgtrigger.Condition(
        "NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at"
        " OR (NEW.status = 'CANCELLED' AND OLD.status <> 'CANCELLED')"
    ),
    declare=[("found", "RECORD")],
    func="""
    IF NEW.status = 'CANCELLED' THEN
        UPDATE tours_engagement SET state = 'RELEASED' WHERE departure_id = NEW.id AND state <> 'DECLINED';
        RETURN NULL;
    END IF;
    FOR found IN
        SELECT e.id, r.minutes_before, r.minutes_after
        FROM tours_engagement e JOIN tours_resource r ON r.id = e.resource_id
        WHERE e.departure_id = NEW.id AND e.state NOT IN ('DECLINED', 'RELEASED') ORDER BY r.id
    LOOP
        BEGIN
            UPDATE tours_engagement SET span = tstzrange(
                NEW.starts_at - make_interval(mins => found.minutes_before),
                NEW.ends_at + make_interval(mins => found.minutes_after)
            ) WHERE id = found.id;
        EXCEPTION WHEN exclusion_violation OR check_violation THEN
            UPDATE tours_engagement SET state = 'RELEASED' WHERE id = found.id;
        END;
    END LOOP;
    RETURN NULL;
""",
)

MOST_ENGAGED = """
CREATE OR REPLACE FUNCTION tours_most_engaged(wanted uuid, within tstzrange) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT COALESCE(max((
        SELECT sum(x.quantity) FROM tours_engagement x
        WHERE x.resource_id = wanted AND x.state NOT IN ('DECLINED', 'RELEASED') AND x.span @> moment.at
    )), 0)::integer
    FROM (
        SELECT lower(within) AS at
        UNION
        SELECT lower(y.span) FROM tours_engagement y
        WHERE y.resource_id = wanted AND y.state NOT IN ('DECLINED', 'RELEASED') AND y.span && within
          AND lower(y.span) > lower(within)
    ) moment
$$
"""

# What suits a need, is in service and free from before the start of the departure until after its end, and did not decline.
FREE_RESOURCES = """
CREATE OR REPLACE FUNCTION tours_free_resources(wanted uuid, need uuid)
RETURNS TABLE (resource_id uuid, units integer, seats integer, span tstzrange) LANGUAGE sql STABLE AS $$
    SELECT r.id, r.quantity - tours_most_engaged(r.id, around.span), r.seats::integer, around.span
    FROM tours_departure d
    JOIN tours_resourceneed n ON n.id = $2
    JOIN tours_resource r ON r.tenant_id = d.tenant_id AND r.kind = n.kind AND r.is_active
    CROSS JOIN LATERAL (
        SELECT tstzrange(
            d.starts_at - make_interval(mins => r.minutes_before), d.ends_at + make_interval(mins => r.minutes_after)
        ) AS span
    ) around
    WHERE d.id = wanted
      AND (n.skill = '' OR n.skill = ANY(r.skills))
      AND (n.language = '' OR n.language = ANY(r.languages))
      AND (r.kind = 'EQUIPMENT' OR NOT EXISTS (
          SELECT FROM tours_engagement x
          WHERE x.resource_id = r.id AND x.state NOT IN ('DECLINED', 'RELEASED') AND x.span && around.span
      ))
      AND NOT EXISTS (
          SELECT FROM tours_engagement x
          WHERE x.resource_id = r.id AND x.departure_id = d.id AND x.state = 'DECLINED'
      )
$$
"""

# For how many more guests there are guides, vehicles, equipment; NULL where nothing that must be there is needed.
# `units` of a need: what is engaged for it and what is free.
RESOURCES_LEFT = """
CREATE OR REPLACE FUNCTION tours_resources_left(wanted uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT min(
        CASE
            WHEN need.kind = 'VEHICLE' THEN found.seats - d.taken
            WHEN need.per_guests IS NULL THEN CASE WHEN found.units >= need.count THEN NULL ELSE 0 END
            ELSE found.units / need.count * need.per_guests - d.taken
        END)::integer
    FROM (
        SELECT id, tour_id, option_id, seats_held + seats_booked + seats_allotted AS taken
        FROM tours_departure WHERE id = wanted
    ) d
    JOIN tours_resourceneed need ON need.tour_id = d.tour_id AND need.on_shortage = 'STOP'
      AND (need.option_id IS NULL OR need.option_id = d.option_id)
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(units), 0) AS units, COALESCE(sum(seats) FILTER (WHERE place <= need.count), 0) AS seats
        FROM (
            SELECT units, seats, row_number() OVER (ORDER BY is_engaged DESC, seats DESC NULLS LAST) AS place
            FROM (
                SELECT true AS is_engaged, e.quantity AS units, r.seats::integer AS seats
                FROM tours_engagement e JOIN tours_resource r ON r.id = e.resource_id
                WHERE e.departure_id = d.id AND e.need_id = need.id AND e.state NOT IN ('DECLINED', 'RELEASED')
                UNION ALL
                SELECT false, free.units, free.seats FROM tours_free_resources(d.id, need.id) free
            ) each_one
        ) ranked
    ) found
$$
"""

# The same for what several needs share: one guide who speaks Arabic and dives is one guide, whichever of two needs they meet.
# Of each set of needs together (`mask` has a bit for each), what suits any of them must be enough for all of them; by
# Hall's theorem nothing else can stand in the way. NULL where there are no two needs, or they do not get in each other's way.
RESOURCES_LEFT_TOGETHER = """
CREATE OR REPLACE FUNCTION tours_resources_left_together(wanted uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    WITH d AS (
        SELECT id, tour_id, option_id, capacity, seats_held + seats_booked + seats_allotted AS taken
        FROM tours_departure WHERE id = wanted
    ), needs AS MATERIALIZED (
        SELECT need.id, need.count, need.per_guests, 1 << (row_number() OVER (ORDER BY need.id) - 1)::integer AS bit
        FROM d JOIN tours_resourceneed need ON need.tour_id = d.tour_id AND need.on_shortage = 'STOP'
          AND (need.option_id IS NULL OR need.option_id = d.option_id)
        WHERE need.kind <> 'VEHICLE' ORDER BY need.id LIMIT 8
    ), free AS MATERIALIZED (
        SELECT needs.bit, f.resource_id, f.units
        FROM d, needs CROSS JOIN LATERAL tours_free_resources(wanted, needs.id) f
        WHERE (SELECT count(*) FROM needs) > 1
    ), engaged AS MATERIALIZED (
        SELECT needs.bit, sum(e.quantity) AS units
        FROM needs JOIN tours_engagement e ON e.need_id = needs.id
        WHERE e.departure_id = wanted AND e.state NOT IN ('DECLINED', 'RELEASED')
        GROUP BY needs.bit
    ), sets AS (
        SELECT mask,
            COALESCE((SELECT sum(units) FROM engaged WHERE engaged.bit & mask > 0), 0)
            + COALESCE((SELECT sum(units) FROM (
                SELECT max(units) AS units FROM free WHERE free.bit & mask > 0 GROUP BY resource_id
            ) each_one), 0) AS units,
            (SELECT sum(count) FROM needs WHERE needs.bit & mask > 0 AND per_guests IS NULL) AS always,
            (SELECT bool_or(per_guests IS NOT NULL) FROM needs WHERE needs.bit & mask > 0) AS by_guests
        FROM generate_series(1, (1 << (SELECT count(*) FROM needs)::integer) - 1) AS mask
        WHERE mask & (mask - 1) > 0
    )
    SELECT min(
        CASE
            WHEN NOT sets.by_guests THEN CASE WHEN sets.units >= sets.always THEN NULL ELSE 0 END
            ELSE COALESCE((
                SELECT max(guests) FROM d, generate_series(0, d.capacity) AS guests
                WHERE COALESCE(sets.always, 0) + (
                    SELECT sum((guests + per_guests - 1) / per_guests * count)
                    FROM needs WHERE needs.bit & sets.mask > 0 AND per_guests IS NOT NULL
                ) <= sets.units
            ), 0) - (SELECT taken FROM d)
        END)::integer
    FROM sets
$$
"""

# Places that can still be sold to anybody: of the departure's own, and of what it shares. May be below zero.
PLACES_LEFT = """
CREATE OR REPLACE FUNCTION tours_places_left(wanted uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT LEAST(
        d.capacity - d.seats_held - d.seats_booked - d.seats_allotted, tours_pool_left(d.id), tours_resources_left(d.id),
        tours_resources_left_together(d.id)
    )
    FROM tours_departure d WHERE d.id = wanted
$$
"""


def places_left_sql(row: str) -> str:
    """SQL for the places that can still be sold on `row`, a row of `tours_departure`. One place for everybody who asks."""
    return (
        f"(CASE WHEN {row}.is_limited THEN tours_places_left({row}.id)"
        f" ELSE {row}.capacity - {row}.seats_held - {row}.seats_booked - {row}.seats_allotted END)"
    )


def fullness_sql(row: str) -> str:
    """SQL for `[sold, places]` of `row`, a row of `tours_departure`, as occupancy prices look at it."""
    return (
        f"(CASE WHEN {row}.is_limited THEN tours_fullness({row}.id)"
        f" ELSE ARRAY[{row}.seats_held + {row}.seats_booked, {row}.capacity] END)"
    )
