"""Whether a departure can be booked: the one condition by which the public reads find departures.

Whoever makes another thing limit what can be sold (places shared by several departures, days on which sale has not begun)
adds it here; `bookings` refuses by the same rule when it takes the seats.
"""

from tours.guards import places_left_sql

# SQL over a departure `d`; `{seats}` is SQL too: how many places there must be for one party.
CAN_BE_BOOKED = f"""d.status = 'OPEN' AND d.cutoff_at > now() AND d.starts_at > now() - interval '1 day'
      AND (d.opens_at IS NULL OR d.opens_at <= now())
      AND {places_left_sql("d")} >= {{seats}}"""

# SQL over a published tour `p`: somebody can really go in these days, so many together. Tours of the first days are looked up
# once. `IS TRUE` keeps PostgreSQL from joining them: the plan of a prepared statement, which does not know the days, made a join
# that took seconds. Where more days are asked for, the others are looked at one by one, after all other filters, by one index.
IN_FIRST_DAYS = f"""(p.tour_id IN (
    SELECT d.tour_id FROM tours_departure d
    WHERE d.tenant_id = %(tenant)s::uuid AND {CAN_BE_BOOKED.format(seats="%(seats)s::int")}
      AND d.local_date BETWEEN %(date_from)s::date AND %(soon)s::date)) IS TRUE"""
IN_LATER_DAYS = f"""(
    SELECT TRUE FROM tours_departure d
    WHERE d.tenant_id = p.tenant_id AND d.tour_id = p.tour_id
      AND {CAN_BE_BOOKED.format(seats="%(seats)s::int")}
      AND d.local_date BETWEEN %(soon)s::date AND %(date_to)s::date LIMIT 1)"""
IN_THESE_DAYS = f"({IN_FIRST_DAYS} OR {IN_LATER_DAYS})"
FIRST_DAYS = 3  # most tours that run at all run in these

# Likewise: somebody can go at some time.
AT_ALL = f"""(
    SELECT TRUE FROM tours_departure d
    WHERE d.tenant_id = p.tenant_id AND d.tour_id = p.tour_id AND {CAN_BE_BOOKED.format(seats="1")} LIMIT 1)"""
