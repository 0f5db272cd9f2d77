"""What the gateway answers for itself."""

import httpx2

from stack import assert_problem, wait_for


def test_it_is_alive_and_ready(api: httpx2.Client) -> None:
    assert api.get("/health/live").json() == {"status": "ok"}

    def is_ready() -> bool:
        return bool(api.get("/health/ready").json()["status"] == "ok")

    # A busy machine may keep the broker from an answer for a moment.
    wait_for(is_ready, "it is ready")


def test_the_documentation_is_served(api: httpx2.Client) -> None:
    page = api.get("/docs", follow_redirects=True)

    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]


def test_an_unknown_path_is_a_problem(api: httpx2.Client) -> None:
    assert_problem(api.get("/api/no-such-thing"), 404)


def test_the_request_id_of_a_proxy_is_kept(api: httpx2.Client) -> None:
    response = api.get("/health/live", headers={"x-request-id": "from-the-proxy"})

    assert response.headers["x-request-id"] == "from-the-proxy"
