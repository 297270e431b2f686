"""The public reads. The hot ones are one SQL statement that gives JSON text, ready to send.

What is searched and shown comes from the published facts (no policy there: full-text, trigram and array indexes work);
everything about places left comes from the departures, as the serving role under its policies.
"""
