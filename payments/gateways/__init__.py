"""Gateways: one interface, one adapter each. Nothing here touches the database."""
