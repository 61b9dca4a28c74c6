"""``POST .../serviceaccounts/NAME/token``: what ``kubectl create token`` asks for."""

import json
from typing import Any

from aiohttp import web

from netlab.apiserver.service_accounts import ServiceAccountTokens
from netlab.kube import protobuf
from netlab.kube.status import bad_request


def token_routes(tokens: ServiceAccountTokens) -> list[web.RouteDef]:
    """Return the route that answers TokenRequests."""

    async def create(request: web.Request) -> web.Response:
        match = request.match_info
        body = _body(await request.read(), request.content_type)
        return web.json_response(
            tokens.request(match["namespace"], match["name"], body), status=201
        )

    path = "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    return [web.post(path, create)]


def _body(content: bytes, content_type: str) -> dict[str, Any]:
    try:
        if content_type == protobuf.MEDIA_TYPE:
            return protobuf.decode(content)
        body = json.loads(content or b"{}")
    except protobuf.ProtobufError as error:
        raise bad_request(str(error)) from error
    except ValueError as error:
        raise bad_request(f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("the body is no object")
    return body
