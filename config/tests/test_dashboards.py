"""Alert rules and the dashboard name only numbers, and labels of them, that `/metrics` gives."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.test import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from bookings.tests.factories import BookingFactory
from config import metrics
from payments.tests.steps import paid

ROOT = Path(__file__).resolve().parents[2]
KNOWN_TO_PROMETHEUS = {"up": {"job"}}


def alert_rules() -> list[dict]:
    groups = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict]:
    board = json.loads((ROOT / "deploy/grafana/rihla.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*(rule["expr"] for rule in alert_rules()), *shown]


def given() -> dict[str, set[str]]:
    """The name of every sample that there can be, with its labels."""
    found = dict(KNOWN_TO_PROMETHEUS)
    for value in vars(metrics).values():
        if type(value).__module__ != "prometheus_client.metrics" or isinstance(value, type):
            continue
        labels = set(value._labelnames)
        match value._type:
            case "counter":
                found[f"{value._name}_total"] = labels
            case "histogram":
                found |= {f"{value._name}_{end}": labels for end in ("sum", "count")}
                found[f"{value._name}_bucket"] = labels | {"le"}
            case _:
                found[value._name] = labels
    return found


def sampled() -> dict[str, set[str]]:
    families = text_string_to_metric_families(metrics.everything().decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\brihla_[a-z_]+\b", expression))


@pytest.mark.django_db
def test_every_number_that_is_asked_for_is_given(tenant, django_capture_on_commit_callbacks):
    Client().get("/api/v1/tours")
    with django_capture_on_commit_callbacks(execute=True):
        paid(BookingFactory())
    counted, read = given(), sampled()
    for name, labels in read.items():
        if name in counted:
            assert labels == counted[name], name
    asked = {name for expression in expressions() for name in names_in(expression)}
    gauges = {name for names in metrics._looks.values() for name in names}
    assert len(asked) > 25
    assert asked - set(counted) - gauges == set()
    # What has been counted since the start is really there, under the very name.
    for name in ("rihla_requests_total", "rihla_request_seconds_bucket", "rihla_payments_total", "rihla_part_up"):
        assert name in read
    assert set(REGISTRY._names_to_collectors) >= set(counted) - set(KNOWN_TO_PROMETHEUS)


@pytest.mark.django_db
@pytest.mark.parametrize("expression", expressions())
def test_labels_that_are_asked_for_are_given(tenant, expression):
    labels = {"tenant", "kind", "part"}  # of the gauges
    for name in names_in(expression):
        labels |= given().get(name, set())
    grouped = {label.strip() for names in re.findall(r"by \(([^)]*)\)", expression) for label in names.split(",")}
    chosen = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!=|!~|=)", expression))
    assert grouped | chosen <= labels | {"job"}


def test_every_alert_says_how_urgent_and_what():
    rules = alert_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules) > 15
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "look"}, rule
        assert rule["annotations"]["summary"].endswith(".") or "{{" in rule["annotations"]["summary"]


def test_panels_do_not_lie_on_each_other():
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert place["x"] + place["w"] <= 24
