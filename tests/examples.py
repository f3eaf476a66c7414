"""Requests as the API's documentation shows them."""

from collections.abc import Iterator
from typing import Any

from kechuangtong.sample.instruments import PICTURE
from kechuangtong.sample.service import PASSWORD, USER

SIGN_IN = {"username": USER, "password": PASSWORD}
METHODS = {"get", "post", "put", "patch", "delete"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation of an OpenAPI document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


def request_for(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any]
) -> dict[str, Any]:
    """The documented request, as httpx takes it; a change is one to any version (If-Match: *)."""
    request: dict[str, Any] = {"method": method.upper(), "headers": {}, "params": {}}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            path = path.replace("{" + name + "}", parameter["examples"]["sample"]["value"])
        elif parameter["in"] == "query" and "example" in parameter["schema"]:
            request["params"][name] = parameter["schema"]["example"]
        elif name.lower() == "if-match":
            request["headers"]["If-Match"] = "*"
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        request["json"] = _example(document, content["application/json"])
    elif path.endswith("/attachments") and content:
        request["files"] = {"file": ("说明.txt", "说明".encode())}
        request["data"] = {"access": "public"}
    elif path.endswith("/documents") and content:
        request["files"] = {"file": ("纪要.txt", "纪要".encode())}
        request["data"] = {"side": "seller"}
    elif path.endswith("/photographs") and content:
        request["files"] = {"file": ("外观.png", PICTURE)}
        request["data"] = {"caption": "主机外观"}
    elif "multipart/form-data" in content:
        request["files"] = {"file": ("成果.csv", "成果名称\n例\n".encode())}
        request["data"] = {"kind": "achievement", "organization": "锦江理工大学"}
    elif content:
        request["data"] = SIGN_IN
    return {**request, "url": path}


def _example(document: dict[str, Any], media: dict[str, Any]) -> Any:
    if "example" in media:
        return media["example"]
    schema = media["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema["example"]
