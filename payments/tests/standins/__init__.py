"""Stand-ins for real gateways: processes of their own that speak HTTP as the gateways do, and keep their official contract.

For tests only. What we send is held against the gateway's published OpenAPI document (an unknown field is a fault), and so
is what a stand-in answers; `violations` tells. `python -m payments.tests.standins.stripe --port 8020` starts one by hand.
"""
