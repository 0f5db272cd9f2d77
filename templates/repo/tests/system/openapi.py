"""The gateway's OpenAPI document, as a check of what the gateway really answers."""

import re
from typing import Any

import httpx2
from jsonschema import Draft202012Validator


class OpenApi:
    """Checks answers against the schemas that the document gives for their call and status."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._calls = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path.replace("{*}", ".*"))), call)
            for path, call in document["paths"].items()
        ]

    def check(self, response: httpx2.Response) -> None:
        """Raise if the body is not what the document promises, or if the status is not in it."""
        request = response.request
        call = self._find(request.url.path, request.method.lower())
        if call is None:
            return
        responses = call["responses"]
        answer = responses.get(str(response.status_code), responses.get("default"))
        where = f"{request.method} {request.url.path} -> {response.status_code}"
        assert answer is not None, f"{where} is not in the OpenAPI document"
        media_type = response.headers.get("content-type", "").partition(";")[0]
        schema = answer.get("content", {}).get(media_type, {}).get("schema")
        if schema is None or media_type == "text/event-stream":
            return
        response.read()
        Draft202012Validator(schema).validate(response.json())

    def _find(self, path: str, method: str) -> dict[str, Any] | None:
        matches = (call.get(method) for pattern, call in self._calls if pattern.fullmatch(path))
        return next(matches, None)
