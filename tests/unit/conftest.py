"""Small templates folders, written by the tests that need them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

TEMPLATES = {
    "copier.yml": """
        _min_copier_version: "9.15.0"
        _envops:
          undefined: jinja2.StrictUndefined
        """,
    "repo/README.md.jinja": "# {{ project_name }}\n",
    "repo/run.sh": "#!/bin/sh\n",
    "compose/compose.yaml.jinja": "{% for service in services %}- {{ service.name }}\n{% endfor %}",
    "gateway/app.ts": "export const base = true;\n",
    "gateway/plain.ts": "export const plain = '{{ not templated }}';\n",
    "gateway/hub.ts.jinja": "{% if 'hub' in patterns %}export const hub = true;\n{% endif %}",
    "python-service/main.py": "print('base')\n",
    "python-service/README.md.jinja": "{{ service.name }} in {{ project_name }}, {{ patterns | join(',') }}\n",
    "brokers/kafka/broker.yaml": "title: Kafka\nsummary: A log\n",
    "brokers/kafka/python-service/kafka.py": "broker = 'kafka'\n",
    "patterns/orders/pattern.yaml": "title: Orders\nsummary: Orders\nrequires: {roles: [orders]}\nweek: 4\n",
    "patterns/orders/gateway/app.ts.jinja": "export const orders = '{{ project_name }}';\n",
    "patterns/hub/pattern.yaml": "title: Hub\nsummary: Hub\nconflicts: [orders]\n",
    "roles/orders/role.yaml": "title: Orders\nsummary: Takes orders\nrequires: {patterns: [orders]}\n",
    "roles/orders/python-service/main.py": "print('orders')\n",
    "roles/profiles/role.yaml": "title: Profiles\nsummary: Users\nreserves: [users]\n",
    "roles/profiles/python-service/main.py": "print('profiles')\n",
    "licenses/MIT/license.yaml": "title: MIT\nsummary: Short\n",
    "licenses/MIT/repo/LICENSE.jinja": "MIT License\n\nCopyright (c) {{ copyright }}\n",
    "presets/shop.yaml": """
        title: Shop
        summary: A shop
        version: 1
        broker: kafka
        patterns: [orders]
        services:
          profiles: {lang: python, role: profiles}
          orders: {lang: python, role: orders}
        """,
}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A templates folder with one of everything."""
    root = tmp_path / "templates"
    for name, text in TEMPLATES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    (root / "repo/run.sh").chmod(0o755)
    return root
