"""What every gateway must do, stated once and run against each: the sandbox, Stripe and PayPal.

`drivers.py` speaks to each stand-in in the same words, `test_*.py` holds the scenarios. What a gateway cannot express is named
in its driver's `CANNOT`, with the reason, and shows as skipped with it.
"""
