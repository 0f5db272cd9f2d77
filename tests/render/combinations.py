"""The combinations that are rendered and checked. A new pattern, role or broker adds its own here."""

from __future__ import annotations

from dsscaffold.project.manifest import Manifest, Service

ORDERS = Service("orders", "python", "orders")
PROFILES = Service("profiles", "python", "profiles")
RECOMMENDATIONS = Service("recommendations", "python", "recommendations")

COMBINATIONS = [
    Manifest("shop", "kafka", ("orders", "resilience"), (ORDERS, PROFILES, RECOMMENDATIONS)),
    Manifest("without-resilience", "kafka", ("orders",), (ORDERS, PROFILES, RECOMMENDATIONS)),
    Manifest("resilience-only", "kafka", ("resilience",), (PROFILES,)),
    Manifest("orders-only", "kafka", ("orders",), (ORDERS,)),
    # A service may have another name than its role.
    Manifest(
        "renamed",
        "kafka",
        ("orders",),
        (Service("fulfilment", "python", "orders"), Service("user-profiles", "python", "profiles")),
    ),
    Manifest("fan-out", "kafka", (), (PROFILES,), "MIT", "2026 The demo team"),
    Manifest("blank", "kafka", (), (Service("notes", "python"),)),
    Manifest("blank-resilience", "kafka", ("resilience",), (Service("notes", "python"),)),
    # Two blank services, one of which says so, beside one with a role.
    Manifest(
        "blank-services", "kafka", (), (PROFILES, Service("notes", "python"), Service("team-notes", "python", "blank"))
    ),
    Manifest("gateway-only", "kafka", (), (), "Apache-2.0", "2026 The demo team"),
]
