import json
import logging

from app.logs import JsonFormatter, WithoutHealth


def record(msg: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "app.test", "levelname": "WARNING", "msg": msg, "args": args, **extra}
    )


def test_a_record_is_one_json_object_with_its_context() -> None:
    line = JsonFormatter("notes").format(record("lost %s", "it", topic="orders", offset=7))
    entry = json.loads(line)
    assert "\n" not in line
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "warning",
        "msg": "lost it",
        "service": "notes",
        "logger": "app.test",
        "topic": "orders",
        "offset": 7,
    }


def test_the_health_probes_are_kept_out_of_the_access_log() -> None:
    access = '%s - "%s %s HTTP/%s" %d'
    keep = WithoutHealth().filter
    assert not keep(record(access, "127.0.0.1:1", "GET", "/health/ready", "1.1", 200))
    assert keep(record(access, "127.0.0.1:1", "GET", "/orders", "1.1", 200))
