"""A gateway's published OpenAPI document as judge over requests and answers."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft4Validator

FOLDER = Path(__file__).parent / "openapi"


class Contract:
    """`faults_of_request` and `faults_of_answer` return sentences; none means that the contract is kept."""

    def __init__(self, file: str) -> None:
        self.document = _with_null(json.loads((FOLDER / file).read_text()))
        self.components = self.document["components"]
        self.routes = [
            (method.upper(), re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), operation)
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
            if isinstance(operation, dict)
        ]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        return next((found for verb, pattern, found in self.routes if verb == method and pattern.fullmatch(path)), None)

    def body_schema(self, operation: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The content type and schema of what is sent; empty where nothing is."""
        content = self.resolved(operation.get("requestBody", {})).get("content", {})
        return next(((kind, told["schema"]) for kind, told in content.items()), ("", {}))

    def faults_of_request(self, operation: dict[str, Any], body: Any, query: dict[str, Any]) -> list[str]:
        kind, schema = self.body_schema(operation)
        faults = self.faults(schema, body, strict=True) if kind else ["a body where none belongs"] if body else []
        known = {self.resolved(each)["name"]: each for each in operation.get("parameters", [])}
        for name, value in query.items():
            if name not in known:
                faults.append(f"query: {name} is unknown")
            else:
                faults += self.faults(self.resolved(known[name]).get("schema", {}), value, strict=True)
        return faults

    def faults_of_answer(self, operation: dict[str, Any], status: int, body: Any) -> list[str]:
        answers = operation["responses"]
        answer = self.resolved(answers.get(str(status)) or answers.get("default") or {})
        schema = next((told["schema"] for told in answer.get("content", {}).values()), {})
        return self.faults(schema, body, strict=False)

    def faults(self, schema: dict[str, Any], value: Any, *, strict: bool) -> list[str]:
        found = [
            f"{'/'.join(map(str, fault.absolute_path))}: {fault.message[:300]}"
            for fault in self._validator(json.dumps(schema)).iter_errors(value)
        ]
        return found + (list(self._unknown([schema], value, "")) if strict else [])

    @lru_cache(maxsize=200)  # noqa: B019 - one contract lives as long as its process
    def _validator(self, schema: str) -> Draft4Validator:
        return Draft4Validator({"allOf": [json.loads(schema)], "components": self.components})

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            place: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                place = place[step]
            schema = place
        return schema

    def parts(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """The schema and all that it is composed of."""
        schema = self.resolved(schema)
        nested = [part for name in ("allOf", "anyOf", "oneOf") for part in schema.get(name, [])]
        return [schema, *(deeper for part in nested for deeper in self.parts(part))]

    def _unknown(self, schemas: list[dict[str, Any]], value: Any, where: str) -> Any:
        """Fields that no part of the schema names: the published documents allow them, we do not."""
        parts = [part for schema in schemas for part in self.parts(schema)]
        if isinstance(value, list):
            items = [part["items"] for part in parts if "items" in part]
            for place, item in enumerate(value):
                yield from self._unknown(items, item, f"{where}/{place}")
        if not isinstance(value, dict) or not any("properties" in part for part in parts):
            return
        is_open = any(isinstance(part.get("additionalProperties"), dict) for part in parts)
        for name, field in value.items():
            named = [part["properties"][name] for part in parts if name in part.get("properties", {})]
            if named:
                yield from self._unknown(named, field, f"{where}/{name}")
            elif not is_open:
                yield f"{where}/{name}: no such field"


def _with_null(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_with_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    mended = {name: _with_null(part) for name, part in schema.items() if name != "nullable"}
    return {"anyOf": [mended, {"type": "null"}]} if schema.get("nullable") is True else mended


def decoded_form(contract: Contract, content: str, schema: dict[str, Any]) -> Any:
    """`a[b][0][c]=1` as nested values, typed as the schema says."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(content, keep_blank_values=True):
        steps = re.findall(r"[^\[\]]+", name)
        place = tree
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        place[steps[-1]] = value
    return _typed(contract, tree, [schema])


def _typed(contract: Contract, value: Any, schemas: list[dict[str, Any]]) -> Any:
    parts = [part for schema in schemas for part in contract.parts(schema)]
    if isinstance(value, dict):
        items = [part["items"] for part in parts if "items" in part]
        if items and all(name.isdigit() for name in value):
            return [_typed(contract, value[name], items) for name in sorted(value, key=int)]
        return {
            name: _typed(
                contract, field, [part["properties"][name] for part in parts if name in part.get("properties", {})]
            )
            for name, field in value.items()
        }
    types = {part.get("type") for part in parts}
    if types & {"integer", "number"} and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "boolean" in types and value in {"true", "false"}:
        return value == "true"
    return value
