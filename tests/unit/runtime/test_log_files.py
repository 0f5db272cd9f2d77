from __future__ import annotations

from threading import Event, Thread

from dsscaffold.runtime.events import LogLine
from dsscaffold.runtime.files import rotate
from dsscaffold.runtime.local.log_files import Follower
from dsscaffold.runtime.repo import RunFolder

KAFKA = """2026-11-22T20:42:38.100Z [main] WARN late
2026-11-22T20:42:40Z [main] WARN later
\tat a.line.of.its.Stack
"""
POSTGRES = "2026-11-22 20:42:39.000 UTC [7] LOG:  ready\n"
GATEWAY = '{"time":1795380157000,"msg":"first"}\n{"time":"2026-11-22T20:42:41+00:00","msg":"last"}\n{"odd json\n'


def test_history_is_in_the_order_of_time(run: RunFolder) -> None:
    run.log("kafka").write_text(KAFKA)
    run.log("postgres").write_text(POSTGRES)
    run.log("gateway").write_text(GATEWAY)
    lines = list(Follower(run, ["gateway", "kafka", "none", "postgres"]).history(None))
    assert [(line.service, line.line.split()[-1]) for line in lines] == [
        ("gateway", '{"time":1795380157000,"msg":"first"}'),
        ("kafka", "late"),
        ("postgres", "ready"),
        ("kafka", "later"),
        ("kafka", "a.line.of.its.Stack"),
        ("gateway", '{"time":"2026-11-22T20:42:41+00:00","msg":"last"}'),
        ("gateway", "json"),
    ]


def test_tail_bounds_each_service(run: RunFolder) -> None:
    run.log("a").write_text("1\n2\n3\n")
    run.log("b").write_text("4\n")
    follower = Follower(run, ["a", "b"])
    assert [line.line for line in follower.history(2)] == ["2", "3", "4"]
    assert list(follower.history(0)) == []


def test_only_what_comes_later_is_followed_and_in_whole_lines(run: RunFolder) -> None:
    log = run.log("a")
    log.write_text("before\n")
    follower = Follower(run, ["a", "b"])
    assert list(follower.lines()) == []
    with log.open("a") as file:
        file.write("one\ntw")
    assert list(follower.lines()) == [LogLine("a", "one")]
    with log.open("a") as file:
        file.write("o\r\n")
    run.log("b").write_text("new file\n")
    assert list(follower.lines()) == [LogLine("a", "two"), LogLine("b", "new file")]
    assert [line.line for line in follower.history(None)] == ["before"]


def test_a_log_that_was_moved_aside(run: RunFolder) -> None:
    log = run.log("a")
    log.write_text("a long line that is gone\n")
    follower = Follower(run, ["a"])
    log.write_text("new\n")
    assert list(follower.lines()) == [LogLine("a", "new")]


def test_a_log_that_is_moved_aside_in_the_moment_of_a_look(run: RunFolder) -> None:
    log = run.log("a")
    over = Event()

    def move() -> None:
        while not over.is_set():
            log.write_text("new\n")
            rotate(log, limit=0)

    moving = Thread(target=move)
    moving.start()
    try:
        for _ in range(20_000):
            follower = Follower(run, ["a"])
        assert {line.line for line in follower.history(None)} <= {"new"}
    finally:
        over.set()
        moving.join()
