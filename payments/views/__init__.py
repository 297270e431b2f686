"""What clients, payers and gateways call."""
