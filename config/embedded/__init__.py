"""The embedded stack: PostgreSQL, Valkey and Rihla's own processes under one parent. Standard library only."""
